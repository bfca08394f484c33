"""Which units run for one submission, and what comes of them."""

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from grader.grading.gather import Gathering, stages_to_carry
from grader.grading.model import Entry, GradingError, StageRun
from grader.grading.rubric import load_rubric
from grader.grading.score import make_grade
from grader.tests.make_outcomes import SEED, marks, outcome, stage1, stage2, unit

ENTRY = Entry("submission-01", digest="0a")
ONE = SimpleNamespace(entry=ENTRY, package_dir=Path("submission-01/kvstore"))
COURSE = SimpleNamespace(
    stages=[
        SimpleNamespace(number=1, files=("memory.py",), skeleton=Path("stage1")),
        SimpleNamespace(number=2, files=("wal.py",), skeleton=Path("stage2")),
    ]
)


class Runner:
    """A `RunUnit` with fixed results that remembers what was asked of it."""

    def __init__(self, first, second, carried=None):
        self.results = {(1, False): first, (2, False): second, (2, True): carried}
        self.asked = []
        self._lock = threading.Lock()  # protects `asked`

    def __call__(self, stage, submission, *, carried):
        with self._lock:
            self.asked.append((stage, carried))
        return self.results[stage, carried]


def gathering(run, **more):
    whole = {1: stage1().outcomes, 2: stage2().outcomes}
    more = {"collect": whole.__getitem__, **more}
    fields = {
        "course": COURSE,
        "measure": lambda submission: marks(),
        "clock": iter([10.0, 12.5]).__next__,
    }
    return Gathering(seed=SEED, run=run, **(fields | more))


def graded(run, **more):
    """The grade of what is gathered, so that a test can say what it comes to."""
    return make_grade(gathering(run, **more).gather(ONE), load_rubric(), (1, 2))


@pytest.mark.parametrize("jobs", [0, 1, 4])
def test_a_perfect_submission_runs_once(jobs):
    run = Runner(stage1(), stage2())
    found = graded(run, jobs=jobs)
    assert (found.score, found.seconds, found.submission) == (100.0, 2.5, "submission-01")
    assert sorted(run.asked) == [(1, False), (2, False)]


def test_an_error_is_carried_forward():
    run = Runner(stage1("get"), stage2("torn"), stage2())
    found = graded(run)
    assert run.asked == [(1, False), (2, False), (2, True)]
    assert found.suites["persistence"].is_full
    assert not found.suites["correctness"].is_full


def test_a_stage_that_fell_short_on_its_own_is_not_run_again():
    run = Runner(stage1(), stage2("torn"))
    gathering(run).gather(ONE)
    assert (2, True) not in run.asked


def test_a_perfect_stage_is_not_run_again():
    run = Runner(stage1("get"), stage2())
    gathering(run).gather(ONE)
    assert (2, True) not in run.asked


def test_a_stage_in_which_nothing_is_written_is_not_run_again(tmp_path):
    for folder in ("stage2", "package"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "wal.py").write_text("raise NotImplementedError")
    stages = [
        COURSE.stages[0],
        SimpleNamespace(**vars(COURSE.stages[1]) | {"skeleton": tmp_path / "stage2"}),
    ]
    run = Runner(stage1("get"), stage2("torn", "parse", "errors"))
    one = SimpleNamespace(entry=ENTRY, package_dir=tmp_path / "package")
    gathering(run, course=SimpleNamespace(stages=stages)).gather(one)
    assert run.asked == [(1, False), (2, False)]


def test_which_stages_are_run_again():
    short, full = stage1("get"), stage1()
    runs = [StageRun(n, unit) for n, unit in enumerate([full, short, full, short, short], start=1)]
    assert stages_to_carry(runs) == [4, 5]


def test_a_rejected_submission_runs_nothing():
    run = Runner(stage1(), stage2())
    nothing = SimpleNamespace(entry=Entry("submission-02", problem="no package"), package_dir=None)
    found = gathering(run).gather(nothing)
    assert (found.runs, found.entry.problem, run.asked) == ((), "no package", [])


def test_the_runner_s_errors_come_out():
    def run(stage, submission, *, carried):
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        gathering(run).gather(ONE)


def test_a_run_that_died_half_way_makes_no_test_cheaper():
    died = unit(1, *stage1().outcomes[:1], problem="the worker died")
    found = graded(Runner(died, stage2()))
    assert (found.suites["correctness"].earned, found.suites["correctness"].available) == (1.0, 3.0)
    assert found.suites["concurrency"].available == 5.0
    assert found.problem == "stage 1: the worker died"


def test_an_outcome_of_an_unknown_test_is_an_error():
    forged = unit(1, *stage1().outcomes, outcome(1, "forged", "correctness", 50.0))
    with pytest.raises(GradingError, match="test_forged has an outcome and was never collected"):
        gathering(Runner(forged, stage2())).gather(ONE)


def test_threads_change_nothing():
    def found(jobs):
        return gathering(Runner(stage1("get"), stage2("torn"), stage2()), jobs=jobs).gather(ONE)

    assert found(1) == found(8)
