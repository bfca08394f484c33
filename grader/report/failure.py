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
from grader.report.layout import explain
from grader.report.words import STATUS_STYLES, STATUS_WORDS, count, plain, points, replay_command

FRAMES_MAX = 6
PRINTED_LINES_MAX = 15
_SHORT_BYTES = 16
_LABEL_COLUMNS = 11

_EXPLANATIONS: dict[Status, str] = {
    "timeout": "It was stopped: a deadlock, or a loop without end, looks like this.",
    "crashed": "The process that runs your code was gone before it could answer.",
    "error": "This is the grader's fault, not yours. Please report it, with the command below.",
}
_EXPECTED_WORDS = {
    "!=": "anything but ",
    "is not": "anything but ",
    "<": "less than ",
    "<=": "at most ",
    ">": "more than ",
    ">=": "at least ",
}


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
    remark = joined(
        (points(outcome.points), outcome.suite, "hidden test" if outcome.hidden else "")
    )
    style = STATUS_STYLES[outcome.status]
    parts: list[RenderableType] = [
        Heading(f"{number}  {STATUS_WORDS[outcome.status]}", remark, style),
        Text(plain(outcome.title), "bold"),
        Text(_place(outcome), "dim"),
        *_reason(outcome.status, failure.reason),
        *_steps(failure.steps),
        *_compared(failure.comparison),
        *_frames(failure.frames, path_of),
        *_printed(failure.printed),
        *_alike(alike),
        *_hint(hint),
        Text(),
        Text("Run it alone:"),
        command(replay_command(outcome.stage, outcome.name, seed)),
        Text(),
    ]
    return Group(*parts)


def _place(outcome: Outcome) -> str:
    return outcome.test.partition("/")[2] or outcome.test


def _reason(status: Status, reason: str) -> Iterator[RenderableType]:
    if reason or status in _EXPLANATIONS:
        yield Text()
    if reason:
        yield Text(plain(_sentence(reason)), "red")
    if status in _EXPLANATIONS:
        yield Text(_EXPLANATIONS[status])


def _sentence(reason: str) -> str:
    """Begin with a capital letter, unless the first word is code."""
    is_word = reason.partition(" ")[0].isalpha()
    return reason[0].upper() + reason[1:] if is_word else reason


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
    expected, actual = comparison.expected_bytes, comparison.actual_bytes
    if expected is not None and actual is not None and _worth_a_dump(comparison):
        yield from _title("Bytes expected, and bytes that came back")
        yield compare(expected, actual)
        return
    yield Text()
    for label, text, style in _sides(comparison):
        yield hanging(f"{label:<{_LABEL_COLUMNS}}", text, label_style="bold", style=style)


def _sides(comparison: Comparison) -> list[tuple[str, str, str]]:
    """The two sides in the order that reads best: label, text, style."""
    if comparison.operator == "in":
        return [("Looked for", comparison.actual, "green"), ("In", comparison.expected, "red")]
    if comparison.operator == "not in":
        return [("Unwanted", comparison.actual, "red"), ("But in", comparison.expected, "red")]
    expected = _EXPECTED_WORDS.get(comparison.operator, "") + comparison.expected
    return [("Expected", expected, "green"), ("Came back", comparison.actual, "red")]


def _worth_a_dump(comparison: Comparison) -> bool:
    """Whether a hex dump says more than the two texts: not for a short word."""
    both = [comparison.expected_bytes or b"", comparison.actual_bytes or b""]
    short = all(len(data) <= _SHORT_BYTES and data.isascii() for data in both)
    return comparison.operator == "==" and (not short or any(explain(data) for data in both))


def _frames(frames: Sequence[Frame], path_of: Callable[[str], str]) -> Iterator[RenderableType]:
    if not frames:
        return
    yield from _title("In your code")
    left_out = len(frames) - FRAMES_MAX
    if left_out > 0:
        yield Text(f"{INDENT}… {count(left_out, 'call')} before", "dim")
    for frame in frames[-FRAMES_MAX:]:
        yield hanging(INDENT, f"{path_of(frame.file)}:{frame.line} in {frame.function}")
        yield hanging(INDENT * 3, frame.source.strip(), style="bold")


def _printed(printed: str) -> Iterator[RenderableType]:
    lines = printed.rstrip().splitlines()
    if not lines:
        return
    yield from _title("Your code printed")
    left_out = len(lines) - PRINTED_LINES_MAX
    if left_out > 0:
        yield Text(f"{INDENT}… {count(left_out, 'line')} before", "dim")
    for line in lines[-PRINTED_LINES_MAX:]:
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


def _title(words: str) -> Iterator[RenderableType]:
    yield Text()
    yield Text(words, "bold")
