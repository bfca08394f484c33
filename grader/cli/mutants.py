"""`python -m grader mutants`: which mistakes do the tests catch?"""

from __future__ import annotations

import os
from typing import Annotated

import typer
from rich.progress import Progress

from grader.course import load_course
from grader.mutants.catalog import load_mutants, record
from grader.mutants.matrix import Matrix, Row, choose_tests, fill
from grader.report.console import open_console
from grader.report.words import count

JOBS = 2 * (os.cpu_count() or 1)  # a mutant that hangs waits for a deadline, and others can run


def mutants(
    stage: Annotated[list[int] | None, typer.Option(help="Only this stage; repeatable.")] = None,
    name: Annotated[str, typer.Option(help="Only mutants whose name contains this.")] = "",
    jobs: Annotated[int, typer.Option(min=1, help="Runs at a time.")] = JOBS,
    seed: Annotated[int, typer.Option(help="The seed of every run.")] = 1,
    whole: Annotated[bool, typer.Option(help="Run every test, not only recorded ones.")] = False,
    record_tests: Annotated[
        bool, typer.Option("--record", help="Like --whole; then write down which tests catch.")
    ] = False,
    verbose: Annotated[bool, typer.Option(help="Name the tests that caught each mutant.")] = False,
) -> None:
    """Run tests on every mutant; name survivors, and hidden tests that catch nothing.

    The exit code is 0 if every mutant is caught and every hidden test catches one.
    """
    console = open_console()
    clean, mutants_run, survivors = True, 0, 0
    for number in stage or [entry.number for entry in load_course().stages]:
        wanted = [mutant for mutant in load_mutants(number) if name in mutant.name]
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task(f"stage {number}", total=len(wanted))

            def show(row: Row, task: object = task, progress: Progress = progress) -> None:
                progress.advance(task)  # type: ignore[arg-type]
                if verbose:
                    caught = ", ".join(row.caught_by) or "SURVIVED"
                    progress.console.print(f"  {row.mutant.name}: {caught}", soft_wrap=True)

            everything = whole or record_tests
            matrix = fill(number, wanted, seed, whole=everything, jobs=jobs, report=show)
        if record_tests and not name:
            record(number, choose_tests(matrix))
        lines = _summary(matrix, all_mutants=not name)
        console.print("\n".join(lines), soft_wrap=True)
        clean &= len(lines) == 1
        mutants_run += len(matrix.rows)
        survivors += len(matrix.survivors)
    console.print(f"{count(mutants_run, 'mutant')} run, {count(survivors, 'survivor')}")
    raise typer.Exit(0 if clean else 1)


def _summary(matrix: Matrix, *, all_mutants: bool) -> list[str]:
    """One line that counts, then one for everything that is not as it must be."""
    idle = matrix.idle_tests if all_mutants else []
    pairs = sum(len(row.caught_by) for row in matrix.rows)
    first = (
        f"stage {matrix.stage}: {count(len(matrix.rows), 'mutant')},"
        f" caught {count(pairs, 'time')} by {count(len(matrix.hidden), 'hidden test')}"
        f" and the visible ones; survivors {len(matrix.survivors)},"
        f" hidden tests that catch none {len(idle)}"
    )
    lines = [first]
    lines += [f"  survived: {m.name} ({m.file}): {m.mistake}" for m in matrix.survivors]
    lines += [f"  catches no mutant: {test}" for test in idle]
    lines += [f"  the grader's own problem: {problem}" for problem in matrix.problems]
    return lines
