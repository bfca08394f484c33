"""Checks that the runs of a submission can be graded at all, before any point is counted.

Each test counts once, in its own stage, and is worth the same in both runs of the stage; anything
else is the grader's fault and raises `GradingError`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from grader.grading.model import GradingError, StageRun
from grader.outcome import SUITES, Outcome


def check_runs(stages: Sequence[int], runs: Sequence[StageRun]) -> None:
    """Raise `GradingError` unless `runs` holds one sound run of each of `stages`, in order."""
    found = [run.stage for run in runs]
    if not found or found != list(stages):
        raise GradingError(f"expected one run of each stage {list(stages)}, got {found}")
    if len({unit.seed for run in runs for unit in run.units}) > 1:
        raise GradingError("the runs of one submission used different seeds")
    seen: set[str] = set()
    for run in runs:
        _check_run(run)
        tests = {outcome.test for outcome in run.chosen.outcomes}
        if seen & tests:
            raise GradingError(f"{min(seen & tests)} was run in two stages: it would count twice")
        seen |= tests


def _check_run(run: StageRun) -> None:
    worth: dict[str, tuple[float, str]] = {}
    for unit in run.units:
        tests = [outcome.test for outcome in unit.outcomes]
        if len(tests) != len(set(tests)):
            raise GradingError(f"stage {run.stage}: a test has two outcomes in one run")
        for outcome in unit.outcomes:
            _check_outcome(run.stage, outcome)
            if worth.setdefault(outcome.test, _worth(outcome)) != _worth(outcome):
                raise GradingError(f"{outcome.test}: its two runs disagree on suite or points")
    if not run.tally.available > 0:
        raise GradingError(
            f"stage {run.stage}: no test of it was collected, so it cannot be graded"
        )


def _worth(outcome: Outcome) -> tuple[float, str]:
    return outcome.points, outcome.suite


def _check_outcome(stage: int, outcome: Outcome) -> None:
    if outcome.stage != stage:
        raise GradingError(f"{outcome.test} belongs to stage {outcome.stage}, not to {stage}")
    if outcome.suite not in SUITES:
        raise GradingError(f"{outcome.test} names the unknown suite {outcome.suite!r}")
    if not (math.isfinite(outcome.points) and outcome.points >= 0):
        raise GradingError(f"{outcome.test} is worth {outcome.points} points")
