"""`python -m grader gradescope [FILE]`: the autograder for Gradescope."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from grader.handout.autograder import write_autograder
from grader.report.console import open_console


def gradescope(
    file: Annotated[Path, typer.Argument(help="The zip to write.")] = Path("build/autograder.zip"),
) -> None:
    """Write the zip that Gradescope builds its autograder from."""
    size = write_autograder(file)
    open_console().print(
        f"{file}: {size:,} bytes; upload it under Configure Autograder", soft_wrap=True
    )
