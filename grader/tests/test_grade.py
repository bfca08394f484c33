"""Which units run for one submission, and what comes of them."""

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from grader.grading.grade import Grading, stages_to_carry
from grader.grading.score import GradingError, StageRun, Tally
from grader.submission import Submission
from grader.tests.make_outcomes import SEED, WEIGHTS, marks, outcome, stage1, stage2, unit

ALICE = Submission("alice", Path("alice/kvstore"))
COURSE = SimpleNamespace(stages=[SimpleNamespace(number=1), SimpleNamespace(number=2)])


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


def grading(run, **more):
    whole = {1: stage1().outcomes, 2: stage2().outcomes}
    more = {"collect": whole.__getitem__, **more}
    fields = {"measure": lambda package_dir, course: marks(), "clock": iter([10.0, 12.5]).__next__}
    return Grading(course=COURSE, weights=WEIGHTS, seed=SEED, run=run, **(fields | more))


@pytest.mark.parametrize("jobs", [0, 1, 4])
def test_a_perfect_submission_runs_once(jobs):
    run = Runner(stage1(), stage2())
    found = grading(run, jobs=jobs).grade(ALICE)
    assert (found.score, found.seconds, found.submission) == (100.0, 2.5, "alice")
    assert sorted(run.asked) == [(1, False), (2, False)]


def test_an_error_is_carried_forward():
    run = Runner(stage1("get"), stage2("torn"), stage2())
    found = grading(run).grade(ALICE)
    assert run.asked == [(1, False), (2, False), (2, True)]
    assert found.suites["persistence"].is_full
    assert not found.suites["correctness"].is_full


def test_a_stage_that_fell_short_on_its_own_is_not_run_again():
    run = Runner(stage1(), stage2("torn"))
    grading(run).grade(ALICE)
    assert (2, True) not in run.asked


def test_a_perfect_stage_is_not_run_again():
    run = Runner(stage1("get"), stage2())
    grading(run).grade(ALICE)
    assert (2, True) not in run.asked


def test_which_stages_are_run_again():
    short, full = stage1("get"), stage1()
    runs = [StageRun(n, unit) for n, unit in enumerate([full, short, full, short, short], start=1)]
    assert stages_to_carry(runs) == [4, 5]


def test_a_rejected_submission_runs_nothing():
    run = Runner(stage1(), stage2())
    found = grading(run).grade(Submission("bob", None, "no package"))
    assert (found.score, found.problem, run.asked) == (0.0, "no package", [])


def test_the_runner_s_errors_come_out():
    def run(stage, submission, *, carried):
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        grading(run).grade(ALICE)


def test_a_run_that_died_half_way_makes_no_test_cheaper():
    died = unit(1, *stage1().outcomes[:1], problem="the worker died")
    found = grading(Runner(died, stage2())).grade(ALICE)
    assert found.suites["correctness"] == Tally(1.0, 3.0)
    assert found.suites["concurrency"] == Tally(0.0, 5.0)
    assert found.problem == "stage 1: the worker died"


def test_an_outcome_of_an_unknown_test_is_an_error():
    forged = unit(1, *stage1().outcomes, outcome(1, "forged", "correctness", 50.0))
    with pytest.raises(GradingError, match="test_forged has an outcome and was never collected"):
        grading(Runner(forged, stage2())).grade(ALICE)


def test_threads_change_nothing():
    def found(jobs):
        return grading(Runner(stage1("get"), stage2("torn"), stage2()), jobs=jobs).grade(ALICE)

    assert found(1) == found(8)
