"""Takes a segment or a snapshot apart into the blocks of a byte map, from its first byte on.

Invariants: nothing here raises, whatever the bytes. However long a file is, there is a bounded
number of blocks: of intact frames, entries and items in a row both ends are told, and what is left
out is counted. Not here: the formats (layout.py, scan.py) and the sentences (bytewords.py).
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from grader.report import bytewords
from grader.report.byteparts import SHOWN_BYTES_MAX, Block, BlockState, Damage, LeftOut, Row
from grader.report.fields import Field
from grader.report.layout import Part, explain_part
from grader.report.scan import (
    FRAME_HEADER_BYTES,
    SNAPSHOT_HEAD_BYTES,
    SNAPSHOT_MAGIC,
    Stretch,
    deadline_end,
    entry_end,
    item_end,
    number_at,
    stretches,
)

DAMAGES_MAX = 8
_COUNT_BYTES = _CHECKSUM_BYTES = 4
_THE_SNAPSHOT = "the snapshot"


class _Span(NamedTuple):
    """The part number `number`, from 1; or, from that number on, so many parts left out."""

    number: int
    offset: int
    end: int
    left_out: int = 0


class _Run:
    """Parts back to back, of which both ends are kept, and the one that matters."""

    def __init__(self, ends: int, start: int, matters: int) -> None:
        self.length = 0
        self.end = -1
        self._offset = -1
        self._ends = ends
        self._start = start
        self._matters = matters
        self._first: list[_Span] = []
        self._last: deque[_Span] = deque(maxlen=ends)

    def add(self, at: int, end: int) -> None:
        """Add the part from `at` to `end`."""
        self._offset = at if self.length == 0 else self._offset
        self.length += 1
        self.end = end
        if end > self._start:
            is_first = len(self._first) < self._ends or at <= self._matters < end
            (self._first if is_first else self._last).append(_Span(self.length, at, end))

    def told(self) -> Iterator[_Span]:
        """Return the parts that are kept, and what stands for those between them."""
        done = self._first[-1].number if self._first else 0
        last = [span for span in self._last if span.number > done]
        number, offset = 1, self._offset
        for span in [*self._first, *last, _Span(self.length + 1, self.end, self.end)]:
            if span.number > number:
                yield _Span(number, offset, span.offset, span.number - number)
            if span.number <= self.length:
                yield span
            number, offset = span.number + 1, span.end


@dataclass
class Walk:
    """One way through the file of `size` bytes that begins with `data`, and what was met on it.

    `ends` is how many parts are told at each end of a row of them; those that end at offset `start`
    or before are left out, and the one that holds the byte at `matters` is told. `counted` is how
    many whole parts there are, by their noun; `damage` is the first damage.
    """

    data: bytes
    size: int
    ends: int
    start: int = 0
    matters: int = -1
    parts: list[Block | LeftOut] = field(default_factory=list)
    counted: dict[str, int] = field(default_factory=dict)
    damage: Damage | None = None

    @property
    def is_whole(self) -> bool:
        """Whether all bytes of the file are at hand."""
        return len(self.data) >= self.size

    def segment(self) -> None:
        """Frames, and damage between them; of much damage only the beginning."""
        damages = 0
        run = self._run()
        for stretch in stretches(self.data):
            if stretch.is_intact:
                run.add(stretch.offset, stretch.end)
                continue
            self._tell(run, "intact frame", self._frame)
            run = self._run()
            damages += 1
            if damages > DAMAGES_MAX:
                words = bytewords.more_damage(self.size - stretch.offset)
                self.parts.append(LeftOut(words, stretch.offset))
                return
            if self._may_be_whole(stretch):
                self._leave_unread(stretch.offset)
                return
            self._damaged_frame(stretch)
        self._tell(run, "intact frame", self._frame)
        self._leave_unread(len(self.data))

    def snapshot(self) -> None:
        """The head, items, deadlines and checksum, up to the first damage."""
        at = self._head()
        if at >= 0:
            at = self._counted_parts("item", at, item_end)
        if at >= 0:
            is_whole = number_at(self.data, at) >= 0
            at = self._one("deadlines", at, at + _COUNT_BYTES, is_whole=is_whole)
        if at >= 0:
            at = self._counted_parts("deadline", at, deadline_end)
        if at >= 0:
            self._checksum(at)

    def entries(self) -> None:
        """Entries that no frame holds."""
        end = len(self.data)
        run = self._run()
        at = _add_entries(run, self.data, 0, end)
        self._tell(run, "entry", lambda span: self._part("entry", "entry", span.offset, span.end))
        if at < end:
            self._broken("entry", "entry", at)
        self._leave_unread(end)

    def _head(self) -> int:
        is_whole = self.data.startswith(SNAPSHOT_MAGIC) and len(self.data) >= SNAPSHOT_HEAD_BYTES
        return self._one("head", 0, SNAPSHOT_HEAD_BYTES, is_whole=is_whole)

    def _one(self, part: Part, at: int, end: int, *, is_whole: bool) -> int:
        """A part that stands once in a snapshot; returns where it ends, -1 at damage."""
        if not is_whole:
            self._broken(part, _THE_SNAPSHOT, at)
            return -1
        self._part(part, _THE_SNAPSHOT, at, end)
        return end

    def _counted_parts(
        self, part: Literal["item", "deadline"], at: int, end_of: Callable[[bytes, int], int]
    ) -> int:
        """As many parts as the count before `at` says; returns where they end, -1 at damage."""
        total = number_at(self.data, at - _COUNT_BYTES)
        run = self._run()
        while run.length < total and (end := end_of(self.data, at)) >= 0:
            run.add(at, end)
            at = end
        self._tell(run, part, lambda span: self._part(part, f"{part} {span.number}", *span[1:3]))
        if run.length < total:
            self._broken(part, f"{part} {run.length + 1}", at)
            return -1
        return at

    def _checksum(self, at: int) -> None:
        end = at + _CHECKSUM_BYTES
        right = zlib.crc32(memoryview(self.data)[:at]).to_bytes(_CHECKSUM_BYTES)
        if self.data[at:end] == right and end == self.size:
            self._part("check", _THE_SNAPSHOT, at, end, "intact")
        else:
            self._broken("check", _THE_SNAPSHOT, at)

    def _run(self) -> _Run:
        return _Run(self.ends, self.start, self.matters)

    def _tell(self, run: _Run, noun: str, tell_one: Callable[[_Span], None]) -> None:
        self.counted[noun] = self.counted.get(noun, 0) + run.length
        for span in run.told():
            if span.left_out:
                words = bytewords.left_out(span.left_out, noun, span.offset, span.end)
                self.parts.append(LeftOut(words, span.offset))
            else:
                tell_one(span)

    def _part(self, part: Part, owner: str, at: int, end: int, state: BlockState = "") -> None:
        title = bytewords.TITLES.get(part, owner)
        if end > self.start:
            rows = _rows(self.data, explain_part(part, self.data, at, end, owner))
            self._add(title, at, end, state, "", rows)
        else:
            self.parts.append(LeftOut(bytewords.left_out(1, title, at, end), at))

    def _broken(self, part: Part, owner: str, at: int) -> None:
        """A part that is cut short or wrong, with all that follows."""
        end = len(self.data)
        fields = explain_part(part, self.data, at, end, owner)
        wanted = fields[-1].end + fields[-1].missing
        if fields[-1].missing and not self.is_whole and wanted <= self.size:
            self._leave_unread(at)
            return
        rest = explain_part("rest", self.data, fields[-1].end, end, owner)
        self.damage = Damage(at)
        words = bytewords.part_fault(fields, rest)
        rows = _rows(self.data, fields + rest)
        self._add(bytewords.TITLES.get(part, owner), at, end, "damaged", words, rows)
        self._leave_unread(end)

    def _frame(self, span: _Span) -> None:
        rows = self._frame_rows(span.offset, span.end)
        self._add("frame", span.offset, span.end, "intact", "", rows)

    def _damaged_frame(self, stretch: Stretch) -> None:
        at, end, _ = stretch
        intact_at = end if end < len(self.data) else -1
        is_torn = self.damage is None and intact_at < 0 and self.is_whole
        self.damage = self.damage or Damage(at, intact_at)
        words = bytewords.frame_fault(self.data, at, end, intact_at)
        rows = self._frame_rows(at, end)
        self._add("frame", at, end, "torn" if is_torn else "damaged", words, rows)

    def _frame_rows(self, at: int, end: int) -> Iterator[Row]:
        """The rows of a frame, or of what stands in its place up to `end`."""
        data = self.data
        if not bytewords.begins_with_zeros(data, at, end):
            yield from _rows(data, explain_part("header", data, at, end))
            at = min(at + FRAME_HEADER_BYTES, end)
            payload_end = min(at + max(number_at(data, at - 4), 0), end)
            run = _Run(self.ends, 0, self.matters)
            broken_at = _add_entries(run, data, at, payload_end)
            for span in run.told():
                if span.left_out:
                    words = bytewords.left_out(span.left_out, "entry", span.offset, span.end)
                    yield Row("more", span.offset, words)
                else:
                    yield from _entry_rows(data, span.offset, span.end)
            if broken_at < payload_end:
                yield from _entry_rows(data, broken_at, payload_end)
            at = payload_end
        yield from _rows(data, explain_part("rest", data, at, end))

    def _may_be_whole(self, stretch: Stretch) -> bool:
        """Whether the bytes of a frame that is not intact are only not all at hand."""
        if self.is_whole or stretch.end < len(self.data):
            return False
        length = number_at(self.data, stretch.offset + 4)
        end = stretch.offset + FRAME_HEADER_BYTES + length
        return length < 0 or len(self.data) < end <= self.size

    def _leave_unread(self, at: int) -> None:
        if at < self.size and not self.is_whole:
            self.parts.append(LeftOut(bytewords.unread(self.size - at, at), at))

    def _add(
        self, title: str, at: int, end: int, state: BlockState, words: str, rows: Iterator[Row]
    ) -> None:
        self.parts.append(Block(title, at, end - at, state, words, tuple(rows)))


def _add_entries(run: _Run, data: bytes, at: int, end: int) -> int:
    """Add the whole entries that begin at `at`; returns where the last one ends."""
    while at < end and (after := entry_end(data, at, end)) >= 0:
        run.add(at, after)
        at = after
    return at


def _entry_rows(data: bytes, at: int, end: int) -> Iterator[Row]:
    fields = explain_part("entry", data, at, end)
    if fields[0].name == "magic":
        yield Row("head", at, "entry")
    yield from _rows(data, fields)
    if fields[-1].end < end:
        yield from _rows(data, explain_part("rest", data, fields[-1].end, end))


def _rows(data: bytes, fields: list[Field]) -> Iterator[Row]:
    for each in fields:
        shown = data[each.offset : each.offset + min(each.size, SHOWN_BYTES_MAX)]
        kind: Literal["field", "wrong"] = "wrong" if each.is_wrong else "field"
        yield Row(kind, each.offset, bytewords.meaning(each, shown), each.size, each.name, shown)
