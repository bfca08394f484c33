"""Gathers the evidence on one submission: which units run, and with whose files.

Running a unit is the caller's (`RunUnit`); scores are `score.py`'s. Invariant: the evidence depends
on the submission and the seed alone, never on time or on how many threads ran.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import msgspec

from grader.course import Course
from grader.grading.model import Evidence, QualityMark, StageRun
from grader.grading.score import complete
from grader.outcome import Outcome, UnitResult
from grader.submission import Submission
from grader.work import is_untouched


class RunUnit(Protocol):
    """Runs the tests of one stage against one submission.

    With `carried`, the files of earlier stages are the reference's. Called from several threads.
    """

    def __call__(self, stage: int, submission: Submission, *, carried: bool) -> UnitResult:
        """Return the outcome of every collected test."""


CollectTests = Callable[[int], Sequence[Outcome]]
MeasureQuality = Callable[[Submission], Sequence[QualityMark]]


@dataclass(frozen=True)
class Gathering:
    """How to gather: the course, the seed, how to run a unit and how to measure quality.

    `collect` gives every test of a stage, as an outcome of whatever status: what can be earned is
    known from it alone, so a run that dies half way makes no test cheaper.
    `jobs` is how many units of one submission may be under way; `clock` gives seconds and is only
    reported.
    """

    course: Course
    seed: int
    run: RunUnit
    collect: CollectTests
    measure: MeasureQuality
    jobs: int = 1
    clock: Callable[[], float] = time.monotonic

    def gather(self, submission: Submission) -> Evidence:
        """Run one submission; where there is nothing to run, its entry's problem says so.

        Raises `GradingError` and `QualityError`, and whatever `run` raises.
        """
        if submission.package_dir is None:
            return Evidence(submission.entry, self.seed)
        started = self.clock()
        with ThreadPoolExecutor(max_workers=max(1, self.jobs)) as pool:
            try:
                quality = pool.submit(self.measure, submission)
                runs = self._run_stages(pool, submission)
                marks = tuple(quality.result())
            except BaseException:  # an interrupt too: start no unit that nobody waits for
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        seconds = self.clock() - started
        return Evidence(submission.entry, self.seed, tuple(runs), marks, seconds)

    def _run_stages(self, pool: ThreadPoolExecutor, submission: Submission) -> list[StageRun]:
        """Run each stage with the student's own files, and again where an error may be carried."""

        def start(stage: int, *, carried: bool) -> Future[UnitResult]:
            return pool.submit(self._run_whole, stage, submission, carried=carried)

        numbers = [stage.number for stage in self.course.stages]
        own = [start(number, carried=False) for number in numbers]
        runs = [StageRun(number, unit.result()) for number, unit in zip(numbers, own, strict=True)]
        again = {
            number: start(number, carried=True)
            for number in stages_to_carry(runs)
            if number not in self._untouched(submission)
        }
        return [
            msgspec.structs.replace(run, carried=again[run.stage].result())
            if run.stage in again
            else run
            for run in runs
        ]

    def _untouched(self, submission: Submission) -> set[int]:
        """The stages in which nothing is written yet: no earlier file can make them pass."""
        folder = submission.package_dir
        assert folder is not None
        return {stage.number for stage in self.course.stages if is_untouched(stage, folder)}

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
