"""The folder that a replay left as a power cut left it: where it is, and how to look at it.

Its files have the names that the code under test gave them: only harmless ones get into a command.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import RenderableType
from rich.text import Text

from grader.report.blocks import command, hanging

FILES_MAX = 3
_HARMLESS = re.compile(r"\w[\w.+-]*(/\w[\w.+-]*)*", re.ASCII)
_READABLE = (".log", ".kvsp", ".tmp")


@dataclass(frozen=True)
class Left:
    """The folder as its owner types it, and the paths of its files within it.

    `opening` are the words of a command that opens it with the student's own code, to be typed in
    the folder `opened_in`; none where nothing of theirs can open it yet.
    """

    folder: str
    files: tuple[str, ...]
    opening: tuple[str, ...] = ()
    opened_in: str = ""


def left_parts(left: Left) -> Iterator[RenderableType]:
    """Say where the folder is and what to type."""
    yield hanging("The folder as the power cut left it: ", left.folder, label_style="bold")
    if not left.files:
        yield Text("There is no file in it.")
    readable = [
        name for name in left.files if _HARMLESS.fullmatch(name) and name.endswith(_READABLE)
    ]
    if readable:
        yield Text("Look at what is in its files:")
    for name in readable[-FILES_MAX:]:
        yield command(f"nox -s inspect -- {shlex.quote(f'{left.folder}/{name}')}")
    if left.opening:
        where = f"Open it with your own code, from {left.opened_in} (that may change its files):"
        yield hanging("", where)
        yield command(shlex.join(left.opening))
