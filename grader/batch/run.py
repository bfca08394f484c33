"""Runs a batch of submissions, several units at a time, and yields the evidence on each.

Each unit gets a freshly assembled package in a folder of its own, and a worker process of its own:
whatever a submission does to either, the next unit and the next submission start clean. What was
seen before, in a killed run of the same batch or in the cache, is not run again. What comes of the
evidence is the caller's.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec

from grader.batch.cache import Cache, grader_digest
from grader.batch.journal import (
    EndLine,
    EntryLine,
    Journal,
    OutcomeLine,
    Past,
    QualityLine,
    RunLine,
    StartLine,
    Track,
    read_journal,
)
from grader.course import Course
from grader.grading.gather import Gathering, MeasureQuality, RunUnit
from grader.grading.model import Evidence, QualityMark
from grader.grading.score import complete
from grader.outcome import Outcome, UnitResult
from grader.own_lines import own_failure
from grader.quality.marks import measure_quality
from grader.submission import Submission
from grader.unit import Unit, assemble
from grader.unit.collect import collect_tests
from grader.unit.run import new_seed
from grader.unit.worker import run_in_worker

Work = Callable[[Unit, Callable[[Outcome], None]], UnitResult]


class Watch(Protocol):
    """Is told how a batch goes on; called from several threads."""

    def begun(self, submission: str) -> None:
        """A submission is begun."""

    def saw(self, submission: str, outcome: Outcome) -> None:
        """A test's outcome is there."""


@dataclass(frozen=True)
class Batch:
    """How to run a batch.

    `out` holds its record; `seed` None takes that of the run that is gone on with, or a new one.
    `isolation` names the walls, as `Unit.isolation`. `jobs` is how many units run at once. With
    `twice` each submission runs a second time, and tests whose outcome was another one are named;
    `before` is an older record, compared likewise where it came about in the same way.
    With `again` nothing of the past is used. `work` runs one unit.
    """

    course: Course
    out: Path
    isolation: str
    watch: Watch
    seed: int | None = None
    jobs: int = 1
    cache: Cache | None = None
    twice: bool = False
    again: bool = False
    before: Past = field(default_factory=Past)
    work: Work = run_in_worker

    def run(self, submissions: Sequence[Submission]) -> Iterator[Evidence]:
        """Run the submissions and yield the evidence on each as soon as it is whole.

        Raises `JournalError`, `GradingError`, `QualityError` and `CourseError`.
        """
        past = self._past()
        seed = self._seed(past)
        for stage in self.course.stages:
            collect_tests(stage.number)  # once, before several threads ask for it
        with Journal(self.out, past.whole_bytes) as journal:
            if past.run is None:
                journal.write(RunLine(seed, grader_digest(), self.isolation))
            runner = _Runner(self, seed, journal, past)
            yield from runner.run(submissions)
            journal.write(EndLine())

    def _seed(self, past: Past) -> int:
        if past.run is not None:
            return past.run.seed
        return new_seed() if self.seed is None else self.seed

    def _past(self) -> Past:
        """The record to go on with: of an unfinished run under the same conditions."""
        if self.again:
            return Past()
        past = read_journal(self.out)
        run = past.run
        if run is None or past.is_over or self.seed not in (None, run.seed):
            return Past()
        return past if self.is_like(run) else Past()

    def is_like(self, run: RunLine | None) -> bool:
        """Whether a run came about by the same grader, tests and walls."""
        now = (grader_digest(), self.isolation)
        return run is not None and (run.grader_digest, run.isolation) == now


class _Runner:
    """One run of a batch: its seed, its record, and how many units may run at once."""

    def __init__(self, batch: Batch, seed: int, journal: Journal, past: Past) -> None:
        self._batch = batch
        self._seed = seed
        self._journal = journal
        self._past = past
        self._turns = threading.Semaphore(batch.jobs)

    def run(self, submissions: Iterable[Submission]) -> Iterator[Evidence]:
        """Run all, as many at once as there are jobs, so that one that hangs holds up no other."""
        with ThreadPoolExecutor(max_workers=self._batch.jobs) as pool:
            waiting = [pool.submit(self._one, submission) for submission in submissions]
            try:
                for done in as_completed(waiting):
                    yield done.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _one(self, submission: Submission) -> Evidence:
        """The evidence on one submission: as recorded, as cached, or by running it."""
        entry = submission.entry
        track = self._past.tracks.get(entry.name)
        is_begun = track is not None and track.entry.digest == entry.digest
        track = track if track is not None and is_begun else Track(entry)
        known = track.evidence()
        if known is not None:
            return msgspec.structs.replace(known, entry=entry)
        self._batch.watch.begun(entry.name)
        known = self._cached(submission)
        if known is not None:
            self._journal.write_evidence(known)
            return known
        if not is_begun:
            self._journal.write(EntryLine(entry))
        evidence = self._recorded(track).gather(submission)
        evidence = msgspec.structs.replace(evidence, unsteady=self._unsteady(submission, evidence))
        self._journal.finish(evidence)
        if self._batch.cache is not None:
            self._batch.cache.put(evidence)
        return evidence

    def _unsteady(self, submission: Submission, evidence: Evidence) -> tuple[str, ...]:
        """The tests that another run of the same files with the same seed saw otherwise."""
        others = []
        if self._batch.twice:
            others.append(self._gathering(self._run, self._measure).gather(submission))
        others += [seen for seen in self._batch.before.evidence() if self._is_alike(seen, evidence)]
        return tuple(dict.fromkeys(t for other in others for t in differing(evidence, other)))

    def _is_alike(self, older: Evidence, evidence: Evidence) -> bool:
        """Whether older evidence is on the same files, by the same tests, seed and walls."""
        if not self._batch.is_like(self._batch.before.run):
            return False
        ours = (evidence.entry.name, evidence.entry.digest, evidence.seed)
        return (older.entry.name, older.entry.digest, older.seed) == ours

    def _cached(self, submission: Submission) -> Evidence | None:
        batch = self._batch
        if batch.cache is None or batch.again or batch.twice:
            return None
        return batch.cache.get(submission.entry, batch.seed)

    def _recorded(self, track: Track) -> Gathering:
        """Gathers what `track` does not know yet, and records it."""
        name, journal = track.entry.name, self._journal

        def run(stage: int, submission: Submission, *, carried: bool) -> UnitResult:
            known = track.units.get((stage, carried))
            if known is not None:
                return known

            def report(outcome: Outcome) -> None:
                journal.write(OutcomeLine(name, carried, outcome))
                self._batch.watch.saw(name, outcome)

            journal.write(StartLine(name, stage, carried))
            ran = self._run(stage, submission, carried=carried, report=report)
            whole = complete(ran, collect_tests(stage))
            for lost in whole.outcomes[len(ran.outcomes) :]:
                report(lost)
            journal.close_unit(name, whole, carried=carried)
            return whole

        def measure(submission: Submission) -> Sequence[QualityMark]:
            marks = track.quality
            if marks is None:
                marks = self._measure(submission)
                journal.write(QualityLine(name, marks))
            return marks

        return self._gathering(run, measure)

    def _gathering(self, run: RunUnit, measure: MeasureQuality) -> Gathering:
        batch = self._batch
        return Gathering(batch.course, self._seed, run, collect_tests, measure, batch.jobs)

    def _run(
        self,
        stage: int,
        submission: Submission,
        *,
        carried: bool,
        report: Callable[[Outcome], None] = lambda outcome: None,
    ) -> UnitResult:
        """Run one unit in a worker when it is its turn."""
        assert submission.package_dir is not None
        course, isolation = self._batch.course, self._batch.isolation
        with self._turns, tempfile.TemporaryDirectory(prefix="kv-unit-") as name:
            package = assemble(course, stage, submission.package_dir, Path(name), carried=carried)
            unit = Unit(stage, str(package), self._seed, isolation=isolation)
            if not carried:
                return self._batch.work(unit, report)
            ran = self._batch.work(unit, lambda outcome: report(own_frames(outcome, course)))
            outcomes = tuple(own_frames(outcome, course) for outcome in ran.outcomes)
            return msgspec.structs.replace(ran, outcomes=outcomes)

    def _measure(self, submission: Submission) -> tuple[QualityMark, ...]:
        assert submission.package_dir is not None
        return tuple(measure_quality(submission.package_dir, self._batch.course))


def own_frames(outcome: Outcome, course: Course) -> Outcome:
    """The same outcome without lines of files that were the reference's: nobody is to read them."""
    if outcome.failure is None:
        return outcome

    def is_reference(file: str) -> bool:
        return (course.stage_of(file) or outcome.stage) < outcome.stage

    return msgspec.structs.replace(outcome, failure=own_failure(outcome.failure, is_reference))


def differing(one: Evidence, other: Evidence) -> tuple[str, ...]:
    """The tests of which two runs of the same files with the same seed saw different outcomes."""
    first, second = (
        {o.test: o.status for run in seen.runs for o in run.chosen.outcomes}
        for seen in (one, other)
    )
    return tuple(test for test, status in first.items() if second.get(test) != status)
