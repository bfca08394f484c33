"""Bytes as a hex dump, and two runs of bytes side by side, their first difference marked and named.

    want    0  4b 56 4c 47 01 00 00 00  00 00 00 00 05 00 00 00  KVLG............
    got     0  4b 56 4c 47 01 00 00 00  00 00 00 00 05 03 00 00  KVLG............
                                                       ^^

Offsets are decimal, as in the sentences and in the course's errors. Everything can be read without
colour; a narrow terminal gets 8 bytes a row. What the bytes mean comes from layout.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from grader.report.layout import Field, explain, field_at, reading
from grader.report.words import count

ROWS_MAX = 16
_ROWS_BEFORE, _ROWS_AFTER = 1, 2
_INTEGER_SIZES = (4, 8)
_WIDE_ROW_BYTES, _NARROW_ROW_BYTES = 16, 8
_SHARED, _WANTED, _GOT = "", "want", "got"
_STYLES = {_SHARED: "dim", _WANTED: "bold green", _GOT: "bold red"}


def compare(expected: bytes, actual: bytes) -> RenderableType:
    """Draw both around their first difference, under sentences that say where and what it is."""
    sentences = [Text(sentence) for sentence in differences(expected, actual)]
    if expected == actual:
        return Group(*sentences)
    return Group(*sentences, Text(), _SideBySide(expected, actual))


def dump(data: bytes) -> RenderableType:
    """Draw one run of bytes, its first rows if it is long."""
    return _SideBySide(data, data)


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
class _SideBySide:
    """The rows around the first difference; of equal runs, the first rows."""

    expected: bytes
    actual: bytes

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        wide = _Row(_WIDE_ROW_BYTES, self._offset_width)
        yield from self._lines(wide if wide.width <= options.max_width else wide.narrow())

    @property
    def _size(self) -> int:
        return max(len(self.expected), len(self.actual))

    @property
    def _offset_width(self) -> int:
        return max(4, len(str(self._size)))

    def _lines(self, row: _Row) -> Iterator[Text]:
        first, last = self._window(row.size)
        starts = range(first * row.size, min(last * row.size, self._size), row.size)
        if starts.start:
            yield row.remark(f"{count(starts.start, 'byte')} before, the same in both")
        for start in starts:
            yield from self._row(row, start)
        left = self._size - last * row.size
        if left > 0:
            yield row.remark(f"{left:,} more {'byte' if left == 1 else 'bytes'}")

    def _window(self, size: int) -> tuple[int, int]:
        if self.expected == self.actual:
            return 0, ROWS_MAX
        at = first_difference(self.expected, self.actual) // size
        return max(0, at - _ROWS_BEFORE), at + _ROWS_AFTER + 1

    def _row(self, row: _Row, start: int) -> Iterator[Text]:
        wanted = self.expected[start : start + row.size]
        got = self.actual[start : start + row.size]
        if wanted == got:
            yield row.line(_SHARED, start, wanted, ())
            return
        differing = [
            *_differing(wanted, got),
            *range(min(len(wanted), len(got)), max(len(wanted), len(got))),
        ]
        filled = max(len(wanted), len(got))
        yield row.line(_WANTED, start, wanted, differing, filled)
        yield row.line(_GOT, start, got, differing, filled)
        if start <= first_difference(self.expected, self.actual) < start + row.size:
            yield row.caret(differing[0])


@dataclass(frozen=True)
class _Row:
    """How one line is laid out: `size` bytes a line, and the columns that an offset takes."""

    size: int
    offset_width: int

    @property
    def hex_at(self) -> int:
        """The column of the first byte."""
        return 4 + 1 + self.offset_width + 2

    @property
    def width(self) -> int:
        """The columns of a full line."""
        return self.hex_at + self._column(self.size) + 1 + self.size

    def narrow(self) -> _Row:
        """The same with fewer bytes a line."""
        return _Row(_NARROW_ROW_BYTES, self.offset_width)

    def line(
        self, label: str, start: int, data: bytes, marked: Iterable[int], filled: int = 0
    ) -> Text:
        """One line; bytes in `marked` get a colour, `--` stands for absent ones up to `filled`."""
        style = _STYLES[label]
        text = Text(f"{label:<4} {start:>{self.offset_width}}  ", no_wrap=True, overflow="ignore")
        text.stylize("dim" if label == _SHARED else "bold", 0, 4)
        cells = Text()
        for column in range(max(len(data), filled)):
            cells.append(" " * (self._column(column) - len(cells)))
            cell = f"{data[column]:02x}" if column < len(data) else "--"
            cells.append(cell, style if column in marked else "")
        cells.append(" " * (self._column(self.size) + 1 - len(cells)))
        for column, byte in enumerate(data):
            shown = chr(byte) if 0x20 <= byte < 0x7F else "."
            cells.append(shown, style if column in marked else "")
        cells.rstrip()
        return text.append_text(cells)

    def caret(self, column: int) -> Text:
        """The line that points at one byte of the line above."""
        return self._note(" " * (self.hex_at + self._column(column)) + "^^", "bold")

    def remark(self, words: str) -> Text:
        """A line that stands for bytes left out."""
        return self._note(" " * self.hex_at + f"… {words}", "dim")

    def _note(self, words: str, style: str) -> Text:
        return Text(words, style, no_wrap=True, overflow="ignore")

    def _column(self, column: int) -> int:
        return 3 * column + (1 if column >= _NARROW_ROW_BYTES else 0)
