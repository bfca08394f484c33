"""The statistics of a class, as pure functions of its grades.

Each is defined for an empty class, for one submission and for equal ones. Rejected submissions
count in the scores and the stages (as 0, as "none"), but not in the tests, which they never met.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from grader.grading.model import FULL_SCORE, Grade
from grader.outcome import Outcome

BINS = 10


@dataclass(frozen=True)
class Spread:
    """How scores are spread; quartiles are interpolated between the scores, both ends included
    (R's type 7).
    """

    mean: float
    median: float
    lower_quartile: float
    upper_quartile: float
    lowest: float
    highest: float


@dataclass(frozen=True)
class StageCounts:
    """How many submissions passed all tests of a stage, some, or none."""

    passed: int
    partly: int
    none: int

    @property
    def total(self) -> int:
        """All submissions."""
        return self.passed + self.partly + self.none


@dataclass(frozen=True)
class PassRate:
    """How often one test was passed: `passed` of the `ran` submissions that met it.

    `separation` is -1.0 to 1.0: how well passing it goes with the rest of the score. None when it
    says nothing: everybody passed, nobody did, or all others are equal. Of `noted` submissions the
    test says how thorough it was, of the last one in the words of `note`.
    """

    outcome: Outcome
    passed: int
    ran: int
    separation: float | None
    mean_seconds: float
    noted: int = 0
    note: str = ""

    @property
    def share(self) -> float:
        """The share that passed, 0.0 to 1.0."""
        return self.passed / self.ran


def spread(scores: Sequence[float]) -> Spread | None:
    """Describe the scores of a class; None for an empty one."""
    if not scores:
        return None
    lower, median, upper = (_quantile(sorted(scores), share) for share in (0.25, 0.5, 0.75))
    return Spread(statistics.fmean(scores), median, lower, upper, min(scores), max(scores))


def histogram(scores: Iterable[float]) -> list[int]:
    """Count scores in ten equal bins; a bin begins with its lower end, and the last has 100 too."""
    bins = [0] * BINS
    for score in scores:
        place = math.floor(score / FULL_SCORE * BINS)
        bins[min(max(place, 0), BINS - 1)] += 1
    return bins


def count_stage(grades: Iterable[Grade], stage: int) -> StageCounts:
    """Count submissions by how they did in the tests of a stage; quality is left aside."""
    passed = partly = none = 0
    for grade in grades:
        tally = next((run.tally for run in grade.runs if run.stage == stage), None)
        if tally is None or not tally.earned:
            none += 1
        elif tally.is_full:
            passed += 1
        else:
            partly += 1
    return StageCounts(passed, partly, none)


def pass_rates(grades: Iterable[Grade]) -> list[PassRate]:
    """Return the rate of every test that any submission met, in the order of the stages."""
    met: dict[str, _Met] = {}
    for grade in grades:
        score = math.fsum(grade.suite_score(suite) for suite in grade.suites)
        for outcome in grade.outcomes:
            part = grade.cost(outcome.suite, outcome.earned)
            met.setdefault(outcome.test, _Met(outcome)).add(outcome, score - part)
    rates = [one.sum_up() for one in met.values()]
    return sorted(rates, key=lambda rate: rate.outcome.stage)


def point_biserial(passed: Sequence[bool], scores: Sequence[float]) -> float | None:
    """Return the correlation of a yes-or-no with a score; None when either is the same for all.

    It is (mean of the passed - mean of the others) / sigma * sqrt(p * (1 - p)), where sigma is the
    standard deviation of the whole population and p the share that passed.
    """
    ins = [score for score, did in zip(scores, passed, strict=True) if did]
    outs = [score for score, did in zip(scores, passed, strict=True) if not did]
    if not ins or not outs or math.isclose(min(scores), max(scores), abs_tol=1e-9):
        return None
    share = len(ins) / len(scores)
    apart = statistics.fmean(ins) - statistics.fmean(outs)
    return apart / statistics.pstdev(scores) * math.sqrt(share * (1 - share))


@dataclass
class _Met:
    """One test, and what became of it in each submission."""

    outcome: Outcome
    passed: list[bool] = field(default_factory=list)
    rest: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, outcome: Outcome, rest: float) -> None:
        """Note an outcome in a submission, and the submission's score without this test's points,
        which would make any test seem to separate.
        """
        self.passed.append(outcome.status == "passed")
        self.rest.append(rest)
        self.seconds.append(outcome.seconds)
        if outcome.note:
            self.notes.append(outcome.note)

    def sum_up(self) -> PassRate:
        """What became of it in the whole class."""
        return PassRate(
            outcome=self.outcome,
            passed=sum(self.passed),
            ran=len(self.passed),
            separation=point_biserial(self.passed, self.rest),
            mean_seconds=statistics.fmean(self.seconds),
            noted=len(self.notes),
            note=self.notes[-1] if self.notes else "",
        )


def _quantile(ordered: Sequence[float], share: float) -> float:
    at = (len(ordered) - 1) * share
    low, high = ordered[math.floor(at)], ordered[math.ceil(at)]
    return low + (high - low) * (at - math.floor(at))
