"""Which tests a stage has, without running any."""

from __future__ import annotations

from functools import cache

from grader.course import CourseError
from grader.outcome import Outcome
from grader.unit.run import Unit
from grader.unit.worker import run_in_worker


@cache
def collect_tests(stage: int) -> tuple[Outcome, ...]:
    """Return every test of a stage, each as an outcome with the status `error`: nothing ran.

    So what can be earned is known before anything runs. Raises `CourseError` when the tests cannot
    be read.
    """
    result = run_in_worker(Unit(stage, package_dir="", seed=0, collect_only=True))
    if result.problem:
        raise CourseError(f"the tests of stage {stage} cannot be collected: {result.problem}")
    return result.outcomes
