"""What reports share: numbers with their nouns, statuses, commands, and text made safe to show.

What code under test printed or raised may hold anything, also codes that clear a screen or forge a
line of a report. So every text from outside goes through `plain` before it is shown.
"""

from __future__ import annotations

import re
import unicodedata

from grader.outcome import Status

# A status, in the words of a count ("2 failed") and as the mark of one test in a row of marks.
STATUS_WORDS: dict[Status, str] = {
    "passed": "passed",
    "failed": "failed",
    "timeout": "did not finish in time",
    "crashed": "crashed",
    "skipped": "not run",
    "error": "could not be judged",
}
STATUS_MARKS: dict[Status, str] = {
    "passed": ".",
    "failed": "F",
    "timeout": "T",
    "crashed": "C",
    "skipped": "s",
    "error": "E",
}
STATUS_STYLES: dict[Status, str] = {
    "passed": "green",
    "failed": "bold red",
    "timeout": "bold red",
    "crashed": "bold red",
    "skipped": "yellow",
    "error": "bold magenta",
}

_SAFE_IN_A_SHELL = re.compile(r"[\w.+:/-]+", re.ASCII)
_SAFE_IN_QUOTES = re.compile(r"[\w.+:/\[\]-]+", re.ASCII)


def count(number: int, noun: str) -> str:
    """Return a number and its noun: "1 byte", "1,024 bytes"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def number(value: float) -> str:
    """Return points or percents without needless zeros: "2", "0.5", "66.67"."""
    return f"{round(value, 2):.2f}".rstrip("0").rstrip(".")


def points(value: float) -> str:
    """Return points with their noun: "1 point", "0.5 points"."""
    return f"{number(value)} point{'' if value == 1 else 's'}"


def plain(text: str) -> str:
    r"""Return `text` with all that a terminal would obey written out: `\x1b`; line ends stay."""
    return "".join(
        char if char in "\n\t" or not _is_control(char) else char.encode("unicode_escape").decode()
        for char in text.replace("\r\n", "\n")
    )


def replay_command(stage: int, test: str, seed: int) -> str:
    """Return the command that runs one test again, with the same random choices."""
    return f"nox -s stage{stage} -- -k {_pattern(test)} --seed {seed}"


def schedule_command(stage: int, replay: str, *, debug: bool = False) -> str:
    """Return the command that runs one schedule again; with `debug` under a debugger."""
    return f"nox -s stage{stage} -- --replay {plain(replay)}{' --debug' if debug else ''}"


def _pattern(test: str) -> str:
    """A test's name as `-k` and every shell take it, if need be without its parameters."""
    if _SAFE_IN_A_SHELL.fullmatch(test):
        return test
    if _SAFE_IN_QUOTES.fullmatch(test):
        return f'"{test}"'
    return test.partition("[")[0]


def _is_control(char: str) -> bool:
    # Cc: control codes. Cf: invisible, such as what reverses a line. Cs: half a surrogate pair.
    return unicodedata.category(char) in {"Cc", "Cf", "Cs"} or char in "\u2028\u2029"
