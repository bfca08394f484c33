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
from grader.unit import Unit, assemble, run_unit
from grader.unit.run import new_seed
from grader.work import WORK_DIR, is_untouched, lay_out


def stage(
    number: Annotated[int, typer.Argument(help="The stage, 1 to 6.")],
    target: Annotated[
        Path | None, typer.Option(help="A folder that holds a package kvstore, instead of work/.")
    ] = None,
    select: Annotated[str, typer.Option("-k", help="Only tests whose name contains this.")] = "",
    seed: Annotated[int | None, typer.Option(help="Replay a run with the seed it printed.")] = None,
    assist: Annotated[bool, typer.Option(help="Earlier stages from the reference.")] = False,
    debug: Annotated[bool, typer.Option(help="One process, so breakpoint() works.")] = False,
) -> None:
    """Run one stage's tests and say what is wrong, why, and what to type next."""
    course = load_course()
    entry = course.stage(number)
    console = open_console()
    package = _find_package(target) if target else WORK_DIR
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
        )
        result = _run(unit, entry)
    if not result.outcomes and not result.problem:
        raise CourseError(f"no test of stage {number} has a name that matches -k {select!r}")
    facts = RunFacts(
        target=_as_typed(package),
        assist=assist,
        untouched=is_untouched(entry, package),
        seconds=time.monotonic() - started,
        can_grade=REFERENCE_DIR.is_dir(),
    )
    print_page(console, stage_page(course, result, load_hints(STAGES_DIR), facts))
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


def _find_package(target: Path) -> Path:
    """The folder called kvstore at or below `target`."""
    for folder in (target, target / "kvstore"):
        if folder.name == "kvstore" and folder.is_dir():
            return folder.resolve()
    raise CourseError(
        f"{target} holds no package kvstore: name the folder that contains kvstore/, or that folder"
    )


def _as_typed(package: Path) -> str:
    try:
        return package.relative_to(ROOT).as_posix()
    except ValueError:
        return str(package)
