"""What a student's page says of each stage: what is unwritten, what failed, what hidden tests saw.

Failures are numbered through the page, the dearest of each stage first; failures with one cause are
one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grader.course import Course, Stage
from grader.grading.model import StageRun
from grader.outcome import Frame, Outcome, Status
from grader.report.html.context import Context
from grader.report.html.failures import FailureView, failure_view
from grader.report.html.hidden import Topic, failed_topics
from grader.report.html.links import Link
from grader.report.telling import is_unwritten, same_cause
from grader.report.unwritten import unwritten_functions

_TOLD: tuple[Status, ...] = ("failed", "timeout", "crashed", "error")


@dataclass(frozen=True)
class UnwrittenView:
    """A function that is not written yet; `file` may be empty; `tests` wait for it."""

    name: str
    file: str
    tests: int
    cost: float


@dataclass(frozen=True)
class NotRun:
    """What kept `tests` from being run, and where in the student's code; `frames` may be empty."""

    reason: str
    tests: int
    cost: float
    frames: tuple[Frame, ...]


@dataclass(frozen=True)
class StageView:
    """One stage; `passed` and `total` count hidden tests too. `visible` are those that passed and
    can be read: title and note.

    `lost` is what its tests cost of the 100, hidden ones included.
    """

    number: int
    name: str
    files: tuple[str, ...]
    docs: Link
    passed: int
    total: int
    lost: float
    unwritten: tuple[UnwrittenView, ...]
    failures: tuple[FailureView, ...]
    not_run: tuple[NotRun, ...]
    topics: tuple[Topic, ...]
    visible: tuple[tuple[str, str], ...]
    hidden_passed: int

    @property
    def is_done(self) -> bool:
        """Whether every test of it passed."""
        return self.passed == self.total


def stage_views(context: Context) -> tuple[StageView, ...]:
    """Return the stages that were run, in order."""
    views: list[StageView] = []
    told = 0
    for run in context.grade.runs:
        views.append(_view(context, run, told))
        told += len(views[-1].failures)
    return tuple(views)


def _view(context: Context, run: StageRun, told: int) -> StageView:
    stage = context.course.stage(run.stage)
    outcomes = run.chosen.outcomes
    visible = [outcome for outcome in outcomes if not outcome.hidden]
    passed = [outcome for outcome in outcomes if outcome.status == "passed"]
    shown = tuple((o.title or o.name, o.note) for o in passed if not o.hidden)
    return StageView(
        number=stage.number,
        name=stage.name,
        files=tuple(stage.files),
        docs=context.docs.stage(stage),
        passed=len(passed),
        total=len(outcomes),
        lost=context.cost(outcomes),
        unwritten=_unwritten(context, context.course, stage, visible),
        failures=_failures(context, visible, told),
        not_run=_not_run(context, visible),
        topics=failed_topics(context, outcomes),
        visible=shown,
        hidden_passed=len(passed) - len(shown),
    )


def _unwritten(
    context: Context, course: Course, stage: Stage, visible: Sequence[Outcome]
) -> tuple[UnwrittenView, ...]:
    return tuple(
        UnwrittenView(todo.name, todo.file, len(todo.tests), context.cost(todo.tests))
        for todo in unwritten_functions(course, stage, visible)
    )


def _failures(context: Context, visible: Sequence[Outcome], told: int) -> tuple[FailureView, ...]:
    groups = same_cause(o for o in visible if o.status in _TOLD and not is_unwritten(o))
    # The grader's own errors come last: a student can mend the others.
    groups.sort(key=lambda group: (group[0].status == "error", -context.cost(group)))
    return tuple(
        failure_view(context, number, group) for number, group in enumerate(groups, told + 1)
    )


def _not_run(context: Context, visible: Sequence[Outcome]) -> tuple[NotRun, ...]:
    by_reason: dict[str, list[Outcome]] = {}
    for outcome in visible:
        if outcome.status == "skipped":
            reason = outcome.failure.reason if outcome.failure else ""
            by_reason.setdefault(reason or "no reason given", []).append(outcome)
    return tuple(
        NotRun(
            reason=reason,
            tests=len(tests),
            cost=context.cost(tests),
            # Only the test that came upon it first says where.
            frames=next(filter(None, map(context.own_frames, tests)), ()),
        )
        for reason, tests in by_reason.items()
    )
