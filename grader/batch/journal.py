"""The record of a batch as it goes: one line of JSON for each outcome, appended as it comes.

It is the truth about a run: a killed run goes on from it, and grades can be made from it again with
another rubric. A line counts once it is whole; what a kill left of a last line is cut off before
more is written. A unit counts once its closing line is there: outcomes before a kill in the middle
of a unit are superseded when the unit runs again.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import msgspec

from grader.grading.model import Entry, Evidence, QualityMark, StageRun
from grader.mistake import MistakeError
from grader.outcome import Outcome, UnitResult

JOURNAL_NAME = "outcomes.jsonl"
FORMAT = 1


class JournalError(MistakeError):
    """The record cannot be read; one sentence with file and line."""


class RunLine(msgspec.Struct, frozen=True, tag="run"):
    """The first line: under which conditions the outcomes came about."""

    seed: int
    grader_digest: str
    isolation: str
    format: int = FORMAT


class EntryLine(msgspec.Struct, frozen=True, tag="submission"):
    """A submission is begun; what an earlier line said of one of this name no longer counts."""

    entry: Entry


class StartLine(msgspec.Struct, frozen=True, tag="start"):
    """A unit is begun; its outcomes follow, among those of others."""

    submission: str
    stage: int
    carried: bool


class OutcomeLine(msgspec.Struct, frozen=True, tag="outcome"):
    """One test's outcome."""

    submission: str
    carried: bool
    outcome: Outcome


class UnitLine(msgspec.Struct, frozen=True, tag="unit"):
    """A unit is over; `unit` is its result without the outcomes."""

    submission: str
    carried: bool
    unit: UnitResult


class QualityLine(msgspec.Struct, frozen=True, tag="quality"):
    """What the quality suite measured."""

    submission: str
    marks: tuple[QualityMark, ...]


class DoneLine(msgspec.Struct, frozen=True, tag="done"):
    """A submission is over."""

    submission: str
    seed: int
    seconds: float
    unsteady: tuple[str, ...]
    grader_version: str


class EndLine(msgspec.Struct, frozen=True, tag="end"):
    """All submissions are over: there is nothing to go on with."""


Line = RunLine | EntryLine | StartLine | OutcomeLine | UnitLine | QualityLine | DoneLine | EndLine


@dataclass
class Track:
    """What the record says of one submission."""

    entry: Entry
    outcomes: dict[tuple[int, bool], list[Outcome]] = field(default_factory=dict)
    units: dict[tuple[int, bool], UnitResult] = field(default_factory=dict)
    quality: tuple[QualityMark, ...] | None = None
    done: DoneLine | None = None

    def evidence(self) -> Evidence | None:
        """All that was seen of the submission; None if it was not over."""
        if self.done is None:
            return None
        runs = tuple(
            StageRun(stage, unit, self.units.get((stage, True)))
            for (stage, carried), unit in sorted(self.units.items())
            if not carried
        )
        return Evidence(
            entry=self.entry,
            seed=self.done.seed,
            runs=runs,
            quality=self.quality or (),
            seconds=self.done.seconds,
            unsteady=self.done.unsteady,
            grader_version=self.done.grader_version,
        )


@dataclass
class Past:
    """What a record says: of which run, of which submissions, and up to which byte it is whole."""

    run: RunLine | None = None
    tracks: dict[str, Track] = field(default_factory=dict)
    is_over: bool = False
    whole_bytes: int = 0

    def evidence(self) -> list[Evidence]:
        """All that was seen of the submissions that were over, by name."""
        found = [track.evidence() for _, track in sorted(self.tracks.items())]
        return [evidence for evidence in found if evidence is not None]


def read_journal(out: Path) -> Past:
    """Read the record of the batch in `out`; an empty one where there is none.

    Raises `JournalError` for a line, not the last, that is no line of a record.
    """
    past = Past()
    path = out / JOURNAL_NAME
    if not path.exists():
        return past
    for number, line in _lines(path, past):
        if number == 1 and not isinstance(line, RunLine):
            raise JournalError(f"{path}, line 1: not the record of a batch")
        try:
            _take(past, line)
        except KeyError as unknown:
            raise JournalError(f"{path}, line {number}: {unknown} was never begun") from None
    return past


def _lines(path: Path, past: Past) -> Iterator[tuple[int, Line]]:
    decoder = msgspec.json.Decoder(Line)
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            if not raw.endswith(b"\n"):
                return  # the writer was killed within this line
            try:
                line = decoder.decode(raw)
            except msgspec.DecodeError as problem:
                raise JournalError(f"{path}, line {number}: {problem}") from None
            past.whole_bytes += len(raw)
            yield number, line


def _take(past: Past, line: Line) -> None:
    """Add what one line says."""
    match line:
        case RunLine():
            past.run = line
        case EntryLine(entry):
            past.tracks[entry.name] = Track(entry)
        case StartLine(submission, stage, carried):
            past.tracks[submission].outcomes[stage, carried] = []
        case OutcomeLine(submission, carried, outcome):
            past.tracks[submission].outcomes[outcome.stage, carried].append(outcome)
        case UnitLine(submission, carried, unit):
            track = past.tracks[submission]
            outcomes = tuple(track.outcomes[unit.stage, carried])
            whole = msgspec.structs.replace(unit, outcomes=outcomes)
            track.units[unit.stage, carried] = whole
        case QualityLine(submission, marks):
            past.tracks[submission].quality = marks
        case DoneLine(submission):
            past.tracks[submission].done = line
        case EndLine():
            past.is_over = True


class Journal:
    """Appends to the record in `out`: after the first `keep` bytes of it, the rest is cut off.

    Lines reach the operating system at once, so a killed grader loses none.
    """

    def __init__(self, out: Path, keep: int) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self._file = (out / JOURNAL_NAME).open("ab", buffering=0)
        self._file.truncate(keep)
        self._lock = threading.Lock()  # one line at a time

    def write(self, line: Line) -> None:
        """Append one line."""
        data = msgspec.json.encode(line) + b"\n"
        with self._lock:
            self._file.write(data)

    def write_unit(self, submission: str, unit: UnitResult, *, carried: bool) -> None:
        """Append a unit that is known whole."""
        self.write(StartLine(submission, unit.stage, carried))
        for outcome in unit.outcomes:
            self.write(OutcomeLine(submission, carried, outcome))
        self.close_unit(submission, unit, carried=carried)

    def close_unit(self, submission: str, unit: UnitResult, *, carried: bool) -> None:
        """Append that a unit is over whose outcomes were written as they came."""
        self.write(UnitLine(submission, carried, msgspec.structs.replace(unit, outcomes=())))

    def write_evidence(self, evidence: Evidence) -> None:
        """Append a submission that is known whole."""
        name = evidence.entry.name
        self.write(EntryLine(evidence.entry))
        for run in evidence.runs:
            self.write_unit(name, run.own, carried=False)
            if run.carried is not None:
                self.write_unit(name, run.carried, carried=True)
        self.write(QualityLine(name, evidence.quality))
        self.finish(evidence)

    def finish(self, evidence: Evidence) -> None:
        """Append that a submission is over, and make sure that it is on disk."""
        self.write(
            DoneLine(
                submission=evidence.entry.name,
                seed=evidence.seed,
                seconds=evidence.seconds,
                unsteady=evidence.unsteady,
                grader_version=evidence.grader_version,
            )
        )
        os.fsync(self._file.fileno())

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
