"""`python -m grader race [N]`: look for races for longer."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from grader.course import STAGES_DIR, Course, CourseError, Stage, load_course
from grader.hints import load_hints
from grader.remote.process import choose_isolation
from grader.report.console import open_console, print_page
from grader.report.races import Look, LookFacts, race_page
from grader.report.words import count
from grader.unit import Unit, assemble
from grader.unit.hunt import Hunt, prepare_hunt
from grader.unit.run import new_seed
from grader.work import WORK_DIR, as_typed, find_package, is_begun


def race(
    number: Annotated[int | None, typer.Argument(help="Only this stage, 1 to 6.")] = None,
    seconds: Annotated[float, typer.Option(min=1, help="How long to look.")] = 60,
    target: Annotated[
        Path | None, typer.Option(help="A folder that holds a package kvstore, instead of work/.")
    ] = None,
    select: Annotated[str, typer.Option("-k", help="Only tests whose name contains this.")] = "",
    seed: Annotated[int | None, typer.Option(help="The seed of the first round.")] = None,
) -> None:
    """Look for races for longer, in one stage or in all that are begun; Ctrl-C ends it."""
    course = load_course()
    package = find_package(target) if target else WORK_DIR
    stages = _begun(course, number, package)
    console = open_console()
    first_seed = new_seed() if seed is None else seed
    walls = choose_isolation()
    with tempfile.TemporaryDirectory(prefix="kv-race-") as name:
        hunts = []
        for entry in stages:
            assembled = assemble(course, entry.number, package, Path(name) / str(entry.number))
            unit = Unit(
                stage=entry.number,
                package_dir=str(assembled),
                seed=first_seed,
                select=select,
                isolation=walls.key,
                races_only=True,
            )
            hunts.append(prepare_hunt(unit))
        hunts = [hunt for hunt in hunts if hunt.tests]
        if not hunts:
            raise CourseError(_nothing_to_look_at(stages, select))
        started = time.monotonic()
        try:
            _look(hunts, seconds, console)
        except KeyboardInterrupt:
            if not any(hunt.schedules for hunt in hunts):
                raise
        took = time.monotonic() - started
    facts = LookFacts(as_typed(package), first_seed, str(walls), took)
    looks = [_told(course, hunt) for hunt in hunts if hunt.schedules or hunt.others]
    print_page(console, race_page(looks, load_hints(STAGES_DIR), facts))
    is_clean = not any(look.race or look.others for look in looks)
    raise typer.Exit(0 if is_clean else 1)


def _begun(course: Course, number: int | None, package: Path) -> list[Stage]:
    """The stages to look at; raises `CourseError` if nothing of them is written."""
    asked = [course.stage(number)] if number is not None else list(course.stages)
    begun = [entry for entry in asked if is_begun(entry, package)]
    if not begun:
        what = f"stage {number}" if number is not None else "any stage"
        raise CourseError(
            f"nothing of {what} is written in {as_typed(package)} yet:"
            f" begin with nox -s stage{asked[0].number}"
        )
    return begun


def _nothing_to_look_at(stages: list[Stage], select: str) -> str:
    if select:
        return f"no test that looks for races has a name that matches -k {select!r}"
    names = " and ".join(str(entry.number) for entry in stages)
    return f"stage {names} shares nothing between threads, so there are no races to look for"


def _look(hunts: list[Hunt], seconds: float, console: Console) -> None:
    """Share the time among the stages, up to the first race."""
    started = time.monotonic()
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[tried]}")
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=seconds, tried="")

        def tell() -> None:
            took, tried = time.monotonic() - started, sum(hunt.schedules for hunt in hunts)
            words = f"{took:.0f} of {seconds:g} s · {count(tried, 'schedule')}"
            progress.update(task, completed=took, tried=f"{words} · {round(tried / took):,}/s")

        for place, hunt in enumerate(hunts):
            progress.update(task, description=f"stage {hunt.unit.stage}")
            now = time.monotonic()
            left = started + seconds - now
            hunt.run(now + left / (len(hunts) - place), tell)
            if hunt.race is not None:
                return


def _told(course: Course, hunt: Hunt) -> Look:
    return Look(
        course.stage(hunt.unit.stage),
        len(hunt.looked),
        hunt.schedules,
        hunt.race,
        hunt.others,
    )
