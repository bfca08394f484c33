"""The command line: `python -m grader.benchmarks.powercuts`, each table by its name.

Seeds are printed: the same seeds try the same histories and the same states, and only times differ.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from grader.benchmarks.powercuts.correct import print_correct
from grader.benchmarks.powercuts.generated import CALLS
from grader.benchmarks.powercuts.kinds import print_kinds
from grader.benchmarks.powercuts.speed import print_speed
from grader.mistake import MistakeError
from grader.report.console import open_console


class Name(StrEnum):
    """The tables."""

    KINDS = "kinds"
    CORRECT = "correct"
    SPEED = "speed"


def main(
    table: Annotated[list[Name] | None, typer.Option(help="Repeatable; all, if none.")] = None,
    first_seed: Annotated[int, typer.Option(help="Of correct designs, others follow it.")] = 1,
    seeds: Annotated[int, typer.Option(min=1, help="Histories of each correct design.")] = 5,
    calls: Annotated[int, typer.Option(min=3, help="Of each of these histories.")] = CALLS,
    kind: Annotated[str, typer.Option(help="Only kinds whose name contains this.")] = "",
    each: Annotated[int, typer.Option(min=1, help="Mutants of a kind, at most.")] = 1_000,
    markdown: Annotated[bool, typer.Option("--markdown", help="Tables for a page.")] = False,  # noqa: FBT002
) -> None:
    """Measure, and print tables."""
    console = open_console()
    wanted = table or list(Name)
    clean = True
    if Name.KINDS in wanted:
        clean &= print_kinds(console, kind, each, first_seed, markdown=markdown)
    if Name.CORRECT in wanted:
        seeds_tried = range(first_seed, first_seed + seeds)
        clean &= print_correct(console, seeds_tried, calls, markdown=markdown)
    if Name.SPEED in wanted:
        print_speed(console, first_seed, markdown=markdown)
    raise typer.Exit(0 if clean else 1)


if __name__ == "__main__":
    try:
        typer.run(main)
    except MistakeError as problem:
        sys.exit(f"benchmark: {problem}")
