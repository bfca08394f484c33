"""How two runs of bytes differ: in sentences, and as the lines of a hex dump without any colour.

Offsets are decimal, as in the sentences and in the course's errors. A line is a run of `Segment`s;
who draws them (hexdump.py in a terminal, html/ on a page) gives each role its look. What the bytes
mean comes from layout.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from grader.report.fields import Field, field_at, reading
from grader.report.layout import explain
from grader.report.words import count

ROWS_MAX = 16
WIDE_ROW_BYTES, NARROW_ROW_BYTES = 16, 8
_ROWS_BEFORE, _ROWS_AFTER = 1, 2
_INTEGER_SIZES = (4, 8)
_LABEL_COLUMNS = 4

Role = Literal["", "label", "want", "got", "caret", "remark"]


class Segment(NamedTuple):
    """Characters of one look: bytes that differ are `want` or `got`, as their line is."""

    text: str
    role: Role = ""


Line = tuple[Segment, ...]


def differences(expected: bytes, actual: bytes) -> list[str]:
    """Say how two runs of bytes differ: in length, where first, in which field, by what mistake."""
    if expected == actual:
        return [f"both are the same {count(len(expected), 'byte')}"]
    sentences = []
    if len(expected) != len(actual):
        sentences.append(f"expected {count(len(expected), 'byte')}, got {len(actual):,}")
    at = first_difference(expected, actual)
    fields = explain(expected)
    sentences.append(f"first difference {_place(expected, actual, at, fields)}")
    surplus = _only_surplus(expected, actual, at)
    if surplus:
        many = "too many" if surplus > 0 else "missing"
        sentences.append(f"{count(abs(surplus), 'byte')} {many} there; all else is as expected")
    elif field := field_at(fields, at):
        sentences.extend(_about_field(expected, actual, field, fields))
    return sentences


def first_difference(expected: bytes, actual: bytes) -> int:
    """Return the offset of the first byte that differs; of which one may have no byte left."""
    return next(_differing(expected, actual), min(len(expected), len(actual)))


def dump_columns(expected: bytes, actual: bytes, row_bytes: int) -> int:
    """Return how many columns a full line of `dump_lines` takes."""
    return _Dump(expected, actual, row_bytes).width


def dump_lines(expected: bytes, actual: bytes, row_bytes: int) -> Iterator[Line]:
    """Draw the rows around the first difference; of equal runs, the first rows."""
    return _Dump(expected, actual, row_bytes).lines()


def _differing(expected: bytes, actual: bytes) -> Iterator[int]:
    return (offset for offset, (a, b) in enumerate(zip(expected, actual, strict=False)) if a != b)


def _place(expected: bytes, actual: bytes, at: int, fields: list[Field]) -> str:
    field = field_at(fields, at)
    owner = f", in {field.name} of {field.owner}" if field else ""
    return f"at byte {at}{owner}: expected {_byte(expected, at)}, got {_byte(actual, at)}"


def _byte(data: bytes, at: int) -> str:
    return f"{data[at]:02x}" if at < len(data) else "no byte"


def _only_surplus(expected: bytes, actual: bytes, at: int) -> int:
    """Return how many bytes were put in at `at` (taken out: below zero) if that is all, else 0."""
    surplus = len(actual) - len(expected)
    same = actual[at + max(surplus, 0) :] == expected[at + max(-surplus, 0) :]
    return surplus if same else 0


def _about_field(
    expected: bytes, actual: bytes, field: Field, fields: list[Field]
) -> Iterator[str]:
    end = field.offset + field.size
    wanted, there = expected[field.offset : end], actual[field.offset : end]
    if there == wanted[::-1] and field.size in _INTEGER_SIZES:
        yield f"{field.name} has its bytes in reverse order: all integers are big-endian"
    elif field.name == "crc32":
        yield from _about_checksum(expected, actual, end, fields)
    elif len(there) == len(wanted):
        means, says = reading(field.name, wanted), reading(field.name, there)
        yield f"{field.name} should be {means}, but these bytes say {says}"


def _about_checksum(expected: bytes, actual: bytes, end: int, fields: list[Field]) -> Iterator[str]:
    # A checksum comes before what it covers, so it is often the symptom and not the mistake.
    later = first_difference(expected[end:], actual[end:]) + end
    if later >= max(len(expected), len(actual)):
        yield "all other bytes are as expected: only the checksum is wrong"
        return
    yield f"after the checksum, more differs {_place(expected, actual, later, fields)}"
    if field := field_at(fields, later):
        yield from _about_field(expected, actual, field, fields)


@dataclass(frozen=True)
class _Dump:
    """Both runs of bytes, `row_bytes` to a line."""

    expected: bytes
    actual: bytes
    row_bytes: int

    @property
    def width(self) -> int:
        """The columns of a full line."""
        return self._hex_at + _column(self.row_bytes) + 1 + self.row_bytes

    def lines(self) -> Iterator[Line]:
        """The rows of the window, and a remark for what is left out before and after it."""
        first, last = self._window()
        starts = range(
            first * self.row_bytes, min(last * self.row_bytes, self._size), self.row_bytes
        )
        if starts.start:
            yield self._remark(f"{count(starts.start, 'byte')} before, the same in both")
        for start in starts:
            yield from self._row(start)
        left = self._size - last * self.row_bytes
        if left > 0:
            yield self._remark(f"{left:,} more {'byte' if left == 1 else 'bytes'}")

    @property
    def _size(self) -> int:
        return max(len(self.expected), len(self.actual))

    @property
    def _offset_columns(self) -> int:
        return max(4, len(str(self._size)))

    @property
    def _hex_at(self) -> int:
        """The column of the first byte."""
        return _LABEL_COLUMNS + 1 + self._offset_columns + 2

    def _window(self) -> tuple[int, int]:
        if self.expected == self.actual:
            return 0, ROWS_MAX
        at = first_difference(self.expected, self.actual) // self.row_bytes
        return max(0, at - _ROWS_BEFORE), at + _ROWS_AFTER + 1

    def _row(self, start: int) -> Iterator[Line]:
        wanted = self.expected[start : start + self.row_bytes]
        got = self.actual[start : start + self.row_bytes]
        if wanted == got:
            yield self._line("", start, wanted, (), 0)
            return
        filled = max(len(wanted), len(got))
        differing = [*_differing(wanted, got), *range(min(len(wanted), len(got)), filled)]
        yield self._line("want", start, wanted, differing, filled)
        yield self._line("got", start, got, differing, filled)
        if start <= first_difference(self.expected, self.actual) < start + self.row_bytes:
            column = self._hex_at + _column(differing[0])
            yield (Segment(" " * column), Segment("^^", "caret"))

    def _line(
        self, label: Role, start: int, data: bytes, marked: Collection[int], filled: int
    ) -> Line:
        """One line; bytes in `marked` stand out, `--` stands for absent ones up to `filled`."""
        head = Segment(f"{label:<{_LABEL_COLUMNS}}", "label")
        segments = [head, Segment(f" {start:>{self._offset_columns}}  ")]
        at = 0
        for column in range(max(len(data), filled)):
            segments.append(Segment(" " * (_column(column) - at)))
            cell = f"{data[column]:02x}" if column < len(data) else "--"
            segments.append(Segment(cell, label if column in marked else ""))
            at = _column(column) + len(cell)
        segments.append(Segment(" " * (_column(self.row_bytes) + 1 - at)))
        for column, byte in enumerate(data):
            shown = chr(byte) if 0x20 <= byte < 0x7F else "."
            segments.append(Segment(shown, label if column in marked else ""))
        return tuple(segments)

    def _remark(self, words: str) -> Line:
        """A line that stands for bytes left out."""
        return (Segment(" " * self._hex_at), Segment(f"… {words}", "remark"))


def _column(byte: int) -> int:
    """The column of a byte, from the first one's: there is a gap after the eighth."""
    return 3 * byte + (1 if byte >= NARROW_ROW_BYTES else 0)
