"""What hidden race tests try, without trying it, and the packages that the benchmarks try it on.

A test draws its programs from the run's seed and its own name, so what is drawn here is just what
a run with that seed tries. Not here: having programs run, and measuring.
"""

from __future__ import annotations

import importlib.util
import inspect
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from grader.course import REFERENCE_DIR, load_course
from grader.mistake import MistakeError
from grader.mutants.catalog import load_mutants, mutate
from grader.oracle.workload import Workload, workloads
from grader.races.problem import Subject
from grader.remote.process import AgentProcess, choose_isolation
from grader.remote.session import Session
from grader.remote.trace import Trace
from grader.testkit.races import PROGRAMS, SCHEDULES
from grader.unit import assemble

MEMORY_CALLS = (
    *("get", "exists", "ttl", "deadline", "set", "delete", "setnx", "incr", "expire", "expire_at"),
    *("persist", "keys", "__len__", "dump", "purge_expired"),
)
DESIGNS_DIR = Path(__file__).parents[2] / "checks" / "designs"


class BenchmarkError(MistakeError):
    """A test, mutant or design that a benchmark names is not there."""


@dataclass(frozen=True)
class Drawn:
    """One program that a test tries, under how many schedules, and the seed of the first."""

    subject: Subject
    workload: Workload
    seed: int
    schedules: int


class _Notebook:
    """Stands in for the fixture `races`: writes down what it is asked to try."""

    def __init__(self, rng: random.Random) -> None:
        self.drawn: list[Drawn] = []
        self._rng = rng

    def explore(
        self,
        subject: Subject,
        *,
        aim: Sequence[str],
        programs: int = PROGRAMS,
        schedules: int = SCHEDULES,
        **wanted: Any,
    ) -> None:
        """Draw programs as `Races.explore` does."""
        drawn = workloads(self._rng, aim=aim, count=programs, **wanted)
        self.run(subject, *drawn, schedules=schedules)

    def run(self, subject: Subject, *programs: Workload, schedules: int = SCHEDULES) -> None:
        """Note each program, with a seed as `Races.run` draws it."""
        for workload in programs:
            seed = self._rng.getrandbits(30)
            self.drawn.append(Drawn(subject, workload, seed, schedules))


@cache
def race_tests(stage: int) -> Mapping[str, Callable[[Any], None]]:
    """The hidden tests of a stage that look for races, by name."""
    paths = sorted(load_course().stage(stage).hidden_tests.glob("test_*_races.py"))
    return {
        name: value
        for path in paths
        for name, value in vars(_load(path)).items()
        if name.startswith("test_") and list(inspect.signature(value).parameters) == ["races"]
    }


def draw(stage: int, test: str, seed: int) -> list[Drawn]:
    """What a test tries in a run with this seed; raises `BenchmarkError` if there is no such."""
    tests = race_tests(stage)
    if test not in tests:
        raise BenchmarkError(f"stage {stage} has no race test {test!r}; it has {', '.join(tests)}")
    notebook = _Notebook(random.Random(f"{seed}:{test}"))
    tests[test](notebook)
    return notebook.drawn


@contextmanager
def mutant_package(stage: int, name: str) -> Iterator[Path]:
    """The package of a mutant; raises `BenchmarkError` if there is none of that name."""
    found = [mutant for mutant in load_mutants(stage) if mutant.name == name]
    if not found:
        raise BenchmarkError(f"stage {stage} has no mutant {name!r}")
    with _package(stage, {found[0].file: mutate(found[0])}) as package:
        yield package


@contextmanager
def design_package(stage: int, design: str) -> Iterator[Path]:
    """The package of a correct design; "reference" is the reference itself."""
    paths = [] if design == "reference" else sorted((DESIGNS_DIR / design).glob("*.py"))
    if not paths and design != "reference":
        raise BenchmarkError(f"there is no design {design!r} in {DESIGNS_DIR.name}/")
    helpers = sorted(DESIGNS_DIR.glob("*.py")) if paths else []
    files = {path.name: path.read_text(encoding="utf-8") for path in [*helpers, *paths]}
    with _package(stage, files) as package:
        yield package


@contextmanager
def agent(package: Path) -> Iterator[Session]:
    """An agent for a package, behind the walls of this machine."""
    isolation = choose_isolation()
    with tempfile.TemporaryDirectory(prefix="kv-races-") as name:
        folder = Path(name).resolve()
        data = folder / "data"
        data.mkdir()
        session = Session(lambda: AgentProcess(isolation, package, folder), Trace(), data_dir=data)
        try:
            yield session
        finally:
            session.kill()


@contextmanager
def _package(stage: int, files: Mapping[str, str]) -> Iterator[Path]:
    """The reference with some files in the place of its own, assembled for a stage."""
    with tempfile.TemporaryDirectory(prefix="kv-bench-") as name:
        folder = Path(name).resolve()
        submission = folder / "submission"
        shutil.copytree(REFERENCE_DIR, submission, ignore=shutil.ignore_patterns("__pycache__"))
        for file, source in files.items():
            (submission / file).write_text(source, encoding="utf-8")
        yield assemble(load_course(), stage, submission, folder / "package")


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"races_of_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
