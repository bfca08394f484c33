"""The commands around races, as a student types them: one schedule again, also under a debugger,
and a long look.
"""

import os
import subprocess
import sys

import pytest
import typer

from grader.agent.race.scheduler import Scheduler
from grader.agent.race.strategies import Quiet
from grader.cli.race import race
from grader.course import REFERENCE_DIR, ROOT, load_course
from grader.outcome import Failure, Interleaving, Outcome
from grader.unit import Unit, assemble, hunt, run_unit
from grader.unit.hunt import Hunt

NAME = "test_no_increment_is_lost"
SEED = 7
DIAGNOSIS = "Both threads read 0 before either wrote: incr is not atomic"

pytestmark = pytest.mark.timeout(120)


def package_in(folder, insert=""):
    """The reference with an incr that reads before it takes the lock."""
    package = folder / "kvstore"
    package.mkdir()
    for path in REFERENCE_DIR.glob("*.py"):
        (package / path.name).write_bytes(path.read_bytes())
    memory = package / "memory.py"
    lines = memory.read_text(encoding="utf-8").splitlines(keepends=True)
    start = next(n for n, line in enumerate(lines) if "def incr(" in line)
    lock = next(n for n in range(start, len(lines)) if "self._lock.writing()" in lines[n])
    read = lines[lock + 1]
    assert "record = " in read
    torn = [insert, read[4:], lines[lock]]
    memory.write_text("".join([*lines[:lock], *torn, *lines[lock + 2 :]]), encoding="utf-8")
    return package


def grader(*arguments, typed=""):
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "80"}
    return subprocess.run(
        [sys.executable, "-m", "grader", *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        input=typed,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    return package_in(tmp_path_factory.mktemp("broken"))


@pytest.fixture(scope="module")
def replay(broken, tmp_path_factory):
    """The id of a schedule under which it loses an increment."""
    assembled = assemble(load_course(), 1, broken, tmp_path_factory.mktemp("package"))
    [outcome] = run_unit(Unit(1, str(assembled), SEED, only=(NAME,))).outcomes
    assert outcome.failure.interleaving is not None, outcome.failure.reason
    assert outcome.failure.interleaving.diagnosis == DIAGNOSIS[0].lower() + DIAGNOSIS[1:]
    return outcome.failure.interleaving.replay


def test_a_function_that_is_not_written_is_no_race(tmp_path):
    package = package_in(tmp_path)
    memory = package / "memory.py"
    body = "        if not isinstance(by, int) or by not in _INT64:\n"
    source = memory.read_text(encoding="utf-8")
    assert source.count(body) == 1
    skeleton = '        raise NotImplementedError("stage 1: MemoryStore.incr")\n'
    memory.write_text(source.replace(body, skeleton + body), encoding="utf-8")
    assembled = assemble(load_course(), 1, package, tmp_path / "assembled")
    [outcome] = run_unit(Unit(1, str(assembled), SEED, only=(NAME,))).outcomes
    assert outcome.failure.unwritten == "MemoryStore.incr"
    assert outcome.failure.interleaving is None


# One schedule again.


def test_a_schedule_is_run_again_as_it_was(broken, replay):
    done = grader("stage", 1, "--target", broken, "--replay", replay)
    assert done.returncode == 1, done.stdout + done.stderr
    assert DIAGNOSIS in done.stdout
    assert "This schedule was run again, and fails:" in done.stdout
    assert done.stdout.count(f"--replay {replay}\n") == 1  # the same one


def test_a_schedule_that_is_mended_passes(replay):
    done = grader("stage", 1, "--target", REFERENCE_DIR, "--replay", replay)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"This schedule of {NAME} passes now." in done.stdout
    assert "nox -s stage1\n" in done.stdout


@pytest.mark.parametrize(
    ("stage", "arguments", "sentence"),
    [
        (1, ["--replay", "test_x"], "is not the id of a schedule"),
        (2, ["--replay", f"{NAME}:7:0:0000:f:c:"], "it is a test of stage 1"),
        (1, ["--replay", f"{NAME}:7:99:0000:f:c:"], "has no program 99, so nothing was run"),
        (1, ["--replay", f"{NAME}:7:0:0000:f:c:"], "has another program there"),
        (1, ["--replay", f"{NAME}:7:0:0000:f:c:", "--seed", "7"], "leave out -k and --seed"),
    ],
)
def test_an_id_that_does_not_fit_is_one_sentence(stage, arguments, sentence):
    done = grader("stage", stage, "--target", REFERENCE_DIR, *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith("grader: ")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


# With a debugger.


@pytest.fixture(scope="module")
def stopping(tmp_path_factory):
    return package_in(tmp_path_factory.mktemp("stopping"), insert="        breakpoint()\n")


def test_a_debugger_stops_each_thread_and_changes_nothing(stopping, replay):
    typed = "p 'key', key\nn\np 'len', len(self)\nc\np 'get', self.get(key)\nc\nc\nc\n"
    done = grader("stage", 1, "--target", stopping, "--replay", replay, "--debug", typed=typed)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "(Pdb A) ('key', 'x')" in done.stdout
    assert "(Pdb B)" in done.stdout
    assert "('get', None)" in done.stdout or "('len', 0)" in done.stdout
    assert DIAGNOSIS in done.stdout  # the schedule is the one without a breakpoint()
    assert f"--replay {replay}\n" in done.stdout


def test_looking_around_is_no_step_and_never_waits():
    scheduler = Scheduler()
    scheduler.start(Quiet())
    left = scheduler.left
    go_on = scheduler.hold()
    scheduler.sync()
    with pytest.raises(RuntimeError, match="stands still"):
        scheduler.block("a lock")
    go_on()
    assert (scheduler.left, scheduler.ready) == (left, [])


def test_who_quits_the_debugger_ends_the_run(stopping, replay):
    done = grader("stage", 1, "--target", stopping, "--replay", replay, "--debug", typed="q\n")
    assert (done.returncode, done.stderr) == (130, "")
    assert done.stdout.count("(Pdb") == 1


def test_a_debugger_is_not_led_through_a_search(stopping):
    done = grader("stage", 1, "--target", stopping, "-k", NAME, "--debug")
    assert done.returncode == 1
    assert "a debugger walks through one schedule" in " ".join(done.stdout.split())
    assert "(Pdb" not in done.stdout


# A long look.


def test_a_long_look_finds_a_race_and_tells_it(broken):
    done = grader("race", 1, "--target", broken, "--seconds", 40, "--seed", SEED, "-k", NAME)
    assert done.returncode == 1, done.stdout + done.stderr
    assert DIAGNOSIS in done.stdout
    assert f"--replay {NAME}:{SEED}:" in done.stdout
    assert "one race in " in done.stdout
    assert "nox -s race -- 1\n" in done.stdout


def test_a_long_look_at_what_is_right_counts():
    where = ("6", "--target", REFERENCE_DIR, "-k", "test_commands_of_clients")
    done = grader("race", *where, "--seconds", 4, "--seed", SEED)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no race in " in done.stdout
    assert " of 1 test " in done.stdout
    assert "nox -s race -- 6 --seconds 600\n" in done.stdout


def test_stages_share_the_time_and_each_is_counted(monkeypatch, capsys):
    ends = []

    def look(self, end, tell):
        ends.append(end)
        self.schedules, self.looked = 1000 * self.unit.stage, set(self.tests)
        tell()

    monkeypatch.setattr(Hunt, "run", look)
    with pytest.raises(typer.Exit) as ended:
        race(seconds=60, target=REFERENCE_DIR, select="test_threads_may_mix_all", seed=1)
    assert ended.value.exit_code == 0
    assert 25 < ends[1] - ends[0] < 35
    out = capsys.readouterr().out
    assert "Races: stages 1, 4" in out
    assert "no race in 5,000 schedules of 2 tests" in out
    assert "stage 4: 4,000 schedules of 1 test" in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["2", "--target", REFERENCE_DIR], "stage 2 shares nothing between threads"),
        (["1", "--target", REFERENCE_DIR, "-k", "no_such"], "that matches -k 'no_such'"),
        (["9", "--target", REFERENCE_DIR], "there is no stage 9"),
    ],
)
def test_nothing_to_look_at_is_one_sentence(arguments, sentence):
    done = grader("race", *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_stage_that_is_not_begun_is_one_sentence(tmp_path):
    package = tmp_path / "kvstore"
    package.mkdir()
    done = grader("race", "3", "--target", package)
    assert done.returncode == 2
    assert "nothing of stage 3 is written" in done.stderr
    assert "begin with nox -s stage3" in done.stderr


def test_who_ends_it_gets_the_count_so_far(monkeypatch, capsys):
    def interrupted(self, _end, _tell):
        self.schedules, self.looked = 1234, {NAME}
        raise KeyboardInterrupt

    monkeypatch.setattr(Hunt, "run", interrupted)
    with pytest.raises(typer.Exit) as ended:
        race(number=1, seconds=60, target=REFERENCE_DIR, select=NAME, seed=1)
    assert ended.value.exit_code == 0
    assert "no race in 1,234 schedules of 1 test " in capsys.readouterr().out


# What is run in which round.


def outcome(name, status, race=None):
    place = f"stage1_foundation/tests/test_races.py::{name}"
    failure = None if status == "passed" else Failure("why", interleaving=race)
    return Outcome(place, "A title.", 1, "concurrency", 1, "one-step", False, status, 0.1, failure)


def rounds_of(monkeypatch, statuses_of):
    """The units that a hunt runs; `statuses_of` gives a round's outcomes."""
    units = []

    def fake(unit, hear, patience):
        units.append((unit, patience.factor))
        patience.tell(unit.only[0], 20)
        for one in statuses_of(len(units), unit):
            hear(one)

    monkeypatch.setattr(hunt, "run_unit", fake)
    return units


def test_rounds_have_new_seeds_and_more_schedules_up_to_the_first_race(monkeypatch):
    found = Interleaving(("A",), (), (), (), "why", 1, "id")

    def statuses_of(number, unit):
        return [outcome(n, *(("failed", found) if number == 4 else ("passed",))) for n in unit.only]

    units = rounds_of(monkeypatch, statuses_of)
    looking = Hunt(Unit(1, "kvstore", 10), ("test_a", "test_b"))
    looking.run(end=1e12)
    assert [(unit.seed, factor) for unit, factor in units] == [(10, 1), (11, 2), (12, 4), (13, 8)]
    assert looking.race is not None
    assert (looking.race[0], looking.schedules, looking.looked) == (13, 80, {"test_a"})


def test_what_fails_without_a_race_is_told_and_not_run_again(monkeypatch):
    def statuses_of(number, unit):
        return [
            outcome(n, "failed" if n == "test_a" or number == 3 else "passed") for n in unit.only
        ]

    units = rounds_of(monkeypatch, statuses_of)
    looking = Hunt(Unit(1, "kvstore", 10), ("test_a", "test_b"))
    looking.run(end=1e12)
    assert [unit.only for unit, _factor in units] == [("test_a", "test_b"), *[("test_b",)] * 2]
    assert [(seed, one.name) for seed, one in looking.others] == [(10, "test_a"), (12, "test_b")]
    assert looking.race is None
