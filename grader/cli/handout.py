"""`python -m grader handout [FOLDER]`: the student's repository."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from grader.handout.student import STUDENTS_OWN, Written, write_handout
from grader.report.console import open_console
from grader.report.words import count


def handout(
    folder: Annotated[
        Path, typer.Argument(help="New, empty, or an earlier hand-out, which is updated.")
    ] = Path("build/handout"),
) -> None:
    """Write the student's repository: no hidden test, no solution, and all that runs a stage."""
    written = write_handout(folder)
    open_console().print(_sentence(folder, written), soft_wrap=True)


def _sentence(folder: Path, written: Written) -> str:
    start = f"{folder}: version {written.version}, {count(written.files, 'file')}"
    if not written.before:
        return f"{start}; try it there: python -m nox -s stage1"
    removed = f" and {len(written.removed)} removed" if written.removed else ""
    changed = f"{count(len(written.changed), 'file')} changed{removed}"
    return f"{start}; was {written.before}, {changed}; {STUDENTS_OWN}/ is as it was"
