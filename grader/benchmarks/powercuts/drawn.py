"""What hidden power-cut tests try, without trying it, and agents to try it with.

A test draws its histories from the run's seed and its own name, so what is drawn here is just what
a run with that seed tries. Not here: having histories run, and measuring.
"""

from __future__ import annotations

import inspect
import math
import random
import runpy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from grader.course import load_course
from grader.oracle.history import Op
from grader.powercuts.agent import PowerAgent
from grader.powercuts.case import Trial
from grader.powercuts.effects import Tree
from grader.powercuts.subject import Subject
from grader.remote.process import choose_isolation
from grader.remote.session import CALL_SECONDS, Session
from grader.remote.trace import Trace
from grader.unit.bench import Bench

STAGES = (3, 4, 5)


@dataclass
class Drawn:
    """What a test tries: histories that are cut off from power, and whether it also lets the disk
    fail, or opens damaged folders; what comes after the first of these is not drawn.
    """

    trials: list[Trial] = field(default_factory=list)
    has_faults: bool = False
    has_damage: bool = False


class _Enough(Exception):  # noqa: N818  (ends a drawing early)
    """The test would look at what a package answers."""


class _Notebook:
    """Stands in for the fixture `power`: writes down what it is asked to try."""

    def __init__(self) -> None:
        self.drawn = Drawn()

    def explore(
        self,
        subject: Subject,
        history: Sequence[Op],
        *,
        files: Mapping[str, bytes] | None = None,
        faults: Sequence[Any] = (),
        interval: float = 1.0,
        every_byte: bool = True,
    ) -> None:
        """Note a history."""
        if faults:
            self.drawn.has_faults = True
        else:
            trial = trial_of(subject, history, files, interval)
            self.drawn.trials.append(replace(trial, every_byte=every_byte))

    def explore_faults(self, *_args: Any, **_options: Any) -> None:
        """Note that the disk fails; nobody knows at what."""
        self.drawn.has_faults = True
        raise _Enough

    def reopen(self, *_args: Any, **_options: Any) -> None:
        """Note that folders are opened; nobody knows what comes of it."""
        self.drawn.has_damage = True
        raise _Enough


def trial_of(
    subject: Subject,
    history: Sequence[Op],
    files: Mapping[str, bytes] | None = None,
    interval: float = 1.0,
) -> Trial:
    """A history of which all calls are kept, in a folder that holds `files`, none within another
    folder.
    """
    whole = tuple(history)
    return Trial(subject, whole, (1 << len(whole)) - 1, Tree(dict(files or {})), (), interval)


@cache
def power_tests(stage: int) -> Mapping[str, Callable[..., None]]:
    """The hidden tests of a stage that ask for the power switch, by name."""
    return {
        name: value
        for path in sorted(load_course().stage(stage).hidden_tests.glob("test_*.py"))
        for name, value in runpy.run_path(str(path)).items()
        if name.startswith("test_") and "power" in inspect.signature(value).parameters
    }


def draw(stage: int, seed: int) -> dict[str, Drawn]:
    """What each power-cut test of a stage tries in a run with this seed."""
    return {name: draw_one(test, f"{seed}:{name}") for name, test in power_tests(stage).items()}


def draw_one(test: Callable[..., None], seed: str) -> Drawn:
    """What one test tries, with this seed of its randomness."""
    notebook = _Notebook()
    fixtures = {"power": notebook, "rng": random.Random(seed)}
    with suppress(_Enough):
        test(**{name: fixtures[name] for name in inspect.signature(test).parameters})
    return notebook.drawn


@contextmanager
def power_agent(package: Path, *, forks: bool = True) -> Iterator[PowerAgent]:
    """The agents of a test, behind the walls of this machine; they have as long as it takes. One
    that does not fork opens each state in its own process.
    """
    bench = Bench(package, choose_isolation())
    try:
        with bench.slot() as slot:
            first = [slot.process]
            session = Session(
                lambda: first.pop() if first else bench.start(slot.work_dir),
                Trace(),
                CALL_SECONDS,
                slot.work_dir / "data",
                math.inf,
            )
            try:
                yield PowerAgent(session, is_debugged=not forks)
            finally:
                session.kill()
    finally:
        bench.close()
