"""One visible failure as a page shows it: what was done, expected and came back, and what helps.

Hidden tests never come here: `hidden.py` says what may be said of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grader.outcome import Comparison, Failure, Frame, Outcome, Status, Step
from grader.report.bytediff import NARROW_ROW_BYTES, Line, differences, dump_lines
from grader.report.html.context import Context, HintView
from grader.report.telling import (
    EXPLANATIONS,
    Side,
    bytes_to_dump,
    last_frames,
    last_printed,
    place,
    sentence,
    sides,
)
from grader.report.words import STATUS_WORDS, replay_command


@dataclass(frozen=True)
class Dump:
    """Two runs of bytes: sentences on how they differ, and the lines around the difference."""

    sentences: tuple[str, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class FailureView:
    """A failure in full; `cost` is what it and those `alike` are worth of the 100."""

    number: int
    title: str
    place: str
    status: Status
    suite: str
    cost: float
    reason: str
    explanation: str
    steps: tuple[Step, ...]
    sides: tuple[Side, ...]
    dump: Dump | None
    frames: tuple[Frame, ...]
    frames_left_out: int
    printed: tuple[str, ...]
    printed_left_out: int
    alike: tuple[str, ...]
    hint: HintView | None
    command: str

    @property
    def status_words(self) -> str:
        """How it ended, for people."""
        return STATUS_WORDS[self.status]

    @property
    def anchor(self) -> str:
        """The id of its place on the page."""
        return f"failure-{self.number}"


def failure_view(context: Context, number: int, group: Sequence[Outcome]) -> FailureView:
    """Tell the failures of `group`, which have one cause, once. All must be visible tests."""
    outcome, *alike = group
    failure = outcome.failure or Failure("")
    frames_left_out, frames = last_frames(context.own_frames(outcome))
    printed_left_out, printed = last_printed(failure.printed)
    both = bytes_to_dump(failure.comparison) if failure.comparison else None
    return FailureView(
        number=number,
        title=outcome.title or outcome.name,
        place=place(outcome),
        status=outcome.status,
        suite=outcome.suite,
        cost=context.cost(group),
        reason=sentence(failure.reason),
        explanation=EXPLANATIONS.get(outcome.status, ""),
        steps=failure.steps,
        sides=_sides(failure.comparison) if both is None else (),
        dump=_dump(*both) if both else None,
        frames=tuple(frames),
        frames_left_out=frames_left_out,
        printed=tuple(printed),
        printed_left_out=printed_left_out,
        alike=tuple(other.name for other in alike),
        hint=context.hint(outcome.hint) if outcome.status != "error" else None,
        command=replay_command(outcome.stage, outcome.name, context.grade.seed),
    )


def _sides(comparison: Comparison | None) -> tuple[Side, ...]:
    return sides(comparison) if comparison else ()


def _dump(expected: bytes, actual: bytes) -> Dump:
    # Eight bytes a line also fit a telephone.
    lines = dump_lines(expected, actual, NARROW_ROW_BYTES)
    return Dump(tuple(differences(expected, actual)), tuple(lines))
