"""The command line from outside: exit codes, and one sentence for every mistake."""

import json
import os
import subprocess
import sys
import zipfile

import pytest

from grader.course import REFERENCE_DIR, ROOT


def run(*arguments):
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "100"}
    return subprocess.run(
        [sys.executable, "-m", "grader", *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["stage", "9"], "grader: there is no stage 9: the stages are 1 to 6\n"),
        (
            ["stage", "1", "--target", "nowhere"],
            (
                "grader: nowhere holds no package kvstore: name the folder that contains kvstore/,"
                " or that folder\n"
            ),
        ),
        (["grade", "nowhere"], "grader: nowhere does not exist: give a folder or a zip\n"),
        (
            ["stage", "2", "--target", REFERENCE_DIR, "-k", "no_such_test"],
            "grader: no test of stage 2 has a name that matches -k 'no_such_test'\n",
        ),
    ],
)
def test_a_callers_mistake_is_one_sentence(arguments, sentence):
    done = run(*arguments)
    assert (done.returncode, done.stderr) == (2, sentence)


def test_an_unknown_hint_is_one_sentence():
    done = run("hint", "torn-tale")
    assert done.returncode == 2
    assert "did you mean torn-tail" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_hint_says_how_to_get_the_next_one():
    done = run("hint", "torn-tail", "2")
    assert done.returncode == 0
    assert "nox -s hint -- torn-tail 3" in done.stdout


def test_a_stage_that_passes_exits_0_and_says_what_is_next():
    done = run("stage", "2", "--target", REFERENCE_DIR, "-k", "byte_for_byte", "--seed", "5")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "seed 5" in done.stdout
    assert "nox -s stage3" in done.stdout


def test_a_stage_that_fails_exits_1_and_says_how_to_replay(tmp_path):
    wrong = tmp_path / "kvstore"
    wrong.mkdir()
    for path in REFERENCE_DIR.glob("*.py"):
        (wrong / path.name).write_bytes(path.read_bytes())
    source = (wrong / "entry.py").read_text(encoding="utf-8")
    assert '">4sBqI"' in source
    (wrong / "entry.py").write_text(source.replace('">4sBqI"', '"<4sBqI"'), encoding="utf-8")
    done = run("stage", "2", "--target", tmp_path, "-k", "byte_for_byte", "--seed", "5")
    assert done.returncode == 1
    assert "first difference at byte 5, in timestamp" in done.stdout
    assert "nox -s stage2 -- -k test_a_set_is_laid_out_byte_for_byte --seed 5" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_debug_runs_the_package_in_the_graders_process():
    arguments = ["--target", REFERENCE_DIR, "-k", "byte_for_byte", "--debug"]
    done = run("stage", "2", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "none (debug)" in done.stdout


def test_a_rejected_submission_gets_0_and_a_sentence(tmp_path):
    evil = tmp_path / "submission-09.zip"
    with zipfile.ZipFile(evil, "w") as archive:
        archive.writestr("../kvstore/memory.py", "x = 1")
    out = tmp_path / "grades"
    done = run("grade", evil, "--out", out)
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads((out / "submission-09" / "results.json").read_text())
    assert results["score"] == 0.0
    assert ".." in results["extra_data"]["problem"]
    assert "Traceback" not in done.stdout + done.stderr
