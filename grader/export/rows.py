"""What a grade is made of, row by row: each test and quality mark with its share of the 100.

Invariants: the rows' `max_score` add up to 100 and their `score` to the grade's before adjustments,
within its rounding. What students may see of the hidden ones is told here, once for all formats.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from grader.grading.model import Grade, QualityMark, StageRun, Tally
from grader.outcome import Outcome, Status, Suite
from grader.report.telling import lesser_words

MICRO = 1_000_000  # scores are whole millionths of a point of the 100
GRADER_FAILED = (
    "the grader itself failed in part; this is not your fault, please tell your instructor"
)

STATUS_WORDS: dict[Status, str] = {
    "passed": "passed",
    "failed": "failed",
    "timeout": "did not finish in time",
    "crashed": "the process that runs your code died",
    "skipped": "not run, because something that it needs did not pass",
    "error": "the grader itself failed here; this is not your fault, please tell your instructor",
}


class Row(NamedTuple):
    """A test (`outcome`) or a quality mark (`mark`), and what it brings of the 100.

    `points` are those of its suite, and `share` is what of them was earned, 0.0 to 1.0.
    """

    stage: int
    suite: Suite
    points: float
    share: float
    is_carried: bool = False
    outcome: Outcome | None = None
    mark: QualityMark | None = None
    score: float = 0.0
    max_score: float = 0.0

    @property
    def has_passed(self) -> bool:
        """Whether nothing is wrong: what a latent or strict failure earned makes it no pass."""
        if self.outcome is not None:
            return self.outcome.status == "passed"
        return self.share >= 1.0

    @property
    def is_hidden(self) -> bool:
        """Whether it is a test that a student does not see."""
        return self.outcome is not None and self.outcome.hidden

    @property
    def title(self) -> str:
        """The behaviour in one sentence, or what was measured."""
        if self.outcome is not None:
            return self.outcome.title or self.outcome.name
        return f"quality, {spaced(self.mark.check)}" if self.mark is not None else ""


class Topic(NamedTuple):
    """The hidden tests of one stage that share a hint, as a student may know of them."""

    stage: int
    name: str
    passed: int
    total: int
    score: float
    max_score: float

    @property
    def said(self) -> str:
        """In words: "torn tail: 2 of 5 hidden tests passed"."""
        tests = "test" if self.total == 1 else "tests"
        return f"{self.name}: {self.passed} of {self.total} hidden {tests} passed"


def ending(outcome: Outcome) -> str:
    """Say how a test ended."""
    return lesser_words(outcome) or STATUS_WORDS[outcome.status]


def make_rows(grade: Grade) -> list[Row]:
    """The rows of a grade: the tests in their order, then the quality marks."""
    rows = [_of_test(run, outcome) for run in grade.runs for outcome in run.chosen.outcomes]
    rows += [_of_mark(mark) for mark in grade.quality]
    return list(_with_scores(rows, grade))


def hidden_topics(rows: Iterable[Row]) -> list[Topic]:
    """The hidden tests among `rows` by stage and hint, in their order."""
    groups: defaultdict[tuple[int, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.outcome is not None and row.is_hidden:
            groups[row.stage, row.outcome.hint].append(row)
    return [_topic(stage, hint, group) for (stage, hint), group in groups.items()]


def student_problem(grade: Grade) -> str:
    """What a student is told first: why there is nothing to grade, or that the grader failed.

    `Grade.problem` itself may name a hidden test.
    """
    if grade.entry.problem:
        return grade.entry.problem
    return GRADER_FAILED if grade.problem else ""


def spaced(name: str) -> str:
    """A name from the course's data in words: "type hints"."""
    return name.replace("-", " ")


def _of_test(run: StageRun, outcome: Outcome) -> Row:
    return Row(
        stage=outcome.stage,
        suite=outcome.suite,
        points=outcome.points,
        share=outcome.share,
        is_carried=run.uses_carried,
        outcome=outcome,
    )


def _of_mark(mark: QualityMark) -> Row:
    share = Tally(mark.earned, mark.available).share
    return Row(mark.stage, "quality", mark.available, share, mark=mark)


def _with_scores(rows: Sequence[Row], grade: Grade) -> Iterable[Row]:
    """Share each suite's weight out among its rows, in whole millionths that add up exactly."""
    points: defaultdict[Suite, float] = defaultdict(float)
    dealt: defaultdict[Suite, int] = defaultdict(int)
    for row in rows:
        points[row.suite] += row.points
        share = min(Tally(points[row.suite], grade.suites[row.suite].available).share, 1.0)
        until = round(grade.weights[row.suite] * MICRO * share)
        micros, dealt[row.suite] = until - dealt[row.suite], until
        yield row._replace(score=round(micros * row.share) / MICRO, max_score=micros / MICRO)


def _topic(stage: int, hint: str, rows: Sequence[Row]) -> Topic:
    return Topic(
        stage=stage,
        name=spaced(hint) or "other",
        passed=sum(row.has_passed for row in rows),
        total=len(rows),
        score=round(sum(row.score for row in rows) * MICRO) / MICRO,
        max_score=round(sum(row.max_score for row in rows) * MICRO) / MICRO,
    )
