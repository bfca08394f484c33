"""One test that did not pass, told to the student: what was done, expected, and came back.

Texts come from code under test and go through `plain`. Which failures are told in full is decided
by feedback.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from grader.hints import Hint
from grader.outcome import Comparison, Failure, Frame, Outcome, Status, Step
from grader.report.blocks import INDENT, Heading, command, hanging, joined
from grader.report.hexdump import compare
from grader.report.hint import hint_command
from grader.report.interleaving import interleaving_parts
from grader.report.powercut import power_cut_parts
from grader.report.telling import (
    EXPLANATIONS,
    again,
    bytes_to_dump,
    ending,
    last_frames,
    last_printed,
    lesser_words,
    place,
    reason_words,
    sides,
)
from grader.report.words import (
    STATUS_STYLES,
    count,
    plain,
    points,
    replay_command,
)
from grader.report.words import number as digits

_LABEL_COLUMNS = 11


def failure_section(
    number: int,
    outcome: Outcome,
    seed: int,
    *,
    alike: Sequence[Outcome] = (),
    hint: Hint | None = None,
    path_of: Callable[[str], str] = str,
) -> Group:
    """Tell one failure in full.

    `alike` are further tests that failed in the same way; `path_of` turns the file of a frame into
    what the student calls it.
    """
    failure = outcome.failure or Failure("")
    remark = joined((_worth(outcome), outcome.suite, "hidden test" if outcome.hidden else ""))
    style = STATUS_STYLES[outcome.status]
    parts: list[RenderableType] = [
        Heading(f"{number}  {ending(outcome)}", remark, style),
        Text(plain(outcome.title), "bold"),
        Text(place(outcome), "dim"),
        *_note(outcome.note),
        *_reason(outcome.status, reason_words(failure)),
        *_what_was_done(failure, path_of),
        *_compared(failure.comparison),
        *_frames(failure.frames, path_of),
        *_printed(failure.printed),
        *_alike(alike),
        *_hint(hint),
        *_again(outcome, seed),
        Text(),
    ]
    return Group(*parts)


def _worth(outcome: Outcome) -> str:
    earned = f"{digits(outcome.earned)} of " if lesser_words(outcome) else ""
    return f"{earned}{points(outcome.points)}"


def _note(note: str) -> Iterator[RenderableType]:
    if note:
        yield hanging("Note: ", note, label_style="bold")


def _reason(status: Status, reason: str) -> Iterator[RenderableType]:
    if reason or status in EXPLANATIONS:
        yield Text()
    if reason:
        yield Text(plain(reason), "red")
    if status in EXPLANATIONS:
        yield Text(EXPLANATIONS[status])


def _what_was_done(failure: Failure, path_of: Callable[[str], str]) -> Iterator[RenderableType]:
    if failure.interleaving is not None:
        yield from interleaving_parts(failure.interleaving, path_of)
    elif failure.power_cut is not None:
        yield from power_cut_parts(failure.power_cut)
    else:
        yield from _steps(failure.steps)


def _steps(steps: Sequence[Step]) -> Iterator[RenderableType]:
    if not steps:
        return
    yield from _title("What was done")
    columns = len(str(len(steps)))
    for number, step in enumerate(steps, start=1):
        text = f"{step.text}  → {step.result}" if step.result else step.text
        yield hanging(f"{INDENT}{number:>{columns}}  ", text, label_style="dim")


def _compared(comparison: Comparison | None) -> Iterator[RenderableType]:
    if comparison is None:
        return
    if both := bytes_to_dump(comparison):
        yield from _title("Bytes expected, and bytes that came back")
        yield compare(*both)
        return
    yield Text()
    for side in sides(comparison):
        style = "green" if side.is_wanted else "red"
        yield hanging(f"{side.label:<{_LABEL_COLUMNS}}", side.text, label_style="bold", style=style)


def _frames(frames: Sequence[Frame], path_of: Callable[[str], str]) -> Iterator[RenderableType]:
    if not frames:
        return
    yield from _title("In your code")
    left_out, shown = last_frames(frames)
    if left_out:
        yield Text(f"{INDENT}… {count(left_out, 'call')} before", "dim")
    for frame in shown:
        yield hanging(INDENT, f"{path_of(frame.file)}:{frame.line} in {frame.function}")
        yield hanging(INDENT * 3, frame.source.strip(), style="bold")


def _printed(printed: str) -> Iterator[RenderableType]:
    left_out, lines = last_printed(printed)
    if not lines:
        return
    yield from _title("Your code printed")
    if left_out:
        yield Text(f"{INDENT}… {count(left_out, 'line')} before", "dim")
    for line in lines:
        yield hanging(f"{INDENT}| ", line, label_style="dim")


def _alike(alike: Sequence[Outcome]) -> Iterator[RenderableType]:
    if alike:
        yield Text()
        names = ", ".join(outcome.name for outcome in alike)
        yield hanging(f"The same in {count(len(alike), 'more test')}: ", names, style="dim")


def _hint(hint: Hint | None) -> Iterator[RenderableType]:
    if hint is None:
        return
    yield Text()
    yield hanging(f"{'Hint':<{_LABEL_COLUMNS}}", hint.rung(1), label_style="bold yellow")
    yield Text("If that is not enough:")
    yield command(hint_command(hint, 2))


def _again(outcome: Outcome, seed: int) -> Iterator[RenderableType]:
    """The commands that run it again."""
    yield Text()
    exactly = again(outcome)
    if exactly:
        yield Text(exactly.words)
        yield from map(command, exactly.commands)
    yield Text(exactly.others if exactly else "Run it alone:")
    yield command(replay_command(outcome.stage, outcome.name, seed))


def _title(words: str) -> Iterator[RenderableType]:
    yield Text()
    yield Text(words, "bold")
