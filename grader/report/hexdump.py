"""Bytes as a hex dump in a terminal, and two runs of bytes with their first difference marked.

    want    0  4b 56 4c 47 01 00 00 00  00 00 00 00 05 00 00 00  KVLG............
    got     0  4b 56 4c 47 01 00 00 00  00 00 00 00 05 03 00 00  KVLG............
                                                       ^^

Everything can be read without colour; a narrow terminal gets 8 bytes a row. What differs, and which
rows are worth a look, comes from bytediff.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from grader.report.bytediff import (
    NARROW_ROW_BYTES,
    WIDE_ROW_BYTES,
    Line,
    Role,
    differences,
    dump_columns,
    dump_lines,
)

_STYLES: dict[Role, str] = {
    "": "",
    "label": "bold",
    "want": "bold green",
    "got": "bold red",
    "caret": "bold",
    "remark": "dim",
}


def compare(expected: bytes, actual: bytes) -> RenderableType:
    """Draw both around their first difference, under sentences that say where and what it is."""
    sentences = [Text(sentence) for sentence in differences(expected, actual)]
    if expected == actual:
        return Group(*sentences)
    return Group(*sentences, Text(), _SideBySide(expected, actual))


def dump(data: bytes) -> RenderableType:
    """Draw one run of bytes, its first rows if it is long."""
    return _SideBySide(data, data)


@dataclass(frozen=True)
class _SideBySide:
    """The lines of both, as many bytes to a line as the terminal is wide enough for."""

    expected: bytes
    actual: bytes

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        is_wide = dump_columns(self.expected, self.actual, WIDE_ROW_BYTES) <= options.max_width
        row_bytes = WIDE_ROW_BYTES if is_wide else NARROW_ROW_BYTES
        for line in dump_lines(self.expected, self.actual, row_bytes):
            yield _drawn(line)


def _drawn(line: Line) -> Text:
    text = Text(no_wrap=True, overflow="ignore")
    for segment in line:
        text.append(segment.text, _STYLES[segment.role])
    text.rstrip()
    return text
