"""Correct stores of several designs, on which the race finder may find nothing."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from grader.benchmarks.races.drawn import (
    DESIGNS_DIR,
    MEMORY_CALLS,
    Drawn,
    agent,
    design_package,
    draw,
    race_tests,
)
from grader.oracle.workload import workloads
from grader.races.explorer import Explorer
from grader.races.problem import Subject
from grader.races.search import Search
from grader.remote.failures import CallFailure
from grader.testkit.subjects import MemorySubject, StoreSubject

SCHEDULES = 20_000  # in all
_EACH = 40  # of one random program
_SESSION_SECONDS = 10.0  # then a fresh agent: nobody may ask one for as long as he likes
_REFERENCE = [("reference", stage) for stage in (1, 3, 4, 5, 6)]
_STAGES_OF = {"rwlock.py": (1,), "memory.py": (1,), "store.py": (4, 5)}
_SUBJECTS: dict[int, Subject] = {1: MemorySubject(), 4: StoreSubject(), 5: StoreSubject()}


def print_correct(console: Console, seed: int, schedules: int) -> bool:
    """Print what is found on correct designs; True if it is nothing."""
    table = Table(title=f"Correct stores, seed {seed}")
    table.add_column("design")
    for column in ("stage", "programs", "schedules", "failures"):
        table.add_column(column, justify="right")
    runs = [*_REFERENCE, *_designs()]
    failures: list[str] = []
    total = 0
    with Progress(console=console, transient=True) as progress:
        for place, (design, stage) in enumerate(progress.track(runs)):
            share = schedules * (place + 1) // len(runs) - schedules * place // len(runs)
            rng = random.Random(f"{seed}:{design}:{stage}")
            with design_package(stage, design) as package:
                programs, wrong = _try_correct(package, _endless(stage, rng), share)
            total += share
            failures += [f"{design}, stage {stage}: {text}" for text in wrong]
            table.add_row(design, str(stage), str(programs), str(share), str(len(wrong)))
    console.print(table)
    console.print(f"{total} schedules, {len(failures)} failures")
    console.print("\n".join(failures), soft_wrap=True)
    return not failures


def _designs() -> list[tuple[str, int]]:
    return [
        (path.parent.name, stage)
        for path in sorted(DESIGNS_DIR.glob("*/*.py"))
        for stage in _STAGES_OF.get(path.name, ())
    ]


def _endless(stage: int, rng: random.Random) -> Iterator[Drawn]:
    """Programs of the stage's race tests and random ones, mixed, for one seed after another."""
    while True:
        seed = rng.getrandbits(30)
        drawn = [one for test in race_tests(stage) for one in draw(stage, test, seed)]
        if stage in _SUBJECTS:
            drawn += _random_programs(_SUBJECTS[stage], rng)
        yield from rng.sample(drawn, len(drawn))


def _random_programs(subject: Subject, rng: random.Random) -> Iterator[Drawn]:
    for name in MEMORY_CALLS:
        drawn = workloads(rng, aim=[name], count=2, threads=3, calls=3, partners=MEMORY_CALLS)
        for workload in drawn:
            yield Drawn(subject, workload, rng.getrandbits(30), _EACH)


def _try_correct(package: Path, drawn: Iterator[Drawn], schedules: int) -> tuple[int, list[str]]:
    """Try programs until so many schedules were tried: how many programs, and what was wrong."""
    left, programs, wrong = schedules, 0, []
    while left > 0:
        with agent(package) as session:
            search, started = Search(Explorer(session)), time.monotonic()
            while left > 0 and time.monotonic() - started < _SESSION_SECONDS:
                one, programs = next(drawn), programs + 1
                count = min(left, one.schedules)
                left -= count
                try:
                    found = search.try_workload(one.subject, one.workload, 0, one.seed, count)
                except CallFailure as failure:
                    wrong.append(f"{one.workload}, seed {one.seed}: {failure}")
                    break
                if found is not None:
                    wrong.append(f"{found.problem.sentence}: {one.workload}, {found.trial.spec}")
    return programs, wrong
