"""Grades for an instructor: one submission in detail, or a class as one table.

Every number shown comes from grading/score.py, and only full marks read as full marks. Remarks
stand below the table, where they have room. Not here: how a grade is computed, and results.json.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from grader.grading.model import FULL_SCORE, Grade, QualityMark
from grader.outcome import Outcome, Suite
from grader.report.blocks import INDENT, Heading, hanging, joined
from grader.report.figures import below, percent
from grader.report.telling import ending
from grader.report.words import count, number, plain

LOST_MAX = 10
_CARRIED = "*"
_CARRIED_MEANS = (
    f"{_CARRIED} graded on the reference's earlier files: an earlier error is not charged twice"
)
_SHORT: dict[Suite, str] = {
    "correctness": "corr",
    "concurrency": "conc",
    "persistence": "pers",
    "protocol": "prot",
    "quality": "qual",
}


def grade_page(grade: Grade) -> Group:
    """Return the page of one submission: its suites, its stages, and where points were lost."""
    total = f"{grade.score:.2f} of {FULL_SCORE:.0f}"
    parts: list[RenderableType] = [Heading(plain(grade.submission), total)]
    if grade.problem:
        parts.append(hanging("", grade.problem, style="red"))
    if grade.runs:
        parts += [Text(_run_facts(grade), "dim"), Text(), _suite_table(grade), Text()]
        parts += [*_stage_lines(grade), *_lost(grade)]
    return Group(*parts)


def class_page(grades: Sequence[Grade]) -> Group:
    """Return the table of several submissions, in the order given; remarks below it."""
    parts: list[RenderableType] = [_class_table(grades)]
    if any(_carried(grade) for grade in grades):
        parts.append(Text(_CARRIED_MEANS, "dim"))
    parts.append(Text())
    remarks = [grade for grade in grades if grade.problem]
    if remarks:
        parts.append(Heading("Remarks"))
        parts += [hanging(f"{plain(grade.submission)}: ", grade.problem) for grade in remarks]
        parts.append(Text())
    if grades:
        mean = statistics.fmean(grade.score for grade in grades)
        parts.append(Text(f"{count(len(grades), 'submission')}, mean {mean:.2f}", "bold"))
    return Group(*parts)


def _run_facts(grade: Grade) -> str:
    return joined(
        (
            f"seed {grade.seed}",
            f"isolation {grade.isolation}",
            f"grader {grade.grader_version}",
            f"{grade.seconds:.1f} s",
        )
    )


def _suite_table(grade: Grade) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("suite", "total")
    for column in ("points", "of", "score", "weight"):
        table.add_column(column, justify="right")
    for suite, tally in grade.suites.items():
        table.add_row(suite, number(tally.earned), number(tally.available), *_weighed(grade, suite))
    table.add_section()
    table.add_row(Text("total", "bold"), "", "", Text(f"{grade.score:.2f}", "bold"), "100")
    return table


def _weighed(grade: Grade, suite: Suite) -> tuple[str, str]:
    weight = grade.weights[suite]
    return below(grade.suite_score(suite), weight, 2), number(weight)


def _stage_lines(grade: Grade) -> Iterator[RenderableType]:
    carried = _carried(grade)
    shown = (
        f"{key.removeprefix('stage')}: {percent(tally)} %{_CARRIED if key in carried else ''}"
        for key, tally in grade.stages.items()
    )
    yield hanging("stages   ", joined(shown), label_style="bold")
    if carried:
        yield Text(_CARRIED_MEANS, "dim")


def _lost(grade: Grade) -> Iterator[RenderableType]:
    """What cost points, the dearest first."""
    lost = [_lost_test(grade, outcome) for outcome in grade.outcomes if outcome.status != "passed"]
    lost += [_lost_mark(grade, mark) for mark in grade.quality if mark.earned < mark.available]
    if not lost:
        return
    yield Text()
    yield Heading(f"Where points of the {FULL_SCORE:.0f} were lost", "the most first")
    for cost, words in sorted(lost, key=lambda row: -row[0])[:LOST_MAX]:
        yield hanging(f"{INDENT}{-cost:>6.2f}  ", words, label_style="bold")
    if len(lost) > LOST_MAX:
        yield Text(f"{INDENT}and {len(lost) - LOST_MAX} more", "dim")


def _lost_test(grade: Grade, outcome: Outcome) -> tuple[float, str]:
    cost = grade.cost(outcome.suite, outcome.lost)
    how = ending(outcome)
    return cost, f"stage {outcome.stage}, {outcome.suite}: {outcome.title} ({how})"


def _lost_mark(grade: Grade, mark: QualityMark) -> tuple[float, str]:
    cost = grade.cost("quality", mark.available - mark.earned)
    finding = f": {mark.findings[0]}" if mark.findings else ""
    return cost, f"stage {mark.stage}, quality: {mark.check}{finding}"


def _class_table(grades: Sequence[Grade]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("name", overflow="fold")
    table.add_column("total", justify="right", style="bold")
    first = next((grade for grade in grades if grade.runs), grades[0] if grades else None)
    for key in first.stages if first else ():
        table.add_column(key.removeprefix("stage"), justify="right")
    for suite, weight in (first.weights if first else {}).items():
        table.add_column(f"{_SHORT[suite]}\n/{number(weight)}", justify="right")
    table.add_column("s", justify="right", style="dim")
    for grade in grades:
        table.add_row(*_class_row(grade))
    return table


def _class_row(grade: Grade) -> Iterator[str]:
    carried = _carried(grade)
    yield plain(grade.submission)
    yield f"{grade.score:.2f}"
    for key, tally in grade.stages.items():
        yield f"{percent(tally)}{_CARRIED if key in carried else ''}"
    for suite, weight in grade.weights.items():
        yield below(grade.suite_score(suite), weight, 1)
    yield f"{grade.seconds:.0f}"


def _carried(grade: Grade) -> set[str]:
    return {f"stage{run.stage}" for run in grade.runs if run.uses_carried}
