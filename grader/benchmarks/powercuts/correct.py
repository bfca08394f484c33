"""Correct packages of several designs, in which no power cut may show anything."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from grader.benchmarks.powercuts.drawn import STAGES, power_agent
from grader.benchmarks.powercuts.generated import POLICIES, trials
from grader.benchmarks.powercuts.grid import Grid
from grader.benchmarks.races.drawn import DESIGNS_DIR, design_package
from grader.powercuts.agent import UnsupportedIO
from grader.powercuts.case import Trial
from grader.powercuts.explore import Explorer
from grader.powercuts.subject import Policy
from grader.remote.failures import CallFailure

_STAGES_OF = {"wal.py": STAGES, "store.py": (4, 5), "snapshot.py": (5,)}
_COLUMNS = ("design", "stage", "sync", "histories", "states", "capped", "seconds", "failures")


@dataclass
class _Tried:
    """What came of some histories."""

    histories: int = 0
    states: int = 0
    capped: int = 0
    wrong: list[str] = field(default_factory=list)


def print_correct(console: Console, seeds: range, calls: int, *, markdown: bool) -> bool:
    """Print what is found on correct designs; True if it is nothing."""
    title = f"Correct designs, histories of {calls} calls, seeds {seeds[0]} to {seeds[-1]}"
    grid = Grid(title, _COLUMNS)
    failures: list[str] = []
    runs = [(*run, policy) for run in runs_of(DESIGNS_DIR) for policy in POLICIES]
    with Progress(console=console, transient=True) as progress:
        for design, stage, policy in progress.track(runs, description="correct"):
            started = time.monotonic()
            with design_package(stage, design) as package:
                tried = _try(package, _histories(stage, policy, seeds, calls))
            failures += [f"{design}, stage {stage}, {policy}: {text}" for text in tried.wrong]
            numbers = tried.histories, tried.states, tried.capped, time.monotonic() - started
            cells = [f"{number:,.0f}" for number in (*numbers, len(tried.wrong))]
            grid.rows.append((design, str(stage), policy, *cells))
    grid.show(console, markdown=markdown)
    console.print(f"{len(failures)} failures. capped: histories of which not all was opened.")
    console.print("\n".join(failures), soft_wrap=True, markup=False)
    return not failures


def runs_of(designs: Path) -> list[tuple[str, int]]:
    """Every design with a file that writes to disk, and the stages to try it in; the reference
    first.
    """
    own = {
        (path.parent.name, stage)
        for path in designs.glob("*/*.py")
        for stage in _STAGES_OF.get(path.name, ())
    }
    return [*(("reference", stage) for stage in STAGES), *sorted(own)]


def _histories(stage: int, policy: Policy, seeds: range, calls: int) -> Iterator[Trial]:
    for seed in seeds:
        yield from trials(stage, policy, random.Random(f"{seed}:{stage}:{policy}"), calls)


def _try(package: Path, histories: Iterator[Trial]) -> _Tried:
    tried = _Tried()
    for trial in histories:
        tried.histories += 1
        with power_agent(package) as agent:
            explorer = Explorer(agent, finds_all=True)
            try:
                case = explorer.record(trial)
                if case.refusal is not None:
                    tried.wrong.append(f"{case.refusal}: {trial.history}")
                    continue
                explored = explorer.explore(case)
            except (CallFailure, UnsupportedIO) as problem:
                tried.wrong.append(f"{problem}: {trial.history}")
                continue
        tried.states += explored.opened
        tried.capped += bool(explored.caps)
        if (found := explored.first) is not None:
            what = f"{found.cut.model}, {found.cut.state.what}: {found.problem.sentence}"
            tried.wrong.append(f"{what}: {trial.subject}, {trial.history}")
    return tried
