"""Grades one submission: which units run, with whose files, and what comes of them.

Running a unit is the caller's (`RunUnit`); scores are `score.py`'s. Invariant: the grade depends on
outcomes and quality alone, never on time or on how many threads ran.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from grader.course import Course
from grader.grading.score import Grade, QualityMark, StageRun, complete, make_grade, reject
from grader.outcome import Outcome, Suite, UnitResult
from grader.quality.marks import measure_quality
from grader.submission import Submission


class RunUnit(Protocol):
    """Runs the tests of one stage against one submission.

    With `carried`, the files of earlier stages are the reference's. Called from several threads.
    """

    def __call__(self, stage: int, submission: Submission, *, carried: bool) -> UnitResult:
        """Return the outcome of every collected test."""


CollectTests = Callable[[int], Sequence[Outcome]]
MeasureQuality = Callable[[Path, Course], Sequence[QualityMark]]


@dataclass(frozen=True)
class Grading:
    """How to grade: the course, the weights, the seed, and how to run a unit.

    `collect` gives every test of a stage, as an outcome of whatever status: what can be earned is
    known from it alone, so a run that dies half way makes no test cheaper.
    `jobs` is how many units may run at once; `clock` gives seconds and is only reported.
    """

    course: Course
    weights: Mapping[Suite, float]
    seed: int
    run: RunUnit
    collect: CollectTests
    jobs: int = 1
    measure: MeasureQuality = measure_quality
    clock: Callable[[], float] = time.monotonic

    def grade(self, submission: Submission) -> Grade:
        """Grade one submission; a rejected one gets 0 and its problem.

        Raises `GradingError` and `QualityError`, and whatever `run` raises.
        """
        numbers = [stage.number for stage in self.course.stages]
        if submission.package_dir is None:
            return reject(
                submission.name,
                submission.problem,
                stages=numbers,
                weights=self.weights,
                seed=self.seed,
            )
        started = self.clock()
        with ThreadPoolExecutor(max_workers=max(1, self.jobs)) as pool:
            try:
                quality = pool.submit(self.measure, submission.package_dir, self.course)
                runs = self._run_stages(pool, submission, numbers)
                marks = quality.result()
            except BaseException:  # an interrupt too: start no unit that nobody waits for
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return make_grade(
            submission.name,
            stages=numbers,
            runs=runs,
            quality=marks,
            weights=self.weights,
            seconds=self.clock() - started,
        )

    def _run_stages(
        self, pool: ThreadPoolExecutor, submission: Submission, numbers: Sequence[int]
    ) -> list[StageRun]:
        """Run each stage with the student's own files, and again where an error may be carried."""

        def start(stage: int, *, carried: bool) -> Future[UnitResult]:
            return pool.submit(self._run_whole, stage, submission, carried=carried)

        own = [start(number, carried=False) for number in numbers]
        runs = [StageRun(number, unit.result()) for number, unit in zip(numbers, own, strict=True)]
        again = {stage: start(stage, carried=True) for stage in stages_to_carry(runs)}
        return [
            msgspec.structs.replace(run, carried=again[run.stage].result())
            if run.stage in again
            else run
            for run in runs
        ]

    def _run_whole(self, stage: int, submission: Submission, *, carried: bool) -> UnitResult:
        return complete(self.run(stage, submission, carried=carried), self.collect(stage))


def stages_to_carry(runs: Sequence[StageRun]) -> list[int]:
    """The stages that fell short after an earlier stage did: its error may be the cause."""
    stages = []
    fell_short = False
    for run in runs:
        if not run.tally.is_full:
            if fell_short:
                stages.append(run.stage)
            fell_short = True
    return stages
