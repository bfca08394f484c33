"""`python -m grader attacks`: do hostile submissions gain or harm anything?"""

from __future__ import annotations

import os
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from grader.attacks.attempt import Verdict
from grader.attacks.catalog import Attack, choose_attacks
from grader.attacks.run import run_attacks
from grader.remote.process import choose_isolation
from grader.report.console import open_console, print_page
from grader.report.words import count, number, plain


def attacks(
    names: Annotated[
        list[str] | None, typer.Argument(help="Attacks or groups of these; without one, all.")
    ] = None,
    isolation: Annotated[
        str, typer.Option(help="Behind this isolation instead of the strongest, by its key.")
    ] = "",
    jobs: Annotated[int, typer.Option(min=1, help="Attacks at a time.")] = os.cpu_count() or 1,
) -> None:
    """Grade hostile submissions; name those that earned too much or did harm.

    The exit code is 0 if every attack that was tried was beaten.
    """
    console = open_console()
    wanted = choose_attacks(names or [])
    walls = choose_isolation(isolation or None)
    console.print(f"{count(len(wanted), 'attack')} behind {walls}", soft_wrap=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("attacks", total=len(wanted))

        def advance(_verdict: Verdict) -> None:
            progress.advance(task)

        verdicts = list(run_attacks(wanted, walls, jobs, advance))
    print_page(console, _table(wanted, verdicts))
    beaten = sum(verdict.is_beaten for verdict in verdicts)
    open_gates = sum(bool(verdict.missing) for verdict in verdicts)
    rest = f", {open_gates} not walled off here" if open_gates else ""
    failed = len(verdicts) - beaten - open_gates
    console.print(f"{beaten} of {len(verdicts)} beaten, {failed} not beaten{rest}")
    raise typer.Exit(1 if failed else 0)


def _table(wanted: list[Attack], verdicts: list[Verdict]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("attack", min_width=20)
    table.add_column("earned of honest")
    table.add_column("seconds", justify="right")
    table.add_column("technique, and what met it")
    rows = sorted(zip(wanted, verdicts, strict=True), key=lambda row: not row[1].is_beaten)
    for attack, verdict in rows:  # what matters stands where the eye is, at the end
        points = "marks" if attack.twin else f"{number(verdict.earned)} of {number(attack.honest)}"
        style = "" if verdict.is_beaten else "bold red" if verdict.gains else "yellow"
        story = f"{attack.technique}\n→ {_end(verdict)}"
        table.add_row(attack.name, points, f"{verdict.seconds:.1f}", story, style=style)
    return table


def _end(verdict: Verdict) -> str:
    if verdict.missing:
        return f"not walled off here: {', '.join(verdict.missing)}"
    if verdict.gains:
        return plain("NOT BEATEN: " + "; ".join(verdict.gains))
    return verdict.beaten_by
