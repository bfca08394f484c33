"""Schedules until each kind of bug is found, and whether a stress test finds it in as much time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from grader.benchmarks.races.drawn import (
    BenchmarkError,
    Drawn,
    agent,
    draw,
    mutant_package,
    race_tests,
)
from grader.benchmarks.races.examples import EXAMPLES, Example
from grader.benchmarks.races.stress import stress
from grader.races.explorer import Explorer
from grader.races.search import Search
from grader.unit import Unit
from grader.unit.worker import run_in_worker

_CAUGHT = ("failed", "timeout", "crashed")


class Attempt(NamedTuple):
    """What one run of a test came to: how many schedules it tried until one failed (or all of
    them), how long that took, whether one failed, and whether only fine switch points show it.

    `stress_seconds` is how long a stress test took to find it too; None if it did not.
    """

    schedules: int
    seconds: float
    is_found: bool
    is_latent: bool = False
    stress_seconds: float | None = None

    @property
    def is_stressed(self) -> bool:
        """Whether the stress test was at least as quick."""
        return self.stress_seconds is not None and self.stress_seconds <= self.seconds


def print_kinds(console: Console, kind: str, seeds: range, stress_seconds: float) -> bool:
    """Print when each mutant of the kinds whose name contains `kind` is found.

    Returns True if every run found it. A stress test is given the time that the finder took, and
    then on until `stress_seconds`.
    """
    table = Table(title=f"Schedules until found, seeds {seeds[0]} to {seeds[-1]}")
    table.add_column("kind, and a mutant of it", overflow="fold")
    for column in ("found", "median", "worst", "s", "latent", "stress", f"{stress_seconds:g} s"):
        table.add_column(column, justify="right")
    tried_of_each: list[list[Attempt]] = []
    is_complete = True
    examples = [example for example in EXAMPLES if kind in example.kind]
    if not examples:
        raise BenchmarkError(f"no kind has a name that contains {kind!r}")
    with Progress(console=console, transient=True) as progress:
        for example in progress.track(examples, description="kinds"):
            name = f"{example.kind}\n  {example.mutant}"
            if example.test in race_tests(example.stage):
                tried = _try_example(example, seeds, stress_seconds)
                tried_of_each.append(tried)
                found = sum(attempt.is_found for attempt in tried)
                table.add_row(name, *_cells(tried))
            else:
                found = _show_example(example, seeds)
                table.add_row(name, f"{found}/{len(seeds)}", *"------")
            is_complete &= found == len(seeds)
    console.print(table)
    console.print(_summary(tried_of_each, stress_seconds))
    return is_complete


def _cells(tried: Sequence[Attempt]) -> tuple[str, ...]:
    schedules = [attempt.schedules for attempt in tried]

    def share(hits: int) -> str:
        return f"{hits}/{len(tried)}"

    return (
        share(sum(attempt.is_found for attempt in tried)),
        f"{statistics.median(schedules):g}",
        str(max(schedules)),
        f"{statistics.median(attempt.seconds for attempt in tried):.2f}",
        share(sum(attempt.is_latent for attempt in tried)),
        share(sum(attempt.is_stressed for attempt in tried)),
        share(sum(attempt.stress_seconds is not None for attempt in tried)),
    )


def _summary(tried_of_each: Sequence[Sequence[Attempt]], stress_seconds: float) -> str:
    """Of how many mutants each run is found: by the search, and by the stress tests."""
    found, as_quick, at_last = (
        sum(all(map(is_hit, tried)) for tried in tried_of_each)
        for is_hit in (
            lambda attempt: attempt.is_found,
            lambda attempt: attempt.is_stressed,
            lambda attempt: attempt.stress_seconds is not None,
        )
    )
    return (
        f"Found in every run, of {len(tried_of_each)} mutants: {found} by the search; {as_quick} by"
        " a stress test of the same programs in the time that the search took,"
        f" {at_last} in {stress_seconds:g} s.\n"
        "s: median seconds until found, the agent's start included. latent: only fine switch points"
        " show it.\n-: no search; threads are parked inside, which shows it directly."
    )


def _try_example(example: Example, seeds: range, stress_seconds: float) -> list[Attempt]:
    tried = []
    with mutant_package(example.stage, example.mutant) as package:
        for seed in seeds:
            drawn = draw(example.stage, example.test, seed)
            attempt = _search(package, drawn)
            programs = [(one.subject, one.workload) for one in drawn]
            stressed = stress(package, programs, max(attempt.seconds, stress_seconds))
            tried.append(attempt._replace(stress_seconds=stressed.found_seconds))
    return tried


def _search(package: Path, drawn: Sequence[Drawn]) -> Attempt:
    """Try programs in order, as a test does, until one fails."""
    started = time.perf_counter()
    with agent(package) as session:
        search, tried = Search(Explorer(session)), 0
        for number, one in enumerate(drawn):
            found = search.try_workload(one.subject, one.workload, number, one.seed, one.schedules)
            if found is not None:
                seconds = time.perf_counter() - started
                # The seeds of a program's schedules count up from the first one's.
                schedules = tried + found.trial.spec[1] - one.seed + 1
                return Attempt(
                    schedules, seconds, is_found=True, is_latent=search.weigh(found).latent
                )
            tried += one.schedules
    return Attempt(tried, time.perf_counter() - started, is_found=False)


def _show_example(example: Example, seeds: range) -> int:
    """Run a test that needs no search once for each seed; in how many runs it caught the mutant."""
    caught = 0
    with mutant_package(example.stage, example.mutant) as package:
        for seed in seeds:
            unit = Unit(example.stage, str(package), seed, only=(example.test,))
            outcomes = run_in_worker(unit).outcomes
            if not outcomes:
                raise BenchmarkError(f"stage {example.stage} has no test {example.test!r}")
            caught += outcomes[0].status in _CAUGHT
    return caught
