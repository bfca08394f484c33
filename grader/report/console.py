"""How a page reaches the terminal: lines stay whole, and a missing character is no crash."""

from __future__ import annotations

import sys
from typing import TextIO

from rich.console import Console, RenderableType


def open_console(file: TextIO | None = None) -> Console:
    """Return a console on `file`, standard output if None; rich honours NO_COLOR and pipes.

    What the terminal cannot write, such as an arrow on an old Windows console, becomes `?`.
    """
    file = file or sys.stdout
    reconfigure = getattr(file, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
    return Console(file=file, highlight=False, emoji=False, markup=False)


def print_page(console: Console, page: RenderableType) -> None:
    """Print a page; the terminal wraps lines that are too long, so that commands stay whole."""
    console.print(page, crop=False)
