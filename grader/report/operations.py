"""What was asked of the disk as it is told, whatever it is told on: rows in the order of time.

A row is a call, an operation with its fate, what came back, a power cut, or what stands for rows
that are left out. Invariants: every text is one line, safe to show and cut to a length; of a long
list both ends are told, what the power cut took, and what lies around it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from grader.outcome import DiskOperation, HistoryCall, PowerCut
from grader.report.turns import short
from grader.report.words import count

ROWS_MAX = 60
_ENDS = 6  # rows that are told at the beginning and at the end, whatever lies between
_DAMAGED_MAX = 12

_FATES_MEAN = {
    "synced": "synced: an fsync had covered it, so no power cut could take it",
    "on disk": "on disk: nothing had synced it yet; this time it was there",
    "zeros": "zeros: the file had grown, but the bytes had not arrived",
    "not made": "not made: it would have come next",
}
_STRICT_FATES_MEAN = {
    "synced": "synced: an fsync had covered it; but bytes whose name is lost are lost with it",
}
_DAMAGED = ("lost", "part", "zeros")
_OPENING = "opening it again"


class Row(NamedTuple):
    """One row of what was asked of the disk.

    `number` counts calls, or operations, from 1; 0 has none. `label` is an operation's fate in a
    word or two, `kind` tells how bad it is, and `remark` says more. An "end" is what a call gave
    back, a "note" is about a call too.
    """

    kind: Literal["call", "kept", "damaged", "after", "end", "note", "cut", "killed", "left out"]
    text: str
    number: int = 0
    label: str = ""
    remark: str = ""

    @property
    def is_operation(self) -> bool:
        """Whether it is an operation."""
        return self.kind in ("kept", "damaged", "after")


def rows_of(cut: PowerCut) -> list[Row]:
    """The operations in order, each below its call, with the power cuts between them."""
    rows = list(_Story(cut).rows())
    found: list[Row] = []
    heads = _heads(rows)
    before = -1
    for at in _told_places(rows):
        gap = rows[before + 1 : at]
        if left_out := _left_out(gap):
            found.append(left_out)
            head = heads[at]
            if head is not None and head < at and rows[at].is_operation:
                found.append(rows[head])
        found.append(rows[at])
        before = at
    return found


def fate_words(cut: PowerCut, rows: Sequence[Row]) -> list[str]:
    """What the labels of these rows mean, where they do not speak for themselves."""
    used = {row.label for row in rows if row.is_operation}
    meanings = _FATES_MEAN | (_STRICT_FATES_MEAN if cut.model == "strict" else {})
    return [meaning for label, meaning in meanings.items() if label in used]


def result_words(call: HistoryCall) -> str:
    """What a call gave back, if that says anything."""
    return "" if call.result == "None" else short(call.result)


def taken_words(cut: PowerCut) -> str:
    """The first thing that the power cut took, and in which call; empty if it took nothing."""
    for operation in cut.operations:
        if operation.fate in _DAMAGED:
            call = _call_text(cut, operation.call)
            return f"{call}: {short(operation.text)}" if call else short(operation.text)
    return ""


class _Story:
    """Puts calls, operations and power cuts in the order of time."""

    def __init__(self, cut: PowerCut) -> None:
        self.cut = cut
        total = len(cut.operations)
        self.cuts = sorted(min(max(at, 0), total) for at in cut.cuts)
        self.first = self._end_of_the_history()
        self.last = {op.call: at for at, op in enumerate(cut.operations[: self.first])}
        # A call that asked nothing of the disk is told too: that may be the mistake.
        self.quiet = [
            number
            for number, call in enumerate(cut.calls)
            if call.state != "after" and number not in self.last
        ]
        self.current: int | None = None

    def rows(self) -> Iterator[Row]:
        """All rows."""
        for at, operation in enumerate(self.cut.operations):
            yield from self._stops(at)
            yield from self._quiet_calls(operation.call)
            if operation.call != self.current:
                yield self._head(operation.call)
            yield _operation(at + 1, operation)
            if self.last.get(operation.call) == at:
                yield from self._end(operation.call)
        yield from self._stops(len(self.cut.operations))

    def _end_of_the_history(self) -> int:
        """The place of the first power cut, or of a kill: right before the opening, or before what
        was not made any more.
        """
        operations = self.cut.operations
        is_later = (op.call < 0 or (not self.cuts and op.fate == "after") for op in operations)
        later = (at for at, is_it in enumerate(is_later) if is_it)
        return min([*self.cuts, next(later, len(operations))])

    def _stops(self, at: int) -> Iterator[Row]:
        """The power cuts right before an operation, or the kill."""
        if at == self.first:
            yield from self._quiet_calls(len(self.cut.calls))
            if at not in self.cuts:
                yield Row("killed", "KILLED (kill -9), with the power still on")
        for number, place in enumerate(self.cuts, start=1):
            if place == at:
                yield Row("cut", self._cut_words(number))

    def _cut_words(self, number: int) -> str:
        which = f"POWER CUT {number} OF {len(self.cuts)}" if len(self.cuts) > 1 else "POWER CUT"
        opening = self.cut.operations[self.first : self.cuts[number - 1]]
        is_again = any(operation.call < 0 for operation in opening)
        return f"{which}, while it was opened again" if is_again else which

    def _quiet_calls(self, before: int) -> Iterator[Row]:
        while self.quiet and self.quiet[0] < before:
            number = self.quiet.pop(0)
            yield self._head(number)
            yield Row("note", "asked nothing of the disk")
            yield from self._end(number)

    def _head(self, number: int) -> Row:
        self.current = number
        if number < 0:
            return Row("call", _OPENING)
        return Row("call", _call_text(self.cut, number), number + 1)

    def _end(self, number: int) -> Iterator[Row]:
        call = _call(self.cut, number)
        if call is None or call.state == "after":
            return
        if call.state == "under way":
            yield Row("note", "had not returned yet")
        else:
            yield Row("end", f"{call.state} {result_words(call)}".rstrip())


def _operation(number: int, operation: DiskOperation) -> Row:
    text, note = short(operation.text), short(operation.note)
    if operation.fate == "kept":
        return Row("kept", text, number, _kept_label(text, is_synced=operation.synced), note)
    if operation.fate == "after":
        return Row("after", text, number, "not made", note)
    if operation.fate == "part":
        return Row("damaged", text, number, "cut", f"cut after {note}" if note else "")
    note = ", ".join(filter(None, (note, "synced" if operation.synced else "")))
    return Row("damaged", text, number, operation.fate, note)


def _kept_label(text: str, *, is_synced: bool) -> str:
    if text.endswith(": failed"):
        return "failed"
    if text.startswith(("fsync", "sync")):
        return "done"
    return "synced" if is_synced else "on disk"


def _call(cut: PowerCut, number: int) -> HistoryCall | None:
    return cut.calls[number] if 0 <= number < len(cut.calls) else None


def _call_text(cut: PowerCut, number: int) -> str:
    call = _call(cut, number)
    return short(call.text) if call else _OPENING if number < 0 else ""


def _heads(rows: Sequence[Row]) -> list[int | None]:
    """For each row the place of the call's row above it."""
    heads: list[int | None] = []
    head = None
    for at, row in enumerate(rows):
        head = at if row.kind == "call" else head
        heads.append(head)
    return heads


def _left_out(gap: Sequence[Row]) -> Row | None:
    operations = sum(row.is_operation for row in gap)
    if operations:
        return Row("left out", f"… {count(operations, 'operation')} left out")
    calls = sum(row.kind == "call" for row in gap)
    return Row("left out", f"… {count(calls, 'call')} left out") if calls else None


def _told_places(rows: Sequence[Row]) -> list[int]:
    """Which rows are told: both ends, what the power cut took, and what lies around it."""
    total = len(rows)
    if total <= ROWS_MAX:
        return list(range(total))
    damaged = [at for at, row in enumerate(rows) if row.kind == "damaged"][-_DAMAGED_MAX:]
    stops = [at for at, row in enumerate(rows) if row.kind in ("cut", "killed")]
    told = {*range(_ENDS), *range(total - _ENDS, total), *damaged, *stops}
    reach = (ROWS_MAX - len(told)) // (4 * max(len(stops), 1))
    for at in stops:  # what led to a power cut says more than what would have come next
        told.update(range(max(at - 3 * reach, 0), min(at + 1 + reach, total)))
    return sorted(told)
