"""The matrix: which test catches which mutant.

Each mutant stands in for the submission in one run of its stage's tests. A test catches it by any
outcome but `passed` and `error`; `error` is the grader's fault and is reported as a problem.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from grader.course import REFERENCE_DIR, load_course
from grader.mutants.catalog import Mutant, mutate
from grader.outcome import UnitResult
from grader.unit import Unit, assemble
from grader.unit.worker import run_in_worker


@dataclass(frozen=True)
class Row:
    """One mutant's run."""

    mutant: Mutant
    result: UnitResult

    @property
    def caught_by(self) -> list[str]:
        """The names of the tests that did not pass."""
        bad = ("failed", "timeout", "crashed", "skipped")
        return [outcome.name for outcome in self.result.outcomes if outcome.status in bad]

    @property
    def problems(self) -> list[str]:
        """What went wrong on the grader's side."""
        errors = [o.name for o in self.result.outcomes if o.status == "error"]
        return [*errors, self.result.problem] if self.result.problem else errors


@dataclass(frozen=True)
class Matrix:
    """The rows of one stage, and the tests that caught nothing."""

    stage: int
    rows: list[Row]

    @property
    def survivors(self) -> list[Mutant]:
        """Mutants that no test caught."""
        return [row.mutant for row in self.rows if not row.caught_by]

    @property
    def idle_tests(self) -> list[str]:
        """Hidden tests that caught no mutant."""
        caught = {name for row in self.rows for name in row.caught_by}
        hidden = {o.name for row in self.rows for o in row.result.outcomes if o.hidden}
        return sorted(hidden - caught)

    @property
    def problems(self) -> list[str]:
        """What went wrong on the grader's side."""
        return [f"{row.mutant.name}: {text}" for row in self.rows for text in row.problems]


def fill(
    stage: int,
    mutants: Sequence[Mutant],
    seed: int,
    jobs: int = 1,
    report: Callable[[Row], None] = lambda row: None,
) -> Matrix:
    """Run the tests of `stage` on each mutant, `jobs` at a time; `report` is told each row as it
    comes.
    """

    def run(mutant: Mutant) -> Row:
        row = Row(mutant, _run_one(stage, mutant, seed))
        report(row)
        return row

    with ThreadPoolExecutor(jobs) as pool:
        return Matrix(stage, list(pool.map(run, mutants)))


def _run_one(stage: int, mutant: Mutant, seed: int) -> UnitResult:
    changed = mutate(mutant)
    with tempfile.TemporaryDirectory(prefix="kv-mutant-") as name:
        submission = Path(name) / "submission"
        shutil.copytree(REFERENCE_DIR, submission, ignore=shutil.ignore_patterns("__pycache__"))
        (submission / mutant.file).write_text(changed, encoding="utf-8")
        course = load_course()
        # A mistake in a file of a later stage than the tests' would be replaced by that stage's
        # skeleton.
        package = assemble(course, stage, submission, Path(name) / "package")
        return run_in_worker(Unit(stage, str(package), seed))
