"""The pieces that pages are built from: headings, text that hangs under its label, commands.

Every piece reads well without colour and fits any width, except a command, which is one line so
that it can be copied whole: print pages with `crop=False` (console.py does).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.text import Text

from grader.report.words import plain

INDENT = "  "
SEPARATOR = " · "


@dataclass(frozen=True)
class Hanging:
    """Text that is wrapped beside its label, its further lines indented as far as the first."""

    label: Text
    body: Text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        return map(unwrapped, self.lines(console, options.max_width))

    def lines(self, console: Console, width: int) -> Iterator[Text]:
        """The lines at a width in columns."""
        indent = self.label.cell_len
        body = self.body.wrap(console, max(width - indent, 20), overflow="fold") or [Text()]
        for number, line in enumerate(body):
            start = self.label if number == 0 else Text(" " * indent)
            whole = Text.assemble(start, line)
            whole.rstrip()
            yield whole


@dataclass(frozen=True)
class Heading:
    """A line across the page: `title` at its left, `remark` at its right if there is room."""

    title: str
    remark: str = ""
    style: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        dash = "-" if options.ascii_only else "─"
        line = Text(f"{dash * 2} ", "dim").append(self.title, f"bold not dim {self.style}")
        remark = f" {self.remark}" if self.remark else ""
        free = options.max_width - line.cell_len - 1 - len(remark)
        if free < 2:
            remark, free = "", max(options.max_width - line.cell_len - 1, 0)
        yield unwrapped(line.append(f" {dash * free}{remark}"))


@dataclass(frozen=True)
class Rule:
    """A heavy line across the page with words in it, which are never cut."""

    words: str
    style: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        dash = "=" if options.ascii_only else "━"
        start = f"{INDENT}{dash * 3} {self.words} "
        free = options.max_width - cell_len(start)
        yield Text(f"{start}{dash * max(free, 0)}".rstrip(), self.style)


@dataclass(frozen=True)
class Indented:
    """Anything, a little further right."""

    body: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        inner = options.update(width=max(options.max_width - len(INDENT), 20))
        for line in console.render_lines(self.body, inner, pad=False):
            yield from (Segment(INDENT), *line) if line else ()
            yield Segment.line()


def hanging(label: str, text: str, *, label_style: str = "", style: str = "") -> Hanging:
    """Text from outside beside a label; nothing in it is obeyed."""
    return Hanging(Text(label, label_style), Text(plain(text), style))


def command(words: str) -> Text:
    """A command on a line of its own."""
    return unwrapped(Text(INDENT * 2).append(words, "bold cyan"))


def joined(parts: Iterable[str]) -> str:
    """Short facts on one line."""
    return SEPARATOR.join(part for part in parts if part)


def unwrapped(text: Text) -> Text:
    """The same text as one line, however long it is."""
    text.no_wrap, text.overflow = True, "ignore"
    return text
