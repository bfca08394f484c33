"""A race as a drawing: one lane a thread, time downwards, and a cut wherever the turn changes.

Only geometry, in pixels of an SVG whose text is in a fixed font: the template gives it a shape, and
says the same again as a list. What is told, and in which words, is decided by turns.py. Invariants:
no text is wider than its lane (a wide character counts as two), and the lanes never overlap.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import chop_cells

from grader.outcome import Interleaving, Wait
from grader.report import turns

FOLDER = "kvstore/"
CHAR = 7.9  # of the fixed font at 13 px; the widest of the usual ones needs 7.83
LINE = 20
_COLUMNS_OF_TWO = 44  # of text in a lane; with three lanes the page is still wide enough
_COLUMNS_OF_MORE = 34
_PAD = 14
_LANE_GAP = 14
_HEAD = 30
_CUT = 34  # between two turns
_BASELINE = 14  # of a line of text below its top


@dataclass(frozen=True)
class Line:
    """A line of text; `label` stands at `label_x` and may be empty."""

    kind: str
    x: float
    y: float
    text: str
    label: str = ""
    label_x: float = 0.0


@dataclass(frozen=True)
class Box:
    """What one thread does until another goes on."""

    x: float
    y: float
    width: float
    height: float
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Cut:
    """Where the turn changes: the words stand at `x`, below the thread that stops, and an arrow at
    `to` points to the one that goes on. Without `to`, moments are left out here.
    """

    y: float
    x: float
    words: str
    hurts: bool = False
    to: float | None = None


@dataclass(frozen=True)
class Still:
    """A thread that stands still within a call, from `top` to `bottom`."""

    x: float
    top: float
    bottom: float


@dataclass(frozen=True)
class TurnView:
    """The same turn for the list: who, what stands before it, and its rows."""

    name: str
    before: tuple[str, ...]
    rows: tuple[turns.Row, ...]


@dataclass(frozen=True)
class Fact:
    """One thing about a thread of a deadlock; all but `label` may be empty."""

    label: str
    text: str = ""
    place: str = ""
    source: str = ""


@dataclass(frozen=True)
class WaitView:
    """A thread of a deadlock: what it is in, holds and waits for."""

    name: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Timeline:
    """The whole drawing, and the sentences around it."""

    diagnosis: str
    hurt_place: str
    found: str
    hurts_means: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    waits: tuple[WaitView, ...]
    width: float
    height: float
    heads: tuple[Line, ...]
    boxes: tuple[Box, ...]
    cuts: tuple[Cut, ...]
    stills: tuple[Still, ...]
    turns: tuple[TurnView, ...]


def timeline(race: Interleaving) -> Timeline:
    """Draw a race."""
    names = turns.thread_names(race)
    drawing = _Drawing(names)
    told = turns.turns_of(race)
    for turn in told:
        drawing.add(turn)
    return Timeline(
        diagnosis=turns.diagnosis(race),
        hurt_place=turns.hurt_place(race),
        found=turns.found_words(race),
        hurts_means=turns.HURTS_MEANS if any(turn.hurts for turn in told) else "",
        before=tuple(turns.step_words(race.before)),
        after=tuple(turns.step_words(race.after)),
        waits=tuple(_wait(race, wait) for wait in turns.told_waits(race)),
        width=drawing.width,
        height=drawing.y + 1,
        heads=tuple(
            Line("head", drawing.left(n), _BASELINE + 2, name) for n, name in enumerate(names)
        ),
        boxes=tuple(drawing.boxes),
        cuts=tuple(drawing.cuts),
        stills=tuple(drawing.stills),
        turns=tuple(_turn(turn, names) for turn in told),
    )


class _Drawing:
    """Boxes put one below the other, each in the lane of its thread."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.columns = _COLUMNS_OF_TWO if len(names) <= 2 else _COLUMNS_OF_MORE
        self.lane = round(self.columns * CHAR + 2 * _PAD)
        self.width = len(names) * (self.lane + _LANE_GAP) - _LANE_GAP
        self.y = float(_HEAD)
        self.boxes: list[Box] = []
        self.cuts: list[Cut] = []
        self.stills: list[Still] = []

    def left(self, thread: int) -> float:
        """Where a lane begins."""
        return thread * (self.lane + _LANE_GAP)

    def add(self, turn: turns.Turn) -> None:
        """Put a turn below all others."""
        top, x = self.y, self.left(turn.thread)
        stops = self.boxes[-1].x if self.boxes else x
        if turn.left_out:
            self._cut(Cut(self.y, stops, turns.left_out_words(turn)))
        if turn.is_switch or turn.hurts:
            self._cut(Cut(self.y, stops, turns.switch_words(turn, self.names), turn.hurts, x))
        lines = tuple(self._lines(turn, x + _PAD, self.y + _PAD / 2))
        height = LINE * len(lines) + _PAD
        self.boxes.append(Box(x, self.y, self.lane, height, lines))
        self.y += height
        self.stills += [Still(self.left(n) + 1.5, top, self.y) for n in sorted(turn.inside)]

    def _cut(self, cut: Cut) -> None:
        self.cuts.append(cut)
        self.y += _CUT

    def _lines(self, turn: turns.Turn, x: float, y: float) -> Iterator[Line]:
        rows = list(turn.rows(full=False))
        indent = max((len(row.label) + 2 for row in rows if row.label), default=0)
        for row in rows:
            columns = indent if row.label or row.kind == "saw" else 0
            label = row.label
            for part in folded(row.text, self.columns - columns):
                yield Line(row.kind, x + columns * CHAR, y + _BASELINE, part, label, x)
                label = ""
                y += LINE


def folded(text: str, columns: int) -> Iterator[str]:
    """Lines of at most so many columns."""
    for line in textwrap.wrap(text, columns, break_on_hyphens=False) or [""]:
        yield from chop_cells(line, columns)


def _turn(turn: turns.Turn, names: Sequence[str]) -> TurnView:
    before = [turns.left_out_words(turn)] if turn.left_out else []
    before += [turns.switch_words(turn, names)] if turn.hurts else []
    return TurnView(names[turn.thread], tuple(before), tuple(turn.rows(full=True)))


def _wait(race: Interleaving, wait: Wait) -> WaitView:
    facts = [Fact("Is in", source=turns.short(wait.call))] if wait.call else []
    for held in turns.told_holds(wait):
        place, source = turns.place_words(held.place, _path), turns.short(held.place.source)
        facts.append(Fact("Holds", turns.short(held.what), place and f"taken at {place}", source))
    frame = wait.frames[-1] if wait.frames else None
    place = f"at {turns.place_words(frame, _path)}" if frame else ""
    source = turns.short(frame.source) if frame else ""
    facts.append(Fact("Waits for", turns.wait_words(race, wait), place, source))
    return WaitView(turns.waiting_name(race, wait), tuple(facts))


def _path(file: str) -> str:
    return FOLDER + file
