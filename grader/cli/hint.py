"""`python -m grader hint KEY [RUNG]`: one rung of a hint's ladder."""

from __future__ import annotations

from typing import Annotated

import typer

from grader.course import STAGES_DIR
from grader.hints import find_hint, load_hints
from grader.report.console import open_console, print_page
from grader.report.hint import hint_page


def hint(
    key: Annotated[str, typer.Argument(help="The hint's key, as a failure shows it.")],
    rung: Annotated[int, typer.Argument(help="1 a nudge, 2 the idea, 3 nearly the answer.")] = 1,
) -> None:
    """Show one rung of a hint: 1 a nudge, 2 the idea, 3 nearly the answer."""
    found = find_hint(load_hints(STAGES_DIR), key)
    print_page(open_console(), hint_page(found, rung))
