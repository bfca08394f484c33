"""`python -m grader stage N`: the student's run of one stage."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from grader.course import REFERENCE_DIR, ROOT, STAGES_DIR, Course, CourseError, Stage, load_course
from grader.hints import load_hints
from grader.outcome import Outcome, UnitResult
from grader.powercuts.replay import PowerCutReplay
from grader.report.console import open_console, print_page
from grader.report.feedback import RunFacts, stage_page
from grader.report.left import Left
from grader.report.races import replay_page
from grader.testkit.rerun import parse_replay
from grader.unit import Unit, assemble, run_unit
from grader.unit.leaving import make_place
from grader.unit.run import new_seed
from grader.work import WORK_DIR, as_typed, find_package, is_file_begun, is_untouched, lay_out


def stage(
    number: Annotated[int, typer.Argument(help="The stage, 1 to 6.")],
    target: Annotated[
        Path | None, typer.Option(help="A folder that holds a package kvstore, instead of work/.")
    ] = None,
    select: Annotated[str, typer.Option("-k", help="Only tests whose name contains this.")] = "",
    seed: Annotated[int | None, typer.Option(help="Replay a run with the seed it printed.")] = None,
    assist: Annotated[bool, typer.Option(help="Earlier stages from the reference.")] = False,
    debug: Annotated[bool, typer.Option(help="One process, so breakpoint() works.")] = False,
    replay: Annotated[str, typer.Option(help="Run one race or one power cut again.")] = "",
) -> None:
    """Run one stage's tests and say what is wrong, why, and what to type next."""
    course = load_course()
    entry = course.stage(number)
    if replay and (select or seed is not None):
        raise CourseError("--replay names its test and its seed: leave out -k and --seed")
    rerun = parse_replay(replay) if replay else None
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
            leave_in=str(make_place(package)) if isinstance(rerun, PowerCutReplay) else "",
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
    if rerun is not None:
        left = _left(course, result, package) if result.left else None
        print_page(console, replay_page(entry, result, hints, facts, what=rerun.ONE, left=left))
    else:
        print_page(console, stage_page(course, result, hints, facts))
    passed = bool(result.outcomes) and all(o.status == "passed" for o in result.outcomes)
    raise typer.Exit(0 if passed and not result.problem else 1)


def _left(course: Course, result: UnitResult, package: Path) -> Left:
    """What a power cut left, and how the student's own code can open it."""
    folder = Path(result.left)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    home = package.parent
    data_dir = str(folder.relative_to(home) if folder.is_relative_to(home) else folder)
    opening: tuple[str, ...] = ()
    if _is_written(course, "__main__.py", package):
        opening = ("python", "-m", "kvstore", "repl", "--data-dir", data_dir)
    elif _is_written(course, "store.py", package):
        code = f"from kvstore import Store; store = Store.open({data_dir!r})"
        opening = ("python", "-i", "-c", code)
    return Left(
        as_typed(folder),
        tuple(path.relative_to(folder).as_posix() for path in files),
        opening,
        as_typed(home),
    )


def _is_written(course: Course, file: str, package: Path) -> bool:
    number = course.stage_of(file)
    return number is not None and is_file_begun(course.stage(number), file, package)


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
