"""How a failure is told, whatever it is told on: which ones belong together, and in which words.

Plain data and sentences, neither rich nor HTML. Texts of the code under test pass through as they
are: who shows them makes them safe.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from grader.outcome import Comparison, Failure, Frame, Outcome, Status
from grader.report.layout import explain
from grader.report.words import STATUS_WORDS, schedule_command

FRAMES_MAX = 6
PRINTED_LINES_MAX = 15
_SHORT_BYTES = 16
LATENT_WORDS = "failed, latent"
STRICT_WORDS = "failed, strict"

EXPLANATIONS: dict[Status, str] = {
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


_RACE_AGAIN = (
    "Run exactly this schedule again, or walk through it in a debugger:",
    "When it is mended, search for others:",
)
_CUT_AGAIN = (
    "Make exactly this happen again; it leaves the folder on disk. Or use a debugger:",
    "When it is mended, try all the others:",
)


class Side(NamedTuple):
    """One side of a comparison; `is_wanted` tells what should be from what is."""

    label: str
    text: str
    is_wanted: bool = False


class Again(NamedTuple):
    """How to see exactly the same failure again: words and their commands; `others` are words for
    the command that looks for more.
    """

    words: str
    others: str
    commands: tuple[str, ...]


def same_cause(outcomes: Iterable[Outcome]) -> list[list[Outcome]]:
    """Put failures with one cause together: the same words, at the same line of their code."""
    groups: dict[object, list[Outcome]] = {}
    for outcome in outcomes:
        failure = outcome.failure
        cause: object = outcome.test
        if failure and failure.reason and failure.comparison is None:
            cause = ending(outcome), failure.reason, failure.frames[-1:]
        groups.setdefault(cause, []).append(outcome)
    return list(groups.values())


def ending(outcome: Outcome) -> str:
    """Say how it ended, in the words of a count."""
    return lesser_words(outcome) or STATUS_WORDS[outcome.status]


def lesser_words(outcome: Outcome) -> str:
    """Say how it failed in a way that costs a part of its points alone; empty if it did not."""
    if outcome.is_latent:
        return LATENT_WORDS
    return STRICT_WORDS if outcome.is_strict else ""


def is_unwritten(outcome: Outcome) -> bool:
    """Whether the test waits for a function that still is the skeleton's."""
    return outcome.failure is not None and outcome.failure.unwritten is not None


def place(outcome: Outcome) -> str:
    """Return the file of a test within its stage, and its name."""
    return outcome.test.partition("/")[2] or outcome.test


def reason_words(failure: Failure) -> str:
    """Return why it failed; empty where the diagnosis of a race or a power cut says the same."""
    stories = (failure.interleaving, failure.power_cut)
    is_told = any(story is not None and failure.reason in story.diagnosis for story in stories)
    return "" if is_told else sentence(failure.reason)


def again(outcome: Outcome) -> Again | None:
    """Return how to run the schedule of a race again, or make a power cut again; None if it was
    neither.
    """
    race = outcome.failure and outcome.failure.interleaving
    cut = outcome.failure and outcome.failure.power_cut
    story = race or cut
    if not story or not story.replay:
        return None
    commands = tuple(
        schedule_command(outcome.stage, story.replay, debug=debug) for debug in (False, True)
    )
    return Again(*(_RACE_AGAIN if race else _CUT_AGAIN), commands)


def sentence(reason: str) -> str:
    """Begin with a capital letter, unless the first word is code."""
    is_word = reason.partition(" ")[0].isalpha()
    return reason[:1].upper() + reason[1:] if is_word else reason


def sides(comparison: Comparison) -> tuple[Side, Side]:
    """Return both sides of a comparison, in the order that reads best."""
    expected, actual = comparison.expected, comparison.actual
    if comparison.operator == "in":
        return Side("Looked for", actual, is_wanted=True), Side("In", expected)
    if comparison.operator == "not in":
        return Side("Unwanted", actual), Side("But in", expected)
    wanted = _EXPECTED_WORDS.get(comparison.operator, "") + expected
    return Side("Expected", wanted, is_wanted=True), Side("Came back", actual)


def bytes_to_dump(comparison: Comparison) -> tuple[bytes, bytes] | None:
    """Return expected and actual bytes if a hex dump of them says more than the two texts."""
    expected, actual = comparison.expected_bytes, comparison.actual_bytes
    if expected is None or actual is None or comparison.operator != "==":
        return None
    short = all(len(data) <= _SHORT_BYTES and data.isascii() for data in (expected, actual))
    if short and not (explain(expected) or explain(actual)):
        return None
    return expected, actual


def last_frames(frames: Sequence[Frame]) -> tuple[int, Sequence[Frame]]:
    """Return how many calls are left out, and the frames nearest to the error."""
    return max(len(frames) - FRAMES_MAX, 0), frames[-FRAMES_MAX:]


def last_printed(printed: str) -> tuple[int, list[str]]:
    """Return how many lines are left out, and the last lines of what was printed."""
    lines = printed.rstrip().splitlines()
    return max(len(lines) - PRINTED_LINES_MAX, 0), lines[-PRINTED_LINES_MAX:]
