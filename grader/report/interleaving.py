"""A race in the terminal: one column a thread, in the order of time; and who waits for whom.

A solid bar marks the thread that runs, a dotted one a thread that stands still within a call. Where
the columns would be too narrow there is only one, and each row begins with its thread. Nothing is
said by colour alone. What is told, and in which words, is decided by turns.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from grader.outcome import Frame, Interleaving, Wait
from grader.report import turns
from grader.report.blocks import INDENT, Hanging, hanging, unwrapped

COLUMN_MIN = 32  # narrower than this, source lines are hard to read
_FULL_MIN = 36  # what a source line needs beside file and line; else the file gets its own row
_GAP = "  "
_LABEL_COLUMNS = 11
_STYLES = {
    "call": "bold",
    "file": "dim",
    "saw": "italic cyan",
    "wait": "yellow",
    "return": "green",
    "raise": "red",
}


def interleaving_parts(
    race: Interleaving, path_of: Callable[[str], str] = str
) -> Iterator[RenderableType]:
    """Tell how the threads came to fail; `path_of` gives what the student calls a file."""
    yield Text()
    yield Text(turns.diagnosis(race), "bold")
    if race.latent:
        yield Text(turns.LATENT_MEANS, "yellow")
    if race.waits:
        yield Text()
        yield Text("Who waits for whom", "bold")
        for wait in turns.told_waits(race):
            yield from _wait(race, wait, path_of)
    yield Text()
    yield Text(turns.found_words(race))
    yield from _steps("Before", turns.step_words(race.before))
    yield from _lanes(race)
    yield from _steps("After", turns.step_words(race.after))


def _steps(label: str, steps: list[str]) -> Iterator[RenderableType]:
    if steps:
        yield Text()
    for step in steps:
        yield hanging(f"{INDENT}{label:<8}", step, label_style="dim")
        label = ""


def _lanes(race: Interleaving) -> Iterator[RenderableType]:
    if not race.moments:
        return
    yield Text()
    yield Lanes(race)
    if any(moment.hurts for moment in race.moments):
        yield Text()
        yield hanging(INDENT, turns.HURTS_MEANS, style="dim")


def _wait(
    race: Interleaving, wait: Wait, path_of: Callable[[str], str]
) -> Iterator[RenderableType]:
    """One thread of a deadlock: what it holds, and what it waits for."""
    yield Text(f"{INDENT}{turns.waiting_name(race, wait)}", "bold")
    if wait.call:
        yield _fact("is in", turns.short(wait.call))
    for held in turns.told_holds(wait):
        yield _fact("holds", turns.short(held.what))
        yield from _place("taken at ", held.place, path_of)
    yield _fact("waits for", turns.wait_words(race, wait), "red")
    for frame in wait.frames[-1:]:
        yield from _place("at ", frame, path_of)


def _fact(label: str, text: str, style: str = "") -> RenderableType:
    return hanging(f"{INDENT * 2}{label:<{_LABEL_COLUMNS}}", text, label_style="dim", style=style)


def _place(words: str, frame: Frame, path_of: Callable[[str], str]) -> Iterator[RenderableType]:
    indent = INDENT * 2 + " " * _LABEL_COLUMNS
    if place := turns.place_words(frame, path_of):
        yield hanging(indent, words + place, style="dim")
        yield hanging(indent + INDENT, turns.short(frame.source), style="bold")


@dataclass(frozen=True)
class Lanes:
    """The moments of a race, side by side."""

    race: Interleaving

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        drawing = _Drawing(self.race, console, options.max_width, is_ascii=options.ascii_only)
        return map(unwrapped, drawing.lines())


@dataclass
class _Drawing:
    """Lines of text at a width in columns; `is_ascii` where a terminal knows no other signs."""

    race: Interleaving
    console: Console
    columns: int
    is_ascii: bool

    @cached_property
    def names(self) -> tuple[str, ...]:
        return turns.thread_names(self.race)

    @cached_property
    def told(self) -> list[turns.Turn]:
        return turns.turns_of(self.race)

    @cached_property
    def is_wide(self) -> bool:
        """Whether every thread gets a column."""
        return self._share >= COLUMN_MIN

    @cached_property
    def room(self) -> int:
        """The columns of one row's text."""
        return self._share if self.is_wide else self.columns - len(INDENT) - self._name_columns - 3

    @property
    def _name_columns(self) -> int:
        return min(max(map(cell_len, self.names)), self.columns // 4)

    @property
    def _share(self) -> int:
        lanes = len(self.names)
        free = self.columns - len(INDENT) - len(_GAP) * (lanes - 1)
        return free // lanes - 2  # a bar and a space

    @cached_property
    def is_full(self) -> bool:
        """Whether file and line fit beside the source."""
        return self.room - self._label_columns(full=True) >= _FULL_MIN

    def _label_columns(self, *, full: bool) -> int:
        rows = [row for turn in self.told for row in turn.rows(full=full)]
        return max((len(row.label) + 2 for row in rows if row.label), default=0)

    def lines(self) -> Iterator[Text]:
        if self.is_wide:
            heads = (set_cell_size(name, self.room + 2) for name in self.names)
            yield Text(f"{INDENT}{_GAP.join(heads)}".rstrip(), "bold")
        label_columns = self._label_columns(full=self.is_full)
        for turn in self.told:
            if turn.left_out:
                yield Text(f"{INDENT}{turns.left_out_words(turn)}", "dim")
            if turn.is_switch or turn.hurts:
                yield self._rule(turn)
            name = self.names[turn.thread]
            for row in turn.rows(full=self.is_full):
                for line in self._hung(row, label_columns).lines(self.console, self.room):
                    yield self._placed(turn, line) if self.is_wide else self._labelled(name, line)
                    name = ""

    def _rule(self, turn: turns.Turn) -> Text:
        """The line between two turns; its words stand where the next thread goes on."""
        dash = ("=" if turn.hurts else "-") if self.is_ascii else ("━" if turn.hurts else "─")
        before = turn.thread * (self.room + 2 + len(_GAP)) if self.is_wide else 0
        words = turns.switch_words(turn, self.names)
        start = f"{dash * (before - 1)} {words} " if before else f"{words} "
        rest = dash * max(self.columns - len(INDENT) - cell_len(start), 0)
        return Text(f"{INDENT}{start}{rest}", "bold red" if turn.hurts else "dim")

    def _labelled(self, name: str, line: Text) -> Text:
        """A line behind its thread's name, which begins a turn."""
        bar = "|" if self.is_ascii else "│"
        label = set_cell_size(name, self._name_columns)
        return Text.assemble(INDENT, (label, "bold"), f" {bar} ", line)

    def _placed(self, turn: turns.Turn, line: Text) -> Text:
        """A line of the running thread in its column, between those that stand still."""
        solid, dotted = ("|", ":") if self.is_ascii else ("│", "┊")
        cells = []
        for thread in range(len(self.names)):
            if thread == turn.thread:
                line.set_length(self.room)
                cells.append(Text.assemble(f"{solid} ", line))
            else:
                bar = dotted if thread in turn.inside else " "
                cells.append(Text(f"{bar} ".ljust(self.room + 2), "dim"))
        placed = Text.assemble(INDENT, Text(_GAP).join(cells))
        placed.rstrip()
        return placed

    def _hung(self, row: turns.Row, columns: int) -> Hanging:
        """A row's text beside its label; what a line saw stands below its source."""
        side = "<" if self.is_full else ">"
        label = f"{row.label:{side}{columns - 2}}  " if row.label or row.kind == "saw" else ""
        return Hanging(Text(label, "dim"), Text(row.text, _STYLES.get(row.kind, "")))
