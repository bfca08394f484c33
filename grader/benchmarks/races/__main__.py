"""The command line: `python -m grader.benchmarks.races`, each table by its name.

Seeds are printed: the same seeds try the same schedules, and only times differ.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from grader.benchmarks.races.correct import SCHEDULES, print_correct
from grader.benchmarks.races.kinds import print_kinds
from grader.benchmarks.races.speed import print_speed
from grader.mistake import MistakeError
from grader.report.console import open_console


class Name(StrEnum):
    """The tables."""

    KINDS = "kinds"
    CORRECT = "correct"
    SPEED = "speed"


def main(
    table: Annotated[list[Name] | None, typer.Option(help="Repeatable; all, if none.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each mutant.")] = 20,
    first_seed: Annotated[int, typer.Option(help="The others follow it.")] = 1,
    stress_seconds: Annotated[float, typer.Option(help="Of a second, longer stress test.")] = 1.0,
    schedules: Annotated[int, typer.Option(min=1, help="On correct stores, in all.")] = SCHEDULES,
    kind: Annotated[str, typer.Option(help="Only kinds whose name contains this.")] = "",
) -> None:
    """Measure, and print tables."""
    console = open_console()
    wanted = table or list(Name)
    clean = True
    if Name.KINDS in wanted:
        seeds_tried = range(first_seed, first_seed + seeds)
        clean &= print_kinds(console, kind, seeds_tried, stress_seconds)
    if Name.CORRECT in wanted:
        clean &= print_correct(console, first_seed, schedules)
    if Name.SPEED in wanted:
        print_speed(console, first_seed)
    raise typer.Exit(0 if clean else 1)


if __name__ == "__main__":
    try:
        typer.run(main)
    except MistakeError as problem:
        sys.exit(f"benchmark: {problem}")
