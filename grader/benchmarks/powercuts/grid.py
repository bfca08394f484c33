"""A table of text that is shown in the terminal, or as markdown for a page of the docs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table
from rich.text import Text


@dataclass
class Grid:
    """A title, the heads of columns of which all but the first hold numbers, and rows."""

    title: str
    columns: Sequence[str]
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def show(self, console: Console, *, markdown: bool) -> None:
        """Print it."""
        if markdown:
            console.out(self.markdown(), highlight=False)
        else:
            console.print(self._table())

    def markdown(self) -> str:
        """It as markdown; the title stands above."""
        ruler = (":--", *["--:"] * (len(self.columns) - 1))
        lines = [_line(self.columns), _line(ruler), *map(_line, self.rows)]
        return "\n".join([self.title, "", *lines, ""])

    def _table(self) -> Table:
        table = Table(title=self.title)
        for place, column in enumerate(self.columns):
            table.add_column(column, justify="right" if place else "left", overflow="fold")
        for row in self.rows:
            table.add_row(*map(Text, row))
        return table


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |".replace("  ", " ")
