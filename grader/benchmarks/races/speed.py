"""How many schedules a second are run and judged, and what walls and control cost."""

from __future__ import annotations

import itertools
import multiprocessing
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from grader.benchmarks.races.drawn import MEMORY_CALLS, agent, design_package
from grader.benchmarks.races.stress import plain_rounds
from grader.oracle.workload import Workload, workloads
from grader.races.explorer import Explorer
from grader.races.search import Search
from grader.remote.session import Session
from grader.remote.trace import Trace
from grader.testkit.subjects import MemorySubject
from grader.unit.local import LocalProcess

PROGRAMS = 20  # which are tried in turns
SECONDS = 5.0  # of each measurement
_EACH = 40  # schedules of a program, before the next one's turn
_STORES = {"one mutex": "mutex", "RWLock": "rwlock_memory", "the reference": "reference"}
_STORE = MemorySubject()


def print_speed(console: Console, seed: int) -> None:
    """Print schedules a second, for programs of 2 threads with 3 calls each."""
    table = Table(title=f"Schedules a second, 2 threads x 3 calls, seed {seed}")
    table.add_column("store")
    for column in ("in an agent", "without walls", "ratio", "plain threads"):
        table.add_column(column, justify="right")
    programs = _two_by_three(random.Random(seed))
    pairs = [(_STORE, workload) for workload in programs]
    for name, design in _STORES.items():
        with design_package(1, design) as package:
            with agent(package) as session:
                walled = _schedules_a_second(session, programs, seed)
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                bare = pool.apply(_without_walls, (package, programs, seed))
            plain = plain_rounds(package, pairs, SECONDS).rounds / SECONDS
        cells = f"{walled:.0f}", f"{bare:.0f}", f"{walled / bare:.2f}", f"{plain:.0f}"
        table.add_row(name, *cells)
    console.print(table)
    console.print(
        "in an agent: as tests do, behind walls, asking and judging included. without walls: the"
        " same in one process. ratio: of the first to the second. plain threads: the programs run"
        " and judged without a scheduler, as the stress test does."
    )


def _two_by_three(rng: random.Random) -> list[Workload]:
    drawn = (
        workload
        for name in itertools.cycle(MEMORY_CALLS)
        for workload in workloads(rng, aim=[name], count=1, calls=3, partners=MEMORY_CALLS)
    )
    full = (one for one in drawn if all(len(plan) == 3 for plan in one.plans))
    return list(itertools.islice(full, PROGRAMS))


def _without_walls(package: Path, programs: Sequence[Workload], seed: int) -> float:
    """Measure within this process, whose locks the finder replaces: for a process of its own."""
    with tempfile.TemporaryDirectory(prefix="kv-races-") as folder:
        session = Session(lambda: LocalProcess(package), Trace(), data_dir=Path(folder))
        return _schedules_a_second(session, programs, seed)


def _schedules_a_second(session: Session, programs: Sequence[Workload], seed: int) -> float:
    """As in a test: asking, running and judging; after one program that warms up."""
    search = Search(Explorer(session))
    search.try_workload(_STORE, programs[0], 0, seed, _EACH)
    search.schedules, started = 0, time.perf_counter()
    for workload in itertools.cycle(programs):
        search.try_workload(_STORE, workload, 0, seed, _EACH)
        if time.perf_counter() - started > SECONDS:
            break
    return search.schedules / (time.perf_counter() - started)
