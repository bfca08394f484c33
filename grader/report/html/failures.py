"""One visible failure as a page shows it: what was done, expected and came back, and what helps.

Hidden tests never come here: `hidden.py` says what may be said of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grader.outcome import Comparison, Failure, Frame, Outcome, Status, Step
from grader.report.bytediff import NARROW_ROW_BYTES, Line, differences, dump_lines
from grader.report.html.context import Context, HintView
from grader.report.html.powercut import PowerCutView, power_cut_view
from grader.report.html.timeline import Timeline, timeline
from grader.report.telling import (
    EXPLANATIONS,
    Again,
    Side,
    again,
    bytes_to_dump,
    ending,
    last_frames,
    last_printed,
    place,
    reason_words,
    sides,
)
from grader.report.turns import LATENT_MEANS
from grader.report.words import replay_command


@dataclass(frozen=True)
class Dump:
    """Two runs of bytes: sentences on how they differ, and the lines around the difference."""

    sentences: tuple[str, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class FailureView:
    """A failure in full; `cost` is what it and those `alike` cost of the 100.

    `note` says how thorough the test was; `latent` says what that means, and is empty otherwise;
    `again` is how to see the `timeline` or the `power_cut` once more.
    """

    number: int
    title: str
    place: str
    status: Status
    status_words: str
    suite: str
    cost: float
    note: str
    reason: str
    explanation: str
    latent: str
    timeline: Timeline | None
    power_cut: PowerCutView | None
    again: Again | None
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
    def anchor(self) -> str:
        """The id of its place on the page."""
        return f"failure-{self.number}"


def failure_view(context: Context, number: int, group: Sequence[Outcome]) -> FailureView:
    """Tell the failures of `group`, which have one cause, once. All must be visible tests."""
    outcome, *alike = group
    failure = context.own_failure(outcome) or Failure("")
    race, cut = failure.interleaving, failure.power_cut
    frames_left_out, frames = last_frames(failure.frames)
    printed_left_out, printed = last_printed(failure.printed)
    both = bytes_to_dump(failure.comparison) if failure.comparison else None
    return FailureView(
        number=number,
        title=outcome.title or outcome.name,
        place=place(outcome),
        status=outcome.status,
        status_words=ending(outcome),
        suite=outcome.suite,
        cost=context.cost(group),
        note=outcome.note,
        reason=reason_words(failure),
        explanation=EXPLANATIONS.get(outcome.status, ""),
        latent=LATENT_MEANS if outcome.is_latent else "",
        timeline=timeline(race) if race else None,
        power_cut=power_cut_view(cut) if cut else None,
        again=again(outcome),
        steps=() if race or cut else failure.steps,
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
