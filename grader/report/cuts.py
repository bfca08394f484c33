"""A power cut as it is told, whatever it is told on: the words, and how much is told.

Plain data and sentences, neither rich nor HTML. Invariants: every text that leaves here is one
line, safe to show and cut to a length. Not here: what was asked of the disk (operations.py), and
how bytes are told (bytemap.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from grader.outcome import PowerCut
from grader.report.bytemap import ByteMap, byte_map
from grader.report.layout import kind_of, number_of
from grader.report.operations import result_words, rows_of
from grader.report.telling import sentence
from grader.report.turns import short, step_words
from grader.report.words import count

CALLS_MAX = 24
FILES_MAX = 6
_CALLS_BEFORE = 4
_CALLS_AFTER = 4
_DIFFERENCES_MAX = 12
_DIAGNOSIS_CHARS_MAX = 600

_CALLS_MEAN = "What had returned was acknowledged: whoever called counts on it."
STRICT_MEANS = (
    "Strict: today's common file systems (ext4 and XFS in their default mode) usually keep what was"
    " lost here, but POSIX does not promise it; so this costs only a share of the points."
)
_STATES = {
    "returned": "returned",
    "raised": "raised",
    "under way": "under way",
    "after": "never made",
}


class Titles(NamedTuple):
    """What stands above each part of the story, and for no files."""

    calls: str = "What was called"
    rows: str = "What was asked of the disk, and what was left of it"
    what: str = "What the disk made of it"
    files: str = "What lay on disk then"
    no_files: str = "Nothing: the folder was empty."
    reopened: str = "How it was opened again, and what it answered"
    differences: str = "What it should have answered"


TITLES = Titles()


class Call(NamedTuple):
    """A call of the history: `label` says how far it came; without one, calls are left out here."""

    number: int
    label: str
    text: str


def diagnosis(cut: PowerCut) -> str:
    """The one sentence on top."""
    return sentence(short(cut.diagnosis, _DIAGNOSIS_CHARS_MAX))


def strict_words(cut: PowerCut) -> str:
    """What it means that only the strict model loses it; empty in the other."""
    return STRICT_MEANS if cut.model == "strict" else ""


def what_words(cut: PowerCut) -> str:
    """What the disk made of the power cut, in a sentence."""
    what = sentence(short(cut.what))
    return f"{what}." if what and what[-1] not in ".!?…" else what


def found_words(cut: PowerCut) -> str:
    """How it was found, in one sentence."""
    if cut.states == 0:
        return "Exactly this was made again, and the same is wrong."
    if cut.states == 1:
        return "The first state of the disk that was opened was wrong."
    tried = f"{count(cut.states, 'different state')} of the disk were opened until one was wrong"
    return f"{tried}; this is the shortest history that was found to come to it."


def calls_of(cut: PowerCut) -> list[Call]:
    """The calls of the history, in order; of many the first ones and those around the cut."""
    calls = cut.calls
    told = set(range(len(calls)))
    if len(calls) > CALLS_MAX:
        done = [at for at, call in enumerate(calls) if call.state in ("returned", "raised")]
        cut_at = done[-1] + 1 if done else 0
        window = range(cut_at + _CALLS_AFTER + _CALLS_BEFORE - CALLS_MAX, cut_at + _CALLS_AFTER)
        told &= {*range(_CALLS_BEFORE), *window}
    found: list[Call] = []
    before = -1
    for at in [*sorted(told), len(calls)]:
        if at - before > 1:
            found.append(Call(0, "", f"… {count(at - before - 1, 'call')} left out"))
        if at < len(calls):
            result = result_words(calls[at])
            text = f"{short(calls[at].text)}{f'  → {result}' if result else ''}"
            found.append(Call(at + 1, _STATES[calls[at].state], text))
        before = at
    return found


def calls_mean(cut: PowerCut) -> str:
    """What it means that a call had returned; empty if none had."""
    return _CALLS_MEAN if any(call.state == "returned" for call in cut.calls) else ""


def file_maps(cut: PowerCut) -> list[ByteMap]:
    """The bytes of the first files that lay on disk."""
    segments = [file.name for file in cut.files if kind_of(file.name) == "segment"]
    last = max(segments, key=number_of, default="")
    ends = 2 if len(cut.files) == 1 else 1
    return [
        byte_map(
            short(file.name),
            file.data,
            file.size,
            file.stopped_at,
            ends=ends,
            is_last=file.name == last,
        )
        for file in cut.files[:FILES_MAX]
    ]


def more_files_words(cut: PowerCut) -> str:
    """What stands for the files that are not told; empty if all are."""
    more = len(cut.files) - FILES_MAX
    return f"… and {count(more, 'more file')}" if more > 0 else ""


def reopened_words(cut: PowerCut) -> list[str]:
    """How the store was opened again, a line a step."""
    return step_words(cut.reopened)


def difference_words(cut: PowerCut) -> list[str]:
    """What should have been answered, a line a key."""
    told = [short(line) for line in cut.differences[:_DIFFERENCES_MAX]]
    more = len(cut.differences) - len(told)
    return [*told, f"… and {more} more"] if more else told


def cut_lines(cut: PowerCut) -> Iterator[str]:
    """The whole story in plain lines, for formats that know nothing but text; without the bytes."""
    yield diagnosis(cut)
    yield f"{TITLES.calls}:"
    for call in calls_of(cut):
        yield f"  {f'{call.number}. {call.label}: ' if call.label else ''}{call.text}"
    yield f"{TITLES.rows}:"
    for row in rows_of(cut):
        number = f"{row.number}. " if row.number else ""
        label = f"{row.label}: " if row.label else ""
        remark = f" ({row.remark})" if row.remark else ""
        arrow = "→ " if row.kind == "end" else ""
        yield f"{'    ' if row.is_operation else '  '}{number}{label}{arrow}{row.text}{remark}"
    for title, lines in (
        (TITLES.what, [what_words(cut)]),
        (TITLES.reopened, reopened_words(cut)),
        (TITLES.differences, difference_words(cut)),
    ):
        yield f"{title}:"
        yield from (f"  {line}" for line in lines)
    if cut.model == "strict":
        yield STRICT_MEANS
    yield found_words(cut)
