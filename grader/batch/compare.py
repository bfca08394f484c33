"""What changed between two gradings of a class: scores, and the tests behind them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from grader.batch.journal import Past, read_journal
from grader.course import Course
from grader.grading.model import Evidence, Grade
from grader.grading.rubric import Rubric, load_rubric
from grader.grading.score import make_grade
from grader.outcome import Status

RUBRIC_NAME = "rubric.toml"  # the copy that lies beside the grades it made


class ChangedTest(NamedTuple):
    """A test with another outcome than before; None where it does not count or did not exist."""

    test: str
    before: Status | None
    after: Status | None


class Change(NamedTuple):
    """One submission's old and new score, None where there is none, and the tests that changed."""

    submission: str
    before: float | None
    after: float | None
    tests: tuple[ChangedTest, ...]

    @property
    def is_nothing(self) -> bool:
        """Whether all is as it was."""
        return self.before == self.after and not self.tests


def compare(before: Iterable[Grade], after: Iterable[Grade]) -> list[Change]:
    """What changed, by submission; those without a change are in it too."""
    old = {grade.submission: grade for grade in before}
    new = {grade.submission: grade for grade in after}
    return [_change(name, old.get(name), new.get(name)) for name in sorted(old.keys() | new.keys())]


def grades_before(out: Path, course: Course) -> list[Grade]:
    """The grades of the last run in `out`, made again from its record and the rubric beside it."""
    return regrade(read_journal(out), rubric_of(out), course)


def regrade(past: Past, rubric: Rubric, course: Course) -> list[Grade]:
    """Make grades from what a record holds; nothing runs."""
    return [grade_of(evidence, rubric, course) for evidence in past.evidence()]


def grade_of(evidence: Evidence, rubric: Rubric, course: Course) -> Grade:
    """Make one grade; `GradingError` if the evidence is of other stages than the course's."""
    return make_grade(evidence, rubric, [stage.number for stage in course.stages])


def rubric_of(out: Path) -> Rubric:
    """The rubric of the grades in `out`, the bundled one where there is none."""
    path = out / RUBRIC_NAME
    return load_rubric(path if path.exists() else None)


def _change(name: str, old: Grade | None, new: Grade | None) -> Change:
    before, after = _statuses(old), _statuses(new)
    tests = tuple(
        ChangedTest(test, before.get(test), after.get(test))
        for test in dict.fromkeys((*before, *after))
        if before.get(test) != after.get(test)
    )
    return Change(name, _score(old), _score(new), tests if old and new else ())


def _score(grade: Grade | None) -> float | None:
    return None if grade is None else grade.score


def _statuses(grade: Grade | None) -> dict[str, Status]:
    return {o.test: o.status for o in grade.outcomes} if grade is not None else {}
