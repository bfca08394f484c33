"""What every part of a student's page is made from: the course, the grade, the hints, the docs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from grader.course import Course, Stage
from grader.grading.model import Grade
from grader.hints import Hint
from grader.outcome import Failure, Frame, Outcome
from grader.own_lines import own_failure
from grader.report.html.links import Docs, Link


@dataclass(frozen=True)
class HintView:
    """A hint's ladder: the first rung, and the ones to open when it is not enough."""

    title: str
    nudge: str
    more: tuple[str, ...]
    read: Link | None


@dataclass(frozen=True)
class Context:
    """One submission's grade with all that is needed to explain it."""

    course: Course
    grade: Grade
    hints: Mapping[str, Hint]
    docs: Docs

    def cost(self, outcomes: Iterable[Outcome]) -> float:
        """What these tests cost of the 100."""
        return math.fsum(self.grade.cost(outcome.suite, outcome.lost) for outcome in outcomes)

    def hint(self, name: str) -> HintView | None:
        """Return the hint of that name; None if the course has none."""
        hint = self.hints.get(name)
        if hint is None:
            return None
        stage = self._stage_in(hint.stage_folder)
        read = None
        if stage:
            read = self.docs.read_on(stage, hint.read) if hint.read else self.docs.stage(stage)
        return HintView(hint.title, hint.nudge, (hint.idea, hint.almost), read)

    def own_failure(self, outcome: Outcome) -> Failure | None:
        """Return the failure with lines of the student's files alone: in a carried stage the
        earlier ones are the reference's, and its source is not to be shown.
        """
        stage = outcome.stage
        if outcome.failure is None or stage not in self.grade.carried_stages:
            return outcome.failure

        def is_reference(file: str) -> bool:
            home = self.course.stage_of(file)
            return home != stage and (home is not None or file in self.course.given)

        return own_failure(outcome.failure, is_reference)

    def own_frames(self, outcome: Outcome) -> tuple[Frame, ...]:
        """Return the frames in the student's files."""
        failure = self.own_failure(outcome)
        return failure.frames if failure is not None else ()

    def _stage_in(self, folder: str) -> Stage | None:
        return next((s for s in self.course.stages if s.folder.name == folder), None)
