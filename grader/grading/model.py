"""What grading works with: evidence in, grades out. Plain data, written to disk and read back.

Invariants: evidence is what running a submission showed, before any rubric; a `Grade` is made from
evidence and a rubric alone, so it can be made again without running anything. How it is made
belongs to `score.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from grader import __version__
from grader.mistake import MistakeError
from grader.outcome import Failure, Outcome, Suite, UnitResult

FULL_SCORE = 100.0
NOT_RUN = "nothing ran"  # the isolation of a grade for which no code was run


class GradingError(MistakeError):
    """The outcomes cannot be graded: the grader or the course is at fault, never the student."""


class Tally(msgspec.Struct, frozen=True):
    """Points earned of points available; both are 0 in the grade of a rejected submission."""

    earned: float
    available: float

    @property
    def share(self) -> float:
        """Earned over available, 0.0 to 1.0; nothing available is 0.0."""
        return self.earned / self.available if self.available else 0.0

    @property
    def is_full(self) -> bool:
        """Whether there was something to earn and all of it was earned."""
        return 0 < self.available == self.earned


class StageRun(msgspec.Struct, frozen=True):
    """The runs of one stage's tests.

    `own` stands on the student's earlier files, `carried` on the reference's (None: not needed).
    """

    stage: int
    own: UnitResult
    carried: UnitResult | None = None

    @property
    def uses_carried(self) -> bool:
        """Whether the carried run counts: it earned more; a tie keeps the student's own."""
        return self.carried is not None and _earned(self.carried) > _earned(self.own)

    @property
    def chosen(self) -> UnitResult:
        """The run that counts, with an `error` for each test that only the other run knows."""
        if self.carried is None:
            return self.own
        if self.uses_carried:
            return with_lost(self.carried, self.own.outcomes)
        return with_lost(self.own, self.carried.outcomes)

    @property
    def units(self) -> tuple[UnitResult, ...]:
        """The runs that were made, one or two."""
        return (self.own,) if self.carried is None else (self.own, self.carried)

    @property
    def tally(self) -> Tally:
        """The test points of the run that counts."""
        return sum_points((outcome.earned, outcome.points) for outcome in self.chosen.outcomes)


class QualityMark(msgspec.Struct, frozen=True):
    """The marks of one quality check in one stage, such as 0.8 of 1 for type hints in stage 3.

    `findings` are sentences with file and line. Within a `Grade`, `earned` is what counts: already
    scaled by the share of the stage's test points, and then the first finding says so.
    """

    stage: int
    check: str
    earned: float
    available: float
    findings: tuple[str, ...] = ()


class Student(msgspec.Struct, frozen=True):
    """Whose submission it is, as the roster or the export says; each may be empty."""

    id: str = ""
    email: str = ""
    name: str = ""


class Entry(msgspec.Struct, frozen=True):
    """One submission as it was found, before anything of it ran.

    `name` is unique in its class and safe as a folder; `digest` is of the package's files (empty:
    there is none, and `problem` says why in one sentence); `ignored` says what was left aside.
    """

    name: str
    digest: str = ""
    student: Student = Student()
    submitted: datetime | None = None
    problem: str = ""
    ignored: tuple[str, ...] = ()


class Evidence(msgspec.Struct, frozen=True):
    """All that running one submission showed; `runs` is empty when there was nothing to run.

    `quality` is as measured, not scaled. `seconds` is wall time. `unsteady` names the tests whose
    outcome was another one when the same files were run again with the same seed.
    """

    entry: Entry
    seed: int
    runs: tuple[StageRun, ...] = ()
    quality: tuple[QualityMark, ...] = ()
    seconds: float = 0.0
    unsteady: tuple[str, ...] = ()
    grader_version: str = __version__


class Adjustment(msgspec.Struct, frozen=True):
    """What the rubric adds to a score or takes from it: `points` of the 100, with their sign."""

    reason: str
    points: float


class Grade(msgspec.Struct, frozen=True):
    """The grade of one submission.

    `score` is what counts, 0.0 to 100.0 with two decimals; `raw_score` is the same before the
    `adjustments`. `suites` and `stages` (keyed "stage1" …) are in points; `weights` is what each
    suite is worth of the 100. `problem` is one sentence, empty when all is well; `flags` are
    sentences for the instructor alone. `seconds` is wall time; it and the outcomes' own times are
    all that may differ between two gradings of the same submission.
    """

    submission: str
    score: float
    weights: dict[Suite, float]
    suites: dict[Suite, Tally]
    stages: dict[str, Tally]
    runs: tuple[StageRun, ...]
    quality: tuple[QualityMark, ...]
    seed: int
    isolation: str
    problem: str = ""
    seconds: float = 0.0
    grader_version: str = __version__
    raw_score: float = 0.0
    adjustments: tuple[Adjustment, ...] = ()
    flags: tuple[str, ...] = ()
    entry: Entry = Entry("")

    def suite_score(self, suite: Suite) -> float:
        """What `suite` adds to the score, 0.0 to its weight, not rounded."""
        return self.suites[suite].share * self.weights[suite]

    def cost(self, suite: Suite, points: float) -> float:
        """What that many points of `suite` are worth of the 100."""
        available = self.suites[suite].available
        return points / available * self.weights[suite] if available else 0.0

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The outcomes that count, in the order of the stages."""
        return tuple(outcome for run in self.runs for outcome in run.chosen.outcomes)

    @property
    def carried_stages(self) -> tuple[int, ...]:
        """The stages that count as run with the reference's earlier files."""
        return tuple(run.stage for run in self.runs if run.uses_carried)


def stage_key(number: int) -> str:
    """The key of a stage in `Grade.stages`, such as "stage3"."""
    return f"stage{number}"


def sum_points(points: Iterable[tuple[float, float]]) -> Tally:
    """Add up pairs of earned and available points."""
    pairs = list(points)
    return Tally(math.fsum(e for e, _ in pairs), math.fsum(a for _, a in pairs))


def with_lost(unit: UnitResult, collected: Sequence[Outcome]) -> UnitResult:
    """Add an `error` for each collected test that has no outcome."""
    known = {outcome.test for outcome in unit.outcomes}
    why = Failure("the grader has no outcome of this test")
    lost = [
        msgspec.structs.replace(outcome, status="error", seconds=0.0, failure=why)
        for outcome in collected
        if outcome.test not in known
    ]
    return msgspec.structs.replace(unit, outcomes=(*unit.outcomes, *lost)) if lost else unit


def _earned(unit: UnitResult) -> float:
    return math.fsum(outcome.earned for outcome in unit.outcomes)
