"""A byte map in the terminal: a line a field, with offset, bytes and meaning.

    frame at 46 · 46 bytes · TORN TAIL
      The frame at 46 should have 46 bytes, 12 are there.
    ━━━ replay stopped here, at 46 (0x2e) ━━━━━━━━━━━━━━━━━━━━
      46  0x2e  crc32        8f 1c 22 ab              8f1c22ab, of bytes that are not all there

Nothing is said by colour alone; in a narrow terminal the bytes stand below the meaning. What is
told, and in which words, is decided by bytemap.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from grader.report.blocks import INDENT, Hanging, Rule, hanging, joined
from grader.report.bytemap import ByteMap
from grader.report.byteparts import SHOWN_BYTES_MAX, Block, LeftOut, Row, Stop
from grader.report.bytewords import BLOCK_STATES, KINDS, STATES
from grader.report.words import count, plain

_MEANING_COLUMNS = 24  # less is not worth a column of its own
_HEX_COLUMNS = 3 * SHOWN_BYTES_MAX - 1 + len(" …") + 2
_STATE_STYLES = {
    "intact": "green",
    "torn": "bold yellow",
    "damaged": "bold red",
    "corrupt": "bold red",
}


def byte_map_table(it: ByteMap) -> _Table:
    """Draw a byte map, its name, size and verdict first."""
    return _Table(it)


@dataclass(frozen=True)
class _Table:
    it: ByteMap

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = _columns(self.it, options.max_width)
        yield from _heading(self.it)
        for part in self.it.parts:
            if isinstance(part, Stop):
                yield Rule(part.text, "bold red")
            elif isinstance(part, LeftOut):
                yield hanging(INDENT, part.text, style="dim")
            else:
                yield from _block(part, columns)


@dataclass(frozen=True)
class _Columns:
    """How wide the columns of a row are, `page` being the width of all."""

    offset: int
    hex_offset: int
    name: int
    page: int

    def rows(self, row: Row) -> Iterator[Hanging | Text]:
        """A field on one line; on two where its meaning finds no room beside its bytes."""
        style = "bold red" if row.kind == "wrong" else ""
        at = f"{INDENT * 2}{row.offset:>{self.offset}}  {f'{row.offset:#x}':>{self.hex_offset}}  "
        label = Text(at, "dim").append(f"{row.name:<{self.name}}  ", "bold not dim")
        indent = " " * label.cell_len
        there, meaning = _hex(row), plain(row.text)
        if self.page - label.cell_len - _HEX_COLUMNS >= _MEANING_COLUMNS:
            label.append(f"{there:<{_HEX_COLUMNS}}", "not dim")
            yield Hanging(label, Text(meaning, style))
        elif not there:
            yield Hanging(label, Text(meaning, style))
        elif label.cell_len + len(there) + 2 + cell_len(meaning) <= self.page:
            yield label.append(f"{there}  ", "not dim").append(meaning, style)
        else:
            yield label.append(there, "not dim")
            yield Hanging(Text(indent), Text(meaning, style))


def _columns(it: ByteMap, page: int) -> _Columns:
    rows = [row for part in it.parts if isinstance(part, Block) for row in part.rows]
    last = max((row.offset for row in rows), default=0)
    name = max((len(row.name) for row in rows), default=0)
    return _Columns(max(len(str(last)), 2), len(f"{last:#x}"), name, page)


def _heading(it: ByteMap) -> Iterator[Hanging | Text]:
    facts = joined((KINDS[it.kind], count(it.size, "byte"), it.holds))
    title = Text(plain(it.name), "bold").append(f"  {facts}", "not bold")
    if state := STATES[it.state]:
        title.append(" · ").append(state, _STATE_STYLES.get(it.state, ""))
    yield title
    for sentence in it.verdict:
        yield hanging(INDENT, sentence)


def _block(block: Block, columns: _Columns) -> Iterator[Hanging | Text | Rule]:
    yield Text()
    title = Text(f"{INDENT}{plain(block.title)}", "bold")
    title.append(f" at {block.offset} · {count(block.size, 'byte')}", "not bold")
    if state := BLOCK_STATES[block.state]:
        title.append(" · ").append(state, _STATE_STYLES[block.state])
    yield title
    if block.words:
        yield hanging(INDENT * 2, block.words)
    for row in block.rows:
        if row.kind == "stop":
            yield Rule(row.text, "bold red")
        elif row.kind == "more":
            yield hanging(INDENT * 2, row.text, style="dim")
        elif row.kind == "head":
            yield Text(f"{INDENT * 2}{row.text} at {row.offset}")
        else:
            yield from columns.rows(row)


def _hex(row: Row) -> str:
    more = " …" if row.size > len(row.shown) else ""
    return f"{row.shown.hex(' ')}{more}"
