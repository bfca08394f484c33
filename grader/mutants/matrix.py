"""The matrix: which test catches which mutant.

A mutant stands in for the submission in a run of its stage's tests: of those that are recorded as
catching it, or, for a whole matrix, of all. A test catches it when it fails, hangs or crashes;
`skipped` shows nothing, and `error` is the grader's fault and is reported as a problem.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from grader.course import REFERENCE_DIR, load_course
from grader.mutants.catalog import Mutant, mutate
from grader.outcome import UnitResult
from grader.remote.process import choose_isolation
from grader.unit import Unit, assemble
from grader.unit.collect import collect_tests
from grader.unit.worker import WarmWorkers

# How many tests are recorded with a mutant: more than one, because a race is not caught every time.
RECORDED_MAX = 3
_CAUGHT = ("failed", "timeout", "crashed")


@dataclass(frozen=True)
class Row:
    """One mutant's run."""

    mutant: Mutant
    result: UnitResult

    @property
    def caught_by(self) -> list[str]:
        """The names of the tests that did not pass."""
        return [outcome.name for outcome in self.result.outcomes if outcome.status in _CAUGHT]

    @property
    def problems(self) -> list[str]:
        """What went wrong on the grader's side."""
        errors = [o.name for o in self.result.outcomes if o.status == "error"]
        return [*errors, self.result.problem] if self.result.problem else errors


@dataclass(frozen=True)
class Matrix:
    """The rows of one stage, and the names of its hidden tests."""

    stage: int
    rows: list[Row]
    hidden: frozenset[str]

    @property
    def survivors(self) -> list[Mutant]:
        """Mutants that no test caught."""
        return [row.mutant for row in self.rows if not row.caught_by]

    @property
    def idle_tests(self) -> list[str]:
        """Hidden tests that caught no mutant."""
        return sorted(self.hidden - {name for row in self.rows for name in row.caught_by})

    @property
    def problems(self) -> list[str]:
        """What went wrong on the grader's side."""
        return [f"{row.mutant.name}: {text}" for row in self.rows for text in row.problems]


def fill(
    stage: int,
    mutants: Sequence[Mutant],
    seed: int,
    *,
    whole: bool = False,
    jobs: int = 1,
    report: Callable[[Row], None] = lambda row: None,
) -> Matrix:
    """Run tests of `stage` on each mutant, `jobs` at a time; `report` is told each row as it comes.

    With `whole` all tests are run on every mutant, else only those recorded with it.
    """
    workers, isolation = WarmWorkers(), choose_isolation().key

    def run(mutant: Mutant) -> Row:
        only = () if whole else mutant.caught_by
        with _assembled(stage, mutant) as package:
            result = workers.run(Unit(stage, str(package), seed, only=only, isolation=isolation))
        row = Row(mutant, result)
        report(row)
        return row

    with ThreadPoolExecutor(jobs) as pool:
        rows = list(pool.map(run, mutants))
    return Matrix(stage, rows, frozenset(o.name for o in collect_tests(stage) if o.hidden))


def choose_tests(matrix: Matrix) -> Mapping[str, list[str]]:
    """Choose the tests to record with each mutant: the rarest catchers, and every hidden test
    somewhere.
    """
    often = Counter(name for row in matrix.rows for name in row.caught_by)
    chosen = {
        row.mutant.name: sorted(row.caught_by, key=lambda name: (often[name], name))[:RECORDED_MAX]
        for row in matrix.rows
    }
    used = {name for names in chosen.values() for name in names}
    for test in sorted(matrix.hidden - used):
        catching = [row.mutant.name for row in matrix.rows if test in row.caught_by]
        if catching:
            chosen[min(catching, key=lambda name: len(chosen[name]))].append(test)
    return chosen


@contextmanager
def _assembled(stage: int, mutant: Mutant) -> Iterator[Path]:
    """The mutant's package, in a folder of its own for as long as it is needed."""
    changed = mutate(mutant)
    with tempfile.TemporaryDirectory(prefix="kv-mutant-") as name:
        submission = Path(name) / "submission"
        shutil.copytree(REFERENCE_DIR, submission, ignore=shutil.ignore_patterns("__pycache__"))
        (submission / mutant.file).write_text(changed, encoding="utf-8")
        yield assemble(load_course(), stage, submission, Path(name) / "package")
