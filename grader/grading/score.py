"""From outcomes to a grade, by pure functions: the same outcomes always give the same grade.

Invariants: a suite with nothing to earn is an error, never a free pass; a test that was collected
and has no outcome earns nothing; each point is counted once by suite and once by stage, quality
included, so both axes hold the same sums; 100.0 means that every point was earned. Running tests
(`grade.py`), measuring quality and writing files do not belong here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from grader import __version__
from grader.outcome import SUITES, Failure, Outcome, Suite, UnitResult

FULL_SCORE = 100.0
NOT_RUN = "nothing ran"  # the isolation of a grade for which no code was run


class GradingError(Exception):
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
            return _with_lost(self.carried, self.own.outcomes)
        return _with_lost(self.own, self.carried.outcomes)

    @property
    def tally(self) -> Tally:
        """The test points of the run that counts."""
        outcomes = self.chosen.outcomes
        return _sum((outcome.earned, outcome.points) for outcome in outcomes)


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


class Grade(msgspec.Struct, frozen=True):
    """The grade of one submission.

    `score` is 0.0 to 100.0, rounded to two decimals. `suites` and `stages` (keyed "stage1" …) are
    in points; `weights` is what each suite is worth of the 100. `problem` is one sentence, empty
    when all is well. `seconds` is wall time; it and the outcomes' own times are all that may differ
    between two gradings of the same submission.
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

    def suite_score(self, suite: Suite) -> float:
        """What `suite` adds to the score, 0.0 to its weight, not rounded."""
        return self.suites[suite].share * self.weights[suite]

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The outcomes that count, in the order of the stages."""
        return tuple(outcome for run in self.runs for outcome in run.chosen.outcomes)


def stage_key(number: int) -> str:
    """The key of a stage in `Grade.stages`, such as "stage3"."""
    return f"stage{number}"


def complete(unit: UnitResult, collected: Sequence[Outcome]) -> UnitResult:
    """Add an `error` for each collected test without an outcome, as when a worker died on the way.

    Raises `GradingError` for an outcome of a test that was not collected.
    """
    known = {outcome.test for outcome in collected}
    strangers = [outcome.test for outcome in unit.outcomes if outcome.test not in known]
    if strangers:
        raise GradingError(f"{strangers[0]} has an outcome and was never collected")
    return _with_lost(unit, collected)


def make_grade(
    submission: str,
    *,
    stages: Sequence[int],
    runs: Sequence[StageRun],
    quality: Sequence[QualityMark],
    weights: Mapping[Suite, float],
    seconds: float = 0.0,
) -> Grade:
    """Grade the runs of every stage in `stages`, with `quality` as measured (not yet scaled).

    Raises `GradingError` when a stage or a suite has nothing to earn, or when the runs contradict
    each other.
    """
    _check_runs(stages, runs)
    marks = scale_quality(runs, quality)
    points = [(o.suite, o.stage, o.earned, o.points) for run in runs for o in run.chosen.outcomes]
    points += [("quality", mark.stage, mark.earned, mark.available) for mark in marks]
    unknown = {suite for suite, *_ in points} - set(weights)
    if unknown:
        raise GradingError(f"there is no weight for {', '.join(sorted(unknown))}")
    suites = {name: _sum((e, a) for suite, _, e, a in points if suite == name) for name in weights}
    empty = [name for name, tally in suites.items() if not tally.available > 0]
    if empty:
        raise GradingError(
            f"no points can be earned in {', '.join(empty)}: check the tests' suites"
        )
    return Grade(
        submission=submission,
        score=_score(suites, weights),
        weights=dict(weights),
        suites=suites,
        stages={
            stage_key(number): _sum((e, a) for _, stage, e, a in points if stage == number)
            for number in stages
        },
        runs=tuple(runs),
        quality=marks,
        seed=runs[0].own.seed,
        isolation=", ".join(sorted({unit.isolation for unit in _units(runs)})),
        problem=_problem(runs),
        seconds=seconds,
    )


def reject(
    submission: str,
    problem: str,
    *,
    stages: Sequence[int],
    weights: Mapping[Suite, float],
    seed: int,
) -> Grade:
    """The grade of a submission in which there was nothing to run: 0, and `problem` says why."""
    return Grade(
        submission=submission,
        score=0.0,
        weights=dict(weights),
        suites=dict.fromkeys(weights, Tally(0.0, 0.0)),
        stages={stage_key(number): Tally(0.0, 0.0) for number in stages},
        runs=(),
        quality=(),
        seed=seed,
        isolation=NOT_RUN,
        problem=problem,
    )


def scale_quality(
    runs: Sequence[StageRun], quality: Sequence[QualityMark]
) -> tuple[QualityMark, ...]:
    """Scale each mark by the share of its stage's test points that were earned."""
    tallies = {run.stage: run.tally for run in runs}
    return tuple(_scaled(mark, tallies[mark.stage]) for mark in quality)


def _scaled(mark: QualityMark, tally: Tally) -> QualityMark:
    if tally.is_full or not mark.earned:
        return mark
    note = (
        f"measured {mark.earned:.2f} of {mark.available:g}, scaled by the {tally.earned:g} of "
        f"{tally.available:g} test points that the stage earned"
    )
    earned = mark.earned * tally.share
    return msgspec.structs.replace(mark, earned=earned, findings=(note, *mark.findings))


def _score(suites: Mapping[Suite, Tally], weights: Mapping[Suite, float]) -> float:
    if all(tally.is_full for tally in suites.values()):
        return FULL_SCORE
    exact = math.fsum(tally.share * weights[name] for name, tally in suites.items())
    # 99.996 must not read as a perfect score.
    return min(round(exact, 2), FULL_SCORE - 0.01)


def _sum(points: Iterable[tuple[float, float]]) -> Tally:
    pairs = list(points)
    return Tally(math.fsum(e for e, _ in pairs), math.fsum(a for _, a in pairs))


def _earned(unit: UnitResult) -> float:
    return math.fsum(outcome.earned for outcome in unit.outcomes)


def _with_lost(unit: UnitResult, collected: Sequence[Outcome]) -> UnitResult:
    known = {outcome.test for outcome in unit.outcomes}
    why = Failure("the grader has no outcome of this test")
    lost = [
        msgspec.structs.replace(outcome, status="error", seconds=0.0, failure=why)
        for outcome in collected
        if outcome.test not in known
    ]
    return msgspec.structs.replace(unit, outcomes=(*unit.outcomes, *lost)) if lost else unit


def _units(runs: Sequence[StageRun]) -> list[UnitResult]:
    return [unit for run in runs for unit in (run.own, run.carried) if unit is not None]


def _check_runs(stages: Sequence[int], runs: Sequence[StageRun]) -> None:
    found = [run.stage for run in runs]
    if not found or found != list(stages):
        raise GradingError(f"expected one run of each stage {list(stages)}, got {found}")
    if len({unit.seed for unit in _units(runs)}) > 1:
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
    for unit in (run.own, run.carried):
        if unit is None:
            continue
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


def _problem(runs: Sequence[StageRun]) -> str:
    """Say what an instructor must know first: a broken unit, or the grader's own errors."""
    # The run that does not count is looked at too: without its errors it might have counted.
    units = [*_units(runs), *(run.chosen for run in runs)]
    broken = dict.fromkeys(f"stage {unit.stage}: {unit.problem}" for unit in units if unit.problem)
    if broken:
        return "; ".join(broken)
    errors = list(
        dict.fromkeys(o.test for unit in units for o in unit.outcomes if o.status == "error")
    )
    if not errors:
        return ""
    tests = "1 test" if len(errors) == 1 else f"{len(errors)} tests"
    return f"the grader itself failed in {tests} (first: {errors[0]}): grade this again"
