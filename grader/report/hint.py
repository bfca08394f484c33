"""One rung of a hint, as `nox -s hint -- NAME RUNG` prints it, and the command for the next."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from grader.hints import RUNGS, Hint
from grader.report.blocks import Heading, command, hanging


def hint_page(hint: Hint, rung: int) -> Group:
    """Return the page of one rung, from 1; raises `HintError` for a rung that there is not."""
    parts: list[RenderableType] = [
        Heading(hint.title, f"hint {rung} of {len(RUNGS)}", "yellow"),
        hanging("", hint.rung(rung)),
        Text(),
    ]
    if hint.read:
        parts += [hanging("Read on: ", hint.read, label_style="bold"), Text()]
    if rung < len(RUNGS):
        parts += [Text("If that is not enough:"), command(hint_command(hint, rung + 1))]
    return Group(*parts)


def hint_command(hint: Hint, rung: int) -> str:
    """Return the command that shows a rung."""
    return f"nox -s hint -- {hint.name} {rung}"
