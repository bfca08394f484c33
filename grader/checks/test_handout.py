"""The hand-out works on its own, in a fresh folder, with an environment that its noxfile makes."""

import shutil
import subprocess
import sys

import pytest

from grader.course import REFERENCE_DIR, load_course
from grader.handout.student import write_handout

STAGES = load_course().stages

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A student's repository."""
    folder = tmp_path_factory.mktemp("student") / "kvstore"
    write_handout(folder)
    return folder


def nox(folder, *arguments):
    """What a student types."""
    command = [sys.executable, "-m", "nox", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr)
    assert "Traceback" not in done.stdout + done.stderr
    return done


def lay_reference(folder):
    for path in REFERENCE_DIR.glob("*.py"):
        shutil.copyfile(path, folder / "work" / "kvstore" / path.name)


def test_the_first_run_is_red_and_lays_out_the_students_files(folder):
    done = nox(folder, "-s", "stage1")
    assert done.returncode == 1
    assert "0 of 25 tests passed" in done.stdout
    assert {"memory.py", "rwlock.py"} <= {path.name for path in (folder / "work/kvstore").iterdir()}


def test_work_that_is_right_is_green_in_every_stage_also_after_an_update(folder):
    nox(folder, "-s", "stage1")
    lay_reference(folder)
    (folder / "README.md").write_text("an older version\n")
    assert write_handout(folder).changed == ("README.md",)
    done = nox(folder, "-s", *(f"stage{stage.number}" for stage in STAGES))
    assert done.returncode == 0
    assert done.stdout.count("This stage is done") == len(STAGES) - 1


def test_a_hint_can_be_had(folder):
    done = nox(folder, "-s", "hint", "--", "torn-tail", "1")
    assert done.returncode == 0
    assert "nox -s hint -- torn-tail 2" in done.stdout


def test_races_are_looked_for_and_a_schedule_is_run_again(folder):
    lay_reference(folder)
    memory = folder / "work" / "kvstore" / "memory.py"
    right = memory.read_text(encoding="utf-8")
    memory.write_text(right.replace("with self._lock.writing():", "if True:"), encoding="utf-8")
    done = nox(folder, "-s", "race", "--", "1", "--seconds", "30", "--seed", "1")
    assert done.returncode == 1
    assert "one race in" in done.stdout
    command = next(line for line in done.stdout.splitlines() if "--replay" in line).split()
    assert command[:2] == ["nox", "-s"]
    assert "This schedule was run again, and fails" in nox(folder, *command[1:]).stdout
    memory.write_text(right, encoding="utf-8")
    assert "passes now" in nox(folder, *command[1:]).stdout


def test_assist_is_refused_in_one_sentence(folder):
    done = nox(folder, "-s", "stage3", "--", "--assist")
    assert done.returncode == 1
    assert "there is no reference solution here" in done.stdout + done.stderr


def test_it_has_no_sessions_but_the_students(folder):
    listed = nox(folder, "-l").stdout
    sessions = [line.split()[1] for line in listed.splitlines() if line.startswith(("* ", "- "))]
    assert sessions == [*(f"stage{stage.number}" for stage in STAGES), "race", "inspect", "hint"]
