"""Workers: however they are started, each runs one unit in a process of its own."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from grader.course import REFERENCE_DIR, load_course
from grader.unit import Unit, assemble
from grader.unit.collect import collect_tests
from grader.unit.worker import WarmWorkers, run_in_worker

STAGE = 2
ENDS_ITS_PROCESS = "import os\nos.kill(os.getpid(), 9)\n"


@pytest.fixture(scope="module")
def workers():
    return WarmWorkers()


def unit(into, *, seed=1, entry=""):
    """A few tests of a package whose `entry.py` is the reference's, or this text."""
    package = assemble(load_course(), STAGE, REFERENCE_DIR, into)
    if entry:
        (package / "entry.py").write_text(entry, encoding="utf-8")
    names = tuple(outcome.name for outcome in collect_tests(STAGE)[:2])
    return Unit(STAGE, str(package), seed, only=names)


def statuses(result):
    assert result.problem == ""
    return [(outcome.test, outcome.status) for outcome in result.outcomes]


def test_a_warm_worker_comes_to_what_a_fresh_one_does(workers, tmp_path):
    one = unit(tmp_path)
    told = []
    result = workers.run(one, told.append)
    assert statuses(result) == statuses(run_in_worker(one))
    assert list(result.outcomes) == told
    assert result.seed == 1


def test_warm_workers_know_nothing_of_each_other(workers, tmp_path):
    broken = unit(tmp_path / "broken", entry=ENDS_ITS_PROCESS)
    whole = unit(tmp_path / "whole")
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(workers.run, [broken, whole] * 4))
    ends = [{status for _test, status in statuses(result)} for result in results]
    assert all("crashed" in end and "passed" not in end for end in ends[::2])
    assert ends[1::2] == [{"passed"}] * 4


def test_a_warm_worker_that_dies_is_a_problem_and_the_next_one_works(workers, tmp_path):
    result = workers.run(Unit(99, str(tmp_path), seed=1))
    assert result.outcomes == ()
    assert result.problem == "the grader's worker ended with exit code 1"
    assert statuses(workers.run(unit(tmp_path)))
