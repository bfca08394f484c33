"""From evidence to a grade, by pure functions: the same evidence and rubric give the same grade.

Invariants: a suite with nothing to earn is an error, never a free pass; a test that was collected
and has no outcome earns nothing; each point is counted once by suite and once by stage, quality
included, so both axes hold the same sums; 100.0 means that every point was earned. Running tests
(`gather.py`), measuring quality and writing files do not belong here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec

from grader.grading.consistency import check_runs
from grader.grading.model import (
    FULL_SCORE,
    NOT_RUN,
    Adjustment,
    Evidence,
    Grade,
    GradingError,
    QualityMark,
    StageRun,
    Tally,
    stage_key,
    sum_points,
    with_lost,
)
from grader.grading.rubric import Rubric
from grader.outcome import Outcome, Suite, UnitResult


def complete(unit: UnitResult, collected: Sequence[Outcome]) -> UnitResult:
    """Add an `error` for each collected test without an outcome, as when a worker died on the way.

    Raises `GradingError` for an outcome of a test that was not collected.
    """
    known = {outcome.test for outcome in collected}
    strangers = [outcome.test for outcome in unit.outcomes if outcome.test not in known]
    if strangers:
        raise GradingError(f"{strangers[0]} has an outcome and was never collected")
    return with_lost(unit, collected)


def make_grade(evidence: Evidence, rubric: Rubric, stages: Sequence[int]) -> Grade:
    """Grade a submission by what was seen of every stage in `stages`; without any run it gets 0.

    Raises `GradingError` when a stage or a suite has nothing to earn, or when the runs contradict
    each other.
    """
    if not evidence.runs:
        return _reject(evidence, rubric, stages)
    check_runs(stages, evidence.runs)
    runs = rubric.apply(evidence.runs)
    marks = scale_quality(runs, evidence.quality)
    suites, by_stage = _tallies(runs, marks, rubric.weights)
    raw = _score(suites, rubric.weights)
    adjustments = rubric.adjustments(evidence.entry)
    return Grade(
        submission=evidence.entry.name,
        score=_adjusted(raw, adjustments),
        weights=dict(rubric.weights),
        suites=suites,
        stages=by_stage,
        runs=tuple(runs),
        quality=marks,
        seed=evidence.seed,
        isolation=", ".join(sorted({unit.isolation for run in runs for unit in run.units})),
        problem=_problem(runs),
        seconds=evidence.seconds,
        grader_version=evidence.grader_version,
        raw_score=raw,
        adjustments=adjustments,
        flags=_flags(evidence, rubric),
        entry=evidence.entry,
    )


def scale_quality(
    runs: Sequence[StageRun], quality: Sequence[QualityMark]
) -> tuple[QualityMark, ...]:
    """Scale each mark by the share of its stage's test points that were earned; a stage that does
    not count has no marks.
    """
    tallies = {run.stage: run.tally for run in runs}
    return tuple(_scaled(mark, tallies[mark.stage]) for mark in quality if mark.stage in tallies)


def _reject(evidence: Evidence, rubric: Rubric, stages: Sequence[int]) -> Grade:
    """The grade of a submission in which there was nothing to run: 0, and its problem says why."""
    return Grade(
        submission=evidence.entry.name,
        score=0.0,
        weights=dict(rubric.weights),
        suites=dict.fromkeys(rubric.weights, Tally(0.0, 0.0)),
        stages={stage_key(number): Tally(0.0, 0.0) for number in stages},
        runs=(),
        quality=(),
        seed=evidence.seed,
        isolation=NOT_RUN,
        problem=evidence.entry.problem,
        grader_version=evidence.grader_version,
        flags=_flags(evidence, rubric),
        entry=evidence.entry,
    )


def _tallies(
    runs: Sequence[StageRun], marks: Sequence[QualityMark], weights: Mapping[Suite, float]
) -> tuple[dict[Suite, Tally], dict[str, Tally]]:
    """Both axes: the points by suite, and by stage."""
    points = [(o.suite, o.stage, o.earned, o.points) for run in runs for o in run.chosen.outcomes]
    points += [("quality", mark.stage, mark.earned, mark.available) for mark in marks]
    unknown = {suite for suite, *_ in points} - set(weights)
    if unknown:
        raise GradingError(f"there is no weight for {', '.join(sorted(unknown))}")
    suites = {
        name: sum_points((e, a) for suite, _, e, a in points if suite == name) for name in weights
    }
    empty = [name for name, tally in suites.items() if weights[name] and not tally.available > 0]
    if empty:
        raise GradingError(
            f"no points can be earned in {', '.join(empty)}: check the tests' suites, or give it"
            " the weight 0 in the rubric"
        )
    stages = {
        stage_key(run.stage): sum_points((e, a) for _, stage, e, a in points if stage == run.stage)
        for run in runs
    }
    return suites, stages


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
    counted = {name: tally for name, tally in suites.items() if weights[name]}
    if all(tally.is_full for tally in counted.values()):
        return FULL_SCORE
    exact = math.fsum(tally.share * weights[name] for name, tally in counted.items())
    # 99.996 must not read as a perfect score.
    return min(round(exact, 2), FULL_SCORE - 0.01)


def _adjusted(raw: float, adjustments: Sequence[Adjustment]) -> float:
    total = math.fsum((raw, *(adjustment.points for adjustment in adjustments)))
    return round(min(max(total, 0.0), FULL_SCORE), 2)


def _flags(evidence: Evidence, rubric: Rubric) -> tuple[str, ...]:
    """What an instructor should look at before the grade is published."""
    flags = []
    if evidence.unsteady:
        tests = "1 test" if len(evidence.unsteady) == 1 else f"{len(evidence.unsteady)} tests"
        flags.append(f"two runs differ in {tests} (first: {evidence.unsteady[0]})")
    if rubric.late is not None and evidence.entry.submitted is None:
        flags.append("nothing says when it was handed in, so no lateness is counted")
    return tuple(flags)


def _problem(runs: Sequence[StageRun]) -> str:
    """Say what an instructor must know first: a broken unit, or the grader's own errors."""
    # The run that does not count is looked at too: without its errors it might have counted.
    units = [unit for run in runs for unit in (*run.units, run.chosen)]
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
