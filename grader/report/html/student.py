"""The model of a student's page: every number and text that its template shows, in their order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from grader.course import Course
from grader.grading.model import FULL_SCORE, Grade, QualityMark, Tally, stage_key
from grader.hints import Hint
from grader.report.figures import below, percent
from grader.report.html.advice import Advice, advise
from grader.report.html.context import Context
from grader.report.html.links import Docs
from grader.report.html.stages import StageView, stage_views
from grader.report.words import count, number


@dataclass(frozen=True)
class Bar:
    """A row of a bar chart: `share` is 0.0 to 1.0, `value` and `full` are its numbers as text."""

    label: str
    share: float
    value: str
    full: str
    points: str


@dataclass(frozen=True)
class QualityView:
    """The quality marks of one stage: by check, earned of available; then what was found."""

    stage: str
    marks: tuple[str, ...]
    findings: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class StudentView:
    """The whole page; `problem` is about the grader, unless nothing ran."""

    course: str
    grade: Grade
    score: str
    full: str
    problem: str
    advice: Advice
    suites: tuple[Bar, ...]
    stage_bars: tuple[Bar, ...]
    carried: str
    stages: tuple[StageView, ...]
    checks: tuple[str, ...]
    quality: tuple[QualityView, ...]
    facts: tuple[tuple[str, str], ...]


def student_view(
    course: Course, grade: Grade, hints: Mapping[str, Hint], docs: Docs
) -> StudentView:
    """Make the model; raises `CourseError` for a grade of other stages than the course's."""
    context = Context(course, grade, hints, docs)
    stages = stage_views(context)
    has_run = bool(grade.runs)
    return StudentView(
        course=course.title,
        grade=grade,
        score=f"{grade.score:.2f}",
        full=f"{FULL_SCORE:.0f}",
        problem=_problem(grade),
        advice=advise(context, stages),
        suites=tuple(_suite_bars(grade)) if has_run else (),
        stage_bars=tuple(_stage_bar(course, grade, run.stage) for run in grade.runs),
        carried=_carried(grade),
        stages=stages,
        checks=tuple(_spelled(check) for check in _checks(grade)),
        quality=tuple(_quality(course, grade, run.stage) for run in grade.runs),
        facts=tuple(_facts(grade)),
    )


def _problem(grade: Grade) -> str:
    """Say what a student must know of the grader's own trouble.

    `Grade.problem` is the instructor's: it may name a hidden test.
    """
    if not grade.runs or not grade.problem:
        return ""
    errors = sum(outcome.status == "error" for outcome in grade.outcomes)
    what = f"{count(errors, 'test')} could not be judged" if errors else "a run did not go well"
    return (
        f"The grader had trouble of its own, which is not your fault: {what}. Tell your instructor."
    )


def _suite_bars(grade: Grade) -> list[Bar]:
    return [
        Bar(
            label=suite.capitalize(),
            share=tally.share,
            value=below(grade.suite_score(suite), grade.weights[suite], 2),
            full=number(grade.weights[suite]),
            points=_points(tally),
        )
        for suite, tally in grade.suites.items()
    ]


def _stage_bar(course: Course, grade: Grade, stage: int) -> Bar:
    tally = grade.stages[stage_key(stage)]
    mark = "*" if stage in grade.carried_stages else ""
    return Bar(
        f"{_named(course, stage)}{mark}", tally.share, f"{percent(tally)} %", "", _points(tally)
    )


def _named(course: Course, stage: int) -> str:
    return f"{stage}\N{NO-BREAK SPACE}{course.stage(stage).name}"


def _points(tally: Tally) -> str:
    earned = float(below(tally.earned, tally.available, 2))
    return f"{number(earned)} of {number(tally.available)}"


def _carried(grade: Grade) -> str:
    if not grade.carried_stages:
        return ""
    return (
        "* Graded on the reference's files for the earlier stages, "
        "so that an earlier mistake is not charged twice."
    )


def _checks(grade: Grade) -> list[str]:
    return list(dict.fromkeys(mark.check for mark in grade.quality))


def _quality(course: Course, grade: Grade, stage: int) -> QualityView:
    marks = {mark.check: mark for mark in grade.quality if mark.stage == stage}
    return QualityView(
        stage=_named(course, stage),
        marks=tuple(_mark(marks.get(check)) for check in _checks(grade)),
        findings=tuple(
            (_spelled(mark.check), finding) for mark in marks.values() for finding in mark.findings
        ),
    )


def _mark(mark: QualityMark | None) -> str:
    if mark is None:
        return "—"
    return f"{below(mark.earned, mark.available, 2)} of {number(mark.available)}"


def _spelled(check: str) -> str:
    return check.replace("-", " ")


def _facts(grade: Grade) -> list[tuple[str, str]]:
    submitted = grade.entry.submitted
    facts = [
        ("Submission", grade.submission),
        ("Submitted", submitted.isoformat(" ", "minutes") if submitted else ""),
        ("Seed", str(grade.seed)),
        ("Isolation", grade.isolation),
        ("Grader", grade.grader_version),
        ("Time", f"{grade.seconds:.1f} s"),
    ]
    return [(name, value) for name, value in facts if value]
