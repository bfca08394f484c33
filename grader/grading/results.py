"""A grade as Gradescope's autograder reads it: `results.json`.

Fields as documented at https://gradescope-autograders.readthedocs.io/en/latest/specs/. Invariants:
the tests' `max_score` add up to 100, and their `score` to the grade's within its rounding; the same
grade gives the same bytes, `execution_time` aside; a hidden test says only which behaviour it is.
"""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from grader.grading.score import FULL_SCORE, Grade, QualityMark, StageRun, Tally, stage_key
from grader.outcome import Comparison, Failure, Outcome, Suite

MICRO = 1_000_000  # test scores are whole millionths of a point of the 100

_PLAIN_WORDS = {
    "passed": "passed",
    "failed": "failed",
    "timeout": "did not finish in time",
    "crashed": "the process that runs your code died",
    "skipped": "not run, because something that it needs did not pass",
    "error": "the grader itself failed here; this is not your fault, please tell your instructor",
}


class TestResult(msgspec.Struct, frozen=True):
    """One entry of `tests`."""

    name: str
    score: float
    max_score: float
    status: Literal["passed", "failed"]
    output: str
    tags: tuple[str, ...]
    visibility: Literal["visible", "hidden"]
    extra_data: dict[str, str | float]


class ExtraData(msgspec.Struct, frozen=True):
    """What Gradescope keeps for us: both axes in points, and how the grade came about."""

    submission: str
    suites: dict[Suite, Tally]
    stages: dict[str, Tally]
    weights: dict[Suite, float]
    carried_stages: tuple[int, ...]
    seed: int
    grader_version: str
    isolation: str
    problem: str


class Results(msgspec.Struct, frozen=True):
    """The whole file; `execution_time` is in seconds."""

    score: float
    execution_time: int
    output: str
    tests: tuple[TestResult, ...]
    extra_data: ExtraData


class _Row(NamedTuple):
    """A test or a quality mark, before its points are turned into a share of the 100."""

    suite: Suite
    points: float
    share: float
    make: TestResult


def make_results(grade: Grade) -> Results:
    """Turn a grade into what Gradescope reads."""
    rows = [_test_row(run, outcome) for run in grade.runs for outcome in run.chosen.outcomes]
    rows += [_quality_row(mark) for mark in grade.quality]
    return Results(
        score=grade.score,
        execution_time=round(grade.seconds),
        output=_summary(grade),
        tests=tuple(_with_scores(rows, grade)) if rows else (_rejected(grade),),
        extra_data=ExtraData(
            submission=grade.submission,
            suites=grade.suites,
            stages=grade.stages,
            weights=grade.weights,
            carried_stages=tuple(run.stage for run in grade.runs if run.uses_carried),
            seed=grade.seed,
            grader_version=grade.grader_version,
            isolation=grade.isolation,
            problem=grade.problem,
        ),
    )


def encode_results(grade: Grade) -> bytes:
    """The bytes of `results.json`: UTF-8, indented, with a final newline."""
    return msgspec.json.format(msgspec.json.encode(make_results(grade)), indent=2) + b"\n"


def write_results(path: Path, grade: Grade) -> None:
    """Write `results.json` as a whole or not at all. Raises `OSError`."""
    data = encode_results(grade)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        temporary.chmod(0o644)  # mkstemp keeps it from the learning platform's other users
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _with_scores(rows: Sequence[_Row], grade: Grade) -> Iterable[TestResult]:
    """Share each suite's weight out among its rows, in whole millionths that add up exactly."""
    points: defaultdict[Suite, float] = defaultdict(float)
    dealt: defaultdict[Suite, int] = defaultdict(int)
    for row in rows:
        points[row.suite] += row.points
        share = min(points[row.suite] / grade.suites[row.suite].available, 1.0)
        until = round(grade.weights[row.suite] * MICRO * share)
        micros, dealt[row.suite] = until - dealt[row.suite], until
        yield msgspec.structs.replace(
            row.make, score=round(micros * row.share) / MICRO, max_score=micros / MICRO
        )


def _test_row(run: StageRun, outcome: Outcome) -> _Row:
    is_passed = outcome.status == "passed"
    tags = (outcome.suite, stage_key(outcome.stage), *(["carried"] if run.uses_carried else []))
    result = TestResult(
        name=f"Stage {outcome.stage}: {outcome.title or outcome.name}",
        score=0.0,
        max_score=0.0,
        status="passed" if is_passed else "failed",
        output=_output(outcome),
        tags=tags,
        visibility="hidden" if outcome.hidden else "visible",
        extra_data={"test": outcome.test, "points": outcome.points, "outcome": outcome.status},
    )
    return _Row(outcome.suite, outcome.points, float(is_passed), result)


def _quality_row(mark: QualityMark) -> _Row:
    result = TestResult(
        name=f"Stage {mark.stage}: quality, {mark.check.replace('-', ' ')}",
        score=0.0,
        max_score=0.0,
        status="passed" if mark.earned >= mark.available else "failed",
        output="\n".join((f"{mark.earned:.2f} of {mark.available:g}", *mark.findings)),
        tags=("quality", stage_key(mark.stage)),
        visibility="visible",
        extra_data={"check": mark.check, "points": mark.available, "earned": mark.earned},
    )
    return _Row("quality", mark.available, Tally(mark.earned, mark.available).share, result)


def _rejected(grade: Grade) -> TestResult:
    return TestResult(
        name="The submission can be graded",
        score=0.0,
        max_score=FULL_SCORE,
        status="failed",
        output=grade.problem,
        tags=(),
        visibility="visible",
        extra_data={},
    )


def _summary(grade: Grade) -> str:
    lines = [grade.problem] if grade.problem else []
    for suite, tally in grade.suites.items():
        lines.append(
            f"{suite}: {grade.suite_score(suite):.2f} of {grade.weights[suite]:g} "
            f"({tally.earned:g} of {tally.available:g} points)"
        )
    lines += [
        f"stage {run.stage} counts as run with the reference's earlier files"
        for run in grade.runs
        if run.uses_carried
    ]
    return "\n".join(lines)


def _output(outcome: Outcome) -> str:
    """For a hidden test, the behaviour and how it went: values would give the test away."""
    lines = [f"{outcome.title or outcome.name}: {_PLAIN_WORDS[outcome.status]}"]
    if outcome.failure is not None and not outcome.hidden:
        lines += _failure_lines(outcome.failure)
    return "\n".join(lines)


def _failure_lines(failure: Failure) -> Iterable[str]:
    yield failure.reason
    if failure.steps:
        yield "What was done:"
    for number, step in enumerate(failure.steps, start=1):
        yield f"  {number}. {step.text}" + (f" → {step.result}" if step.result else "")
    if failure.comparison is not None:
        yield from _comparison_lines(failure.comparison)
    if failure.frames:
        yield "In your code:"
    for frame in failure.frames:
        yield f"  {frame.file}:{frame.line} in {frame.function}: {frame.source}"
    if failure.printed:
        yield f"Your code printed:\n{failure.printed}"


def _comparison_lines(comparison: Comparison) -> Iterable[str]:
    if comparison.operator == "==":
        yield f"Expected: {comparison.expected}"
    else:
        yield f"Expected: {comparison.operator} {comparison.expected}"
    yield f"Came back: {comparison.actual}"
