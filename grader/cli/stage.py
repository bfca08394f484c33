"""`python -m grader stage N`: the student's run of one stage."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from grader.course import REFERENCE_DIR, ROOT, STAGES_DIR, CourseError, Stage, load_course
from grader.hints import load_hints
from grader.outcome import Outcome, UnitResult
from grader.report.console import open_console, print_page
from grader.report.feedback import RunFacts, stage_page
from grader.report.races import replay_page
from grader.unit import Unit, assemble, run_unit
from grader.unit.run import new_seed
from grader.work import WORK_DIR, as_typed, find_package, is_untouched, lay_out


def stage(
    number: Annotated[int, typer.Argument(help="The stage, 1 to 6.")],
    target: Annotated[
        Path | None, typer.Option(help="A folder that holds a package kvstore, instead of work/.")
    ] = None,
    select: Annotated[str, typer.Option("-k", help="Only tests whose name contains this.")] = "",
    seed: Annotated[int | None, typer.Option(help="Replay a run with the seed it printed.")] = None,
    assist: Annotated[bool, typer.Option(help="Earlier stages from the reference.")] = False,
    debug: Annotated[bool, typer.Option(help="One process, so breakpoint() works.")] = False,
    replay: Annotated[str, typer.Option(help="Run one schedule of one test again.")] = "",
) -> None:
    """Run one stage's tests and say what is wrong, why, and what to type next."""
    course = load_course()
    entry = course.stage(number)
    if replay and (select or seed is not None):
        raise CourseError("--replay names its test and its seed: leave out -k and --seed")
    console = open_console()
    package = find_package(target) if target else WORK_DIR
    if target is None:
        for path in lay_out(course, entry, package):
            console.print(f"created {path.relative_to(ROOT)}")
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kv-stage-") as name:
        assembled = assemble(course, number, package, Path(name), carried=assist)
        unit = Unit(
            stage=number,
            package_dir=str(assembled),
            seed=new_seed() if seed is None else seed,
            select=select,
            debug=debug,
            replay=replay,
        )
        result = _run(unit, entry)
    if not result.outcomes and not result.problem:
        raise CourseError(f"no test of stage {number} has a name that matches -k {select!r}")
    facts = RunFacts(
        target=as_typed(package),
        assist=assist,
        untouched=is_untouched(entry, package),
        seconds=time.monotonic() - started,
        can_grade=REFERENCE_DIR.is_dir(),
    )
    hints = load_hints(STAGES_DIR)
    if replay:
        print_page(console, replay_page(entry, result, hints, facts))
    else:
        print_page(console, stage_page(course, result, hints, facts))
    passed = bool(result.outcomes) and all(o.status == "passed" for o in result.outcomes)
    raise typer.Exit(0 if passed and not result.problem else 1)


def _run(unit: Unit, entry: Stage) -> UnitResult:
    """Run the unit behind a progress bar; the debugger gets the terminal for itself."""
    if unit.debug:
        return run_unit(unit)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=open_console(), transient=True) as progress:
        task = progress.add_task(f"stage {entry.number}", total=None)

        def report(_outcome: Outcome) -> None:
            progress.advance(task)

        return run_unit(unit, report, lambda total: progress.update(task, total=total))
