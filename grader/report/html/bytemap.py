"""A byte map as a drawing: a box a frame, a cell a field, in the order of the file.

Only geometry, in pixels of an SVG whose text is in a fixed font: the template gives it a shape.
What is told, and in which words, is decided by report/bytemap.py. Invariants: no text is wider than
its cell (a wide character counts as two), cells do not overlap, and the shapes come in the order in
which they are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from rich.cells import cell_len

from grader.report.bytemap import ByteMap
from grader.report.byteparts import Block, LeftOut, Row, Stop
from grader.report.bytewords import BLOCK_STATES, KINDS, STATES
from grader.report.html.timeline import folded
from grader.report.words import count, plain

WIDTH = 760
CHAR = 7.3  # of the fixed font at 12 px; the widest of the usual ones needs 7.23
LINE = 16
_PAD = 12
_CELL_PAD = 7
_GAP = 5
_BASELINE = 12  # of a line of text below its top
_RULE = 30
_COLUMNS = int((WIDTH - 2 * _PAD) / CHAR)
_CELL_COLUMNS = 26


@dataclass(frozen=True)
class Label:
    """A line of text, its base line at `y`."""

    kind: str
    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Shape:
    """A box behind a block, the cell of a field, a line of words, or a rule where replay ended.

    `kind` says how bad a box or a cell is. A rule has its words in `lines`; so have the others.
    """

    shape: Literal["box", "cell", "words", "rule"]
    x: float
    y: float
    width: float
    height: float
    kind: str
    lines: tuple[Label, ...]


@dataclass(frozen=True)
class Drawing:
    """A byte map with its sentences; without `shapes` there is nothing to draw."""

    name: str
    facts: str
    state: str
    state_words: str
    verdict: tuple[str, ...]
    description: str
    width: float
    height: float
    shapes: tuple[Shape, ...]


def drawing(it: ByteMap) -> Drawing:
    """Draw a byte map."""
    pen = _Pen()
    for part in it.parts:
        if isinstance(part, Stop):
            pen.rule(part.text)
        elif isinstance(part, LeftOut):
            pen.words("more", part.text, _PAD)
            pen.y += _GAP
        else:
            pen.block(part)
    facts = [KINDS[it.kind], count(it.size, "byte"), it.holds]
    return Drawing(
        name=plain(it.name),
        facts=" · ".join(filter(None, facts)),
        state=it.state,
        state_words=STATES[it.state],
        verdict=it.verdict,
        description=" ".join(_summary(it)),
        width=WIDTH,
        height=pen.y,
        shapes=tuple(pen.shapes),
    )


def _summary(it: ByteMap) -> Iterator[str]:
    """What the drawing shows, for somebody who does not see it."""
    yield from it.verdict
    for part in it.parts:
        if isinstance(part, Stop):
            yield f"{part.text[0].upper()}{part.text[1:]}."
        elif isinstance(part, Block) and part.words:
            yield part.words


class _Pen:
    """Puts one thing below the other."""

    def __init__(self) -> None:
        self.y = 0.0
        self.shapes: list[Shape] = []

    def block(self, block: Block) -> None:
        """A box, its title, what is wrong with it, and its fields."""
        top, place = self.y, len(self.shapes)
        self.y += _PAD / 2
        facts = [f"{block.title} at {block.offset}", count(block.size, "byte")]
        state = BLOCK_STATES[block.state]
        self.words("title", " · ".join(filter(None, [*facts, state])), _PAD)
        if block.words:
            self.words("fault", block.words, _PAD)
        self.y += _GAP
        for is_field, rows in groupby(block.rows, lambda row: bool(row.name)):
            if is_field:
                self._cells(list(rows))
            else:
                for row in rows:
                    self._between(row)
        self.y += _PAD / 2
        kind = block.state or "part"
        self.shapes.insert(place, Shape("box", 0, top, WIDTH, self.y - top, kind, ()))
        self.y += _GAP

    def words(self, kind: str, text: str, x: float) -> None:
        """Text across the drawing."""
        top = self.y
        lines = tuple(self._lines(kind, folded(plain(text), _COLUMNS), x))
        self.shapes.append(Shape("words", x, top, WIDTH - 2 * x, self.y - top, kind, lines))

    def rule(self, words: str) -> None:
        """Where replay ended."""
        label = Label("stop", 26, self.y + _RULE / 2 + 4, words)
        self.shapes.append(Shape("rule", 0, self.y + _RULE / 2, WIDTH, 0, "stop", (label,)))
        self.y += _RULE

    def _between(self, row: Row) -> None:
        if row.kind == "stop":
            self.rule(row.text)
        else:
            text = f"{row.text} at {row.offset}" if row.kind == "head" else row.text
            self.words(row.kind, text, _PAD)

    def _cells(self, rows: Sequence[Row]) -> None:
        """Fields side by side, as many as there is room for."""
        x = float(_PAD)
        line: list[tuple[float, float, Row, list[tuple[str, str]]]] = []
        for row in rows:
            texts = _texts(row)
            width = round(max(cell_len(text) for _, text in texts) * CHAR + 2 * _CELL_PAD)
            if line and x + width > WIDTH - _PAD:
                self._line_of_cells(line)
                x, line = float(_PAD), []
            line.append((x, width, row, texts))
            x += width + _GAP
        self._line_of_cells(line)

    def _line_of_cells(
        self, line: Sequence[tuple[float, float, Row, list[tuple[str, str]]]]
    ) -> None:
        height = LINE * max(len(texts) for *_, texts in line) + _CELL_PAD
        top = self.y
        for x, width, row, texts in line:
            lines = tuple(
                Label(kind, x + _CELL_PAD, top + _CELL_PAD / 2 + n * LINE + _BASELINE, text)
                for n, (kind, text) in enumerate(texts)
            )
            self.shapes.append(Shape("cell", x, top, width, height, row.kind, lines))
        self.y = top + height + _GAP

    def _lines(self, kind: str, texts: Iterable[str], x: float) -> Iterator[Label]:
        for text in texts:
            yield Label(kind, x, self.y + _BASELINE, text)
            self.y += LINE


def _texts(row: Row) -> list[tuple[str, str]]:
    """The lines of a cell: where, which field, its bytes and what they mean."""
    more = " …" if row.size > len(row.shown) else ""
    there = f"{row.shown.hex(' ')}{more}"
    texts = [("at", f"{row.offset} {row.offset:#x}"), ("name", row.name)]
    texts += [("hex", there)] if there else []
    return texts + [("meaning", line) for line in folded(plain(row.text), _CELL_COLUMNS)]
