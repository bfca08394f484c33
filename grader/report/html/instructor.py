"""The model of an instructor's page: sums over a class, never its single outcomes.

So the page of 300 submissions stays small. What is worth a look comes first: problems and flags,
then tests that nobody passes and tests that separate. Statistics come from class_statistics.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from grader.course import Course, Stage
from grader.grading.model import Grade, stage_key
from grader.outcome import Status, Suite
from grader.report.figures import below, percent
from grader.report.html.class_statistics import (
    PassRate,
    Spread,
    StageCounts,
    count_stage,
    histogram,
    pass_rates,
    spread,
)
from grader.report.html.links import report_link
from grader.report.telling import place
from grader.report.words import count, number

TOP_MAX = 10
SEPARATES = 0.3  # from here on a test is commonly said to separate well
_T = TypeVar("_T")
_KINDS: tuple[Status, ...] = ("passed", "failed", "timeout", "crashed", "skipped", "error")


@dataclass(frozen=True)
class Cell:
    """A number of a table: as it is shown, and as it is sorted; `remark` explains it."""

    text: str
    order: float
    remark: str = ""


@dataclass(frozen=True)
class Row:
    """One submission of the table."""

    grade: Grade
    link: str
    score: Cell
    raw_score: Cell
    stages: tuple[Cell, ...]
    suites: tuple[Cell, ...]
    kinds: tuple[Cell, ...]
    seconds: Cell
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class TestRow:
    """One test of a stage's table; `verdict` says in a few words what it tells."""

    __test__ = False  # pytest need not look for tests in it

    rate: PassRate
    place: str
    share: Cell
    separation: Cell
    seconds: Cell
    verdict: str


@dataclass(frozen=True)
class StageTests:
    """A stage, how the class did in it, and its tests."""

    stage: Stage
    counts: StageCounts
    tests: tuple[TestRow, ...]


@dataclass(frozen=True)
class ClassView:
    """The whole page."""

    course: str
    size: str
    spread: Spread | None
    bins: tuple[int, ...]
    suites: tuple[tuple[Suite, str], ...]
    kinds: tuple[Status, ...]
    has_adjustments: bool
    rows: tuple[Row, ...]
    rejected: tuple[Row, ...]
    flagged: tuple[Row, ...]
    slowest: tuple[Row, ...]
    stages: tuple[StageTests, ...]
    separating: tuple[TestRow, ...]
    never_passed: tuple[TestRow, ...]
    slowest_tests: tuple[TestRow, ...]
    facts: tuple[tuple[str, str], ...]


def class_view(course: Course, grades: Sequence[Grade]) -> ClassView:
    """Make the model of a class, which may be empty."""
    counted = [Counter(outcome.status for outcome in grade.outcomes) for grade in grades]
    kinds = tuple(kind for kind in _KINDS if any(counts[kind] for counts in counted))
    rows = tuple(_row(course, g, kinds, counts) for g, counts in zip(grades, counted, strict=True))
    tests = [_test_row(rate) for rate in pass_rates(grades)]
    scores = [grade.score for grade in grades]
    return ClassView(
        course=course.title,
        size=count(len(grades), "submission"),
        spread=spread(scores),
        bins=tuple(histogram(scores)),
        suites=_suites(grades[0]) if grades else (),
        kinds=kinds,
        has_adjustments=any(grade.adjustments for grade in grades),
        rows=rows,
        rejected=tuple(row for row in rows if not row.grade.runs),
        flagged=tuple(row for row in rows if row.grade.runs and row.remarks),
        slowest=_top(rows, lambda row: row.seconds.order),
        stages=tuple(_stage_tests(stage, grades, tests) for stage in course.stages),
        separating=_top(
            [row for row in tests if row.separation.order >= SEPARATES],
            lambda row: row.separation.order,
        ),
        never_passed=tuple(row for row in tests if not row.rate.passed),
        slowest_tests=_top(tests, lambda row: row.seconds.order),
        facts=tuple(_facts(grades)),
    )


def _row(
    course: Course, grade: Grade, kinds: Sequence[Status], counts: Mapping[Status, int]
) -> Row:
    return Row(
        grade=grade,
        link=report_link(grade.submission),
        score=Cell(f"{grade.score:.2f}", grade.score),
        raw_score=Cell(f"{grade.raw_score:.2f}", grade.raw_score),
        stages=tuple(_stage_cell(grade, stage.number) for stage in course.stages),
        suites=tuple(_suite_cell(grade, suite) for suite in grade.weights),
        kinds=tuple(Cell(f"{counts[kind]}", counts[kind]) for kind in kinds),
        seconds=Cell(f"{grade.seconds:.1f}", grade.seconds),
        remarks=tuple(_remarks(grade, counts["error"])),
    )


def _stage_cell(grade: Grade, stage: int) -> Cell:
    tally = grade.stages.get(stage_key(stage))
    if tally is None or not grade.runs:
        return Cell("—", -1.0, "not graded")
    if stage in grade.carried_stages:
        return Cell(f"{percent(tally)}*", tally.share, "on the reference's earlier files")
    return Cell(percent(tally), tally.share)


def _suite_cell(grade: Grade, suite: Suite) -> Cell:
    score = grade.suite_score(suite)
    return Cell(below(score, grade.weights[suite], 1), score)


def _remarks(grade: Grade, errors: int) -> Iterator[str]:
    if grade.problem:
        yield grade.problem
    elif errors:
        yield f"{count(errors, 'test')} could not be judged"
    yield from grade.flags


def _suites(grade: Grade) -> tuple[tuple[Suite, str], ...]:
    return tuple((suite, number(weight)) for suite, weight in grade.weights.items())


def _stage_tests(stage: Stage, grades: Sequence[Grade], tests: Sequence[TestRow]) -> StageTests:
    own = tuple(row for row in tests if row.rate.outcome.stage == stage.number)
    return StageTests(stage, count_stage(grades, stage.number), own)


def _test_row(rate: PassRate) -> TestRow:
    separation = rate.separation
    told = Cell("—", -2.0) if separation is None else Cell(f"{separation:+.2f}", separation)
    return TestRow(
        rate=rate,
        place=place(rate.outcome),
        share=Cell(_share(rate), rate.share, f"{rate.passed} of {rate.ran}"),
        separation=told,
        seconds=Cell(f"{rate.mean_seconds:.2f}", rate.mean_seconds),
        verdict=_verdict(rate),
    )


def _share(rate: PassRate) -> str:
    """Whole percents; 0 and 100 mean nobody and everybody."""
    if rate.passed in (0, rate.ran):
        return f"{100 * rate.passed // rate.ran}"
    return f"{min(max(round(100 * rate.share), 1), 99)}"


def _verdict(rate: PassRate) -> str:
    if not rate.passed:
        return "nobody passes"
    if rate.passed == rate.ran:
        return "everybody passes"
    if rate.separation is not None and rate.separation >= SEPARATES:
        return "separates"
    if rate.separation is not None and rate.separation < 0:
        return "the better fail it"
    return ""


def _top(rows: Sequence[_T], key: Callable[[_T], float]) -> tuple[_T, ...]:
    """The first few by `key`, the largest first."""
    return tuple(sorted(rows, key=key, reverse=True)[:TOP_MAX])


def _facts(grades: Sequence[Grade]) -> Iterator[tuple[str, str]]:
    """What was the same in all runs, or each of what was not."""
    for name, values in (
        ("Seed", {str(grade.seed) for grade in grades}),
        ("Isolation", {grade.isolation for grade in grades if grade.runs}),
        ("Grader", {grade.grader_version for grade in grades}),
    ):
        if values:
            yield name, ", ".join(sorted(values))
    if grades:
        yield "Time", f"{sum(grade.seconds for grade in grades):.0f} s"
