"""What it costs to open a state of the disk, and how long each power-cut test takes."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from grader.benchmarks.powercuts.drawn import STAGES, draw, power_agent, power_tests
from grader.benchmarks.powercuts.grid import Grid
from grader.benchmarks.races.drawn import design_package
from grader.powercuts.agent import BATCH, PowerAgent
from grader.powercuts.case import Case, Trial
from grader.powercuts.effects import Tree
from grader.powercuts.explore import MODELS, Explorer
from grader.powercuts.judge import Plan
from grader.powercuts.states import crash_states
from grader.powercuts.subject import Subject
from grader.races.program import Invocation
from grader.unit import Unit
from grader.unit.worker import run_in_worker

BATCHES = 10  # of which the first begins with starting the agent, and does not count
FRESH = 10  # states that get an agent of their own
_SORTS = {"LogHistory": "a log", "StoreHistory": "a store", "SnapshotFile": "a snapshot's file"}
_COLUMNS = ("ms a state, medians", "fork", "open", "twice", "in-process", "fresh agent", "ratios")
_HOW = """\
fork: laying out the folder and forking. open: opening it and looking at all there is as well.
twice: as tests do, opening, looking, writing, closing, and opening again, with the changes written
down. in-process: the same as twice, but in the agent itself. fresh agent: the same in an agent that
is started for it. ratios: of in-process and of fresh agent to twice."""

Sessions = Sequence[Sequence[Invocation]]


def print_speed(console: Console, seed: int, *, markdown: bool) -> None:
    """Print both tables, of the reference."""
    grid = Grid(f"The cost of a state, the reference, seed {seed}", _COLUMNS)
    for sort, (stage, trial) in _first_of_each_sort(seed).items():
        with design_package(stage, "reference") as package:
            grid.rows.append((sort, *_cells(package, trial)))
    grid.show(console, markdown=markdown)
    console.print(_HOW, soft_wrap=True)
    _print_tests(console, seed, markdown=markdown)


def _first_of_each_sort(seed: int) -> dict[str, tuple[int, Trial]]:
    found: dict[str, tuple[int, Trial]] = {}
    for stage in STAGES:
        for drawn in draw(stage, seed).values():
            for trial in drawn.trials:
                found.setdefault(_SORTS[type(trial.subject).__name__], (stage, trial))
    return found


def _cells(package: Path, trial: Trial) -> Iterator[str]:
    subject = trial.subject
    twice = Plan(subject).sessions()
    ways: Sequence[Sessions] = ([[]], [[*subject.open(), *subject.look()]], twice)
    with power_agent(package) as agent:
        trees = _trees(Explorer(agent).record(trial))
        ms = [_ms_a_state(agent, subject, trees, way, record=way is twice) for way in ways]
        fresh = _ms_of_fresh_agents(agent, subject, trees[:FRESH], twice)
    with power_agent(package, forks=False) as agent:
        here = _ms_a_state(agent, subject, trees, twice, record=True)
    yield from (f"{one:.2f}" for one in (*ms, here, fresh))
    yield f"{here / ms[-1]:.2f}, {fresh / ms[-1]:.0f}"


def _trees(case: Case) -> list[Tree]:
    """As many disks that power cuts during a history leave as are wanted, in turns."""
    trees = (
        case.recorded.disk().make(state.made()).tree()
        for model in MODELS
        for state in crash_states(case.recorded.events, model)
    )
    different = {tree.digest(): tree for tree in trees}.values()
    return list(itertools.islice(itertools.cycle(different), BATCH * BATCHES))


def _ms_a_state(
    agent: PowerAgent, subject: Subject, trees: Sequence[Tree], sessions: Sessions, *, record: bool
) -> float:
    ends = []
    for number, _ in enumerate(agent.reopen(subject, trees, sessions, record=record), 1):
        if number % BATCH == 1:  # answers come in batches
            ends.append(time.perf_counter())
    seconds = statistics.median(later - one for one, later in itertools.pairwise(ends))
    return seconds * 1000 / BATCH


def _ms_of_fresh_agents(
    agent: PowerAgent, subject: Subject, trees: Sequence[Tree], sessions: Sessions
) -> float:
    taken = []
    for tree in trees:
        started = time.perf_counter()
        list(agent.reopen(subject, [tree], sessions, record=True))
        taken.append(time.perf_counter() - started)
    return statistics.median(taken) * 1000


def _print_tests(console: Console, seed: int, *, markdown: bool) -> None:
    grid = Grid(f"Hidden power-cut tests, the reference, seed {seed}", ("test", "stage", "s"))
    whole = 0.0
    for stage in STAGES:
        only = tuple(power_tests(stage))
        with design_package(stage, "reference") as package:
            result = run_in_worker(Unit(stage, str(package), seed, only=only))
        for outcome in result.outcomes:
            seconds = f"{outcome.seconds:.2f}" if outcome.status == "passed" else outcome.status
            grid.rows.append((outcome.name, str(stage), seconds))
            whole += outcome.seconds
    grid.rows.append(("all", "", f"{whole:.1f}"))
    grid.show(console, markdown=markdown)
