"""A grade as Gradescope's autograder reads it: `results.json`.

Fields as documented at https://gradescope-autograders.readthedocs.io/en/latest/specs/. Invariants:
the tests' `max_score` add up to 100, and their `score` to the grade's before adjustments within its
rounding; the same grade gives the same bytes, `execution_time` aside; a hidden test says only which
behaviour it is, and Gradescope shows not even that.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from grader.export.failures import outcome_lines
from grader.export.rows import Row, ending, make_rows, student_problem
from grader.grading.model import FULL_SCORE, Adjustment, Grade, QualityMark, Tally, stage_key
from grader.outcome import Outcome, Suite
from grader.report.figures import below


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
    raw_score: float
    adjustments: tuple[Adjustment, ...]


class Results(msgspec.Struct, frozen=True):
    """The whole file; `execution_time` is in seconds."""

    score: float
    execution_time: int
    output: str
    tests: tuple[TestResult, ...]
    extra_data: ExtraData


def make_results(grade: Grade) -> Results:
    """Turn a grade into what Gradescope reads."""
    tests = tuple(_test(row) for row in make_rows(grade))
    return Results(
        score=grade.score,
        execution_time=round(grade.seconds),
        output=_summary(grade),
        tests=tests or (_rejected(grade),),
        extra_data=ExtraData(
            submission=grade.submission,
            suites=grade.suites,
            stages=grade.stages,
            weights=grade.weights,
            carried_stages=grade.carried_stages,
            seed=grade.seed,
            grader_version=grade.grader_version,
            isolation=grade.isolation,
            problem=grade.problem,
            raw_score=grade.raw_score,
            adjustments=grade.adjustments,
        ),
    )


def encode_results(grade: Grade) -> bytes:
    """The bytes of `results.json`: UTF-8, indented, with a final newline."""
    return msgspec.json.format(msgspec.json.encode(make_results(grade)), indent=2) + b"\n"


def _test(row: Row) -> TestResult:
    tags = (row.suite, stage_key(row.stage), *(["carried"] if row.is_carried else []))
    return TestResult(
        name=f"Stage {row.stage}: {row.title}",
        score=row.score,
        max_score=row.max_score,
        status="passed" if row.has_passed else "failed",
        output=_output(row),
        tags=tags,
        visibility="hidden" if row.is_hidden else "visible",
        extra_data=_test_data(row),
    )


def _test_data(row: Row) -> dict[str, str | float]:
    if row.outcome is not None:
        return {"test": row.outcome.test, "points": row.points, "outcome": row.outcome.status}
    assert row.mark is not None
    return {"check": row.mark.check, "points": row.points, "earned": row.mark.earned}


def _output(row: Row) -> str:
    if row.outcome is not None:
        return _outcome_output(row.outcome)
    assert row.mark is not None
    return mark_output(row.mark)


def _outcome_output(outcome: Outcome) -> str:
    """For a hidden test, the behaviour and how it went: values would give the test away."""
    lines = [f"{outcome.title or outcome.name}: {ending(outcome)}"]
    if not outcome.hidden:
        lines += outcome_lines(outcome)
    return "\n".join(lines)


def mark_output(mark: QualityMark) -> str:
    """What a quality mark came to, and the findings."""
    return "\n".join((f"{mark.earned:.2f} of {mark.available:g}", *mark.findings))


def _rejected(grade: Grade) -> TestResult:
    return TestResult(
        name="The submission can be graded",
        score=0.0,
        max_score=FULL_SCORE,
        status="failed",
        output=grade.entry.problem,
        tags=(),
        visibility="visible",
        extra_data={},
    )


def _summary(grade: Grade) -> str:
    """What stands above the tests; students read it."""
    problem = student_problem(grade)
    lines = [problem] if problem else []
    for suite, tally in grade.suites.items():
        lines.append(
            f"{suite}: {below(grade.suite_score(suite), grade.weights[suite], 2)} of "
            f"{grade.weights[suite]:g} "
            f"({tally.earned:g} of {tally.available:g} points)"
        )
    lines += [
        f"stage {stage} counts as run with the reference's earlier files"
        for stage in grade.carried_stages
    ]
    lines += [f"{one.reason}: {one.points:+g}" for one in grade.adjustments]
    return "\n".join(lines)
