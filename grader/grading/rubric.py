"""What outcomes are worth: weights, points, lateness and a human's marks, read from `rubric.toml`.

Invariants: a rubric never needs code to run again, so grades can be made anew from stored evidence;
every name, sum and type in the file is checked, and what is wrong is one sentence with file and
line. How a score is computed from it belongs to `score.py`.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from grader.grading.model import FULL_SCORE, Adjustment, Entry, StageRun
from grader.grading.rubric_file import RubricFile
from grader.outcome import LATENT_SHARE, STRICT_SHARE, SUITES, Outcome, Suite, UnitResult
from grader.students import members

RUBRIC_FILE = Path(__file__).with_name("rubric.toml")
_DAY = timedelta(days=1)
_TABLES = ("suites", "races", "powercuts", "points", "leave_out", "late", "mark")


@dataclass(frozen=True)
class Late:
    """What lateness costs: `per_day` points of the 100 for each day begun after `due`, at most
    `cap`; nothing within the grace.
    """

    due: datetime
    grace: timedelta
    per_day: float
    cap: float

    def adjustment(self, submitted: datetime) -> Adjustment | None:
        """What a submission of that moment loses, None if it is in time."""
        if submitted <= self.due + self.grace:
            return None
        days = math.ceil((submitted - self.due) / _DAY)
        lost = min(self.per_day * days, self.cap)
        after = "1 day" if days == 1 else f"{days} days"
        return Adjustment(f"late: {after} begun after {self.due:%Y-%m-%d %H:%M %Z}", -lost)


@dataclass(frozen=True)
class ManualMark:
    """Points that a human adds or takes; `submission` is its name, student id or e-mail."""

    submission: str
    points: float
    comment: str

    def is_for(self, entry: Entry) -> bool:
        """Whether it is this submission's."""
        return self.submission in _names_of(entry)


@dataclass(frozen=True)
class Rubric:
    """How outcomes become a score; `file` is where it was read from, `latent_share` and
    `strict_share` are what of its points a test brings whose failure is latent, or strict.
    """

    weights: Mapping[Suite, float]
    file: RubricFile
    points: Mapping[str, float] = field(default_factory=dict)
    leave_out: tuple[str, ...] = ()
    late: Late | None = None
    marks: tuple[ManualMark, ...] = ()
    latent_share: float = LATENT_SHARE
    strict_share: float = STRICT_SHARE

    def apply(self, runs: Iterable[StageRun]) -> list[StageRun]:
        """Return the runs with the tests that count and what they are worth here; a stage of which
        no test counts is dropped.
        """
        applied = [
            StageRun(run.stage, self._unit(run.own), run.carried and self._unit(run.carried))
            for run in runs
        ]
        return [run for run in applied if run.own.outcomes]

    def adjustments(self, entry: Entry) -> tuple[Adjustment, ...]:
        """What is added to a submission's score, or taken from it: marks first, then lateness."""
        found = [Adjustment(mark.comment, mark.points) for mark in self.marks if mark.is_for(entry)]
        if self.late is not None and entry.submitted is not None:
            late = self.late.adjustment(entry.submitted)
            found += [late] if late is not None else []
        return tuple(found)

    def check_names(self, tests: Collection[str], entries: Collection[Entry]) -> None:
        """Raise `RubricError` for the name of a test or a submission that does not exist."""
        known = {name for test in tests for name in _names(test)}
        for name in (*self.points, *self.leave_out):
            if name not in known:
                raise self.file.error(name, f"no test is called {name!r}{_near(name, known)}")
        people = {name for entry in entries for name in _names_of(entry)}
        for mark in self.marks:
            if not any(mark.is_for(entry) for entry in entries):
                near = _near(mark.submission, people)
                raise self.file.error(
                    mark.submission, f"no submission is called {mark.submission!r}{near}"
                )

    def _unit(self, unit: UnitResult) -> UnitResult:
        outcomes = tuple(self._worth(o) for o in unit.outcomes if not self._is_left_out(o))
        return msgspec.structs.replace(unit, outcomes=outcomes)

    def _is_left_out(self, outcome: Outcome) -> bool:
        return any(name in self.leave_out for name in _names(outcome.test))

    def _worth(self, outcome: Outcome) -> Outcome:
        priced = (self.points[name] for name in _names(outcome.test) if name in self.points)
        points = next(priced, outcome.points)
        return msgspec.structs.replace(
            outcome, points=points, latent_share=self.latent_share, strict_share=self.strict_share
        )


def load_rubric(path: Path | None = None) -> Rubric:
    """Read a rubric; what it leaves out is as in the bundled one (None). Raises `RubricError`."""
    file = RubricFile.read(path or RUBRIC_FILE)
    file.check_keys("", file.data, _TABLES)
    weights = _weights(file) if path is None or "suites" in file.data else load_rubric().weights
    return Rubric(
        weights=weights,
        file=file,
        points=_points(file),
        leave_out=file.names("leave_out"),
        late=_late(file),
        marks=_marks(file),
        latent_share=_share(file, "races", "latent", LATENT_SHARE),
        strict_share=_share(file, "powercuts", "strict", STRICT_SHARE),
    )


def _weights(file: RubricFile) -> dict[Suite, float]:
    table = file.table("suites")
    file.check_keys("suites", table, SUITES)
    missing = [suite for suite in SUITES if suite not in table]
    if missing:
        raise file.error("suites", f"no weight for {missing[0]}")
    weights = {suite: file.number(table, suite, 0, FULL_SCORE) for suite in SUITES}
    total = math.fsum(weights.values())
    if not math.isclose(total, FULL_SCORE, abs_tol=1e-9):
        raise file.error("suites", f"the weights add up to {total:g}, not {FULL_SCORE:g}")
    return weights


def _share(file: RubricFile, table_name: str, key: str, default: float) -> float:
    """Read the only key of a table: a share of a test's points, 0 to 1."""
    table = file.table(table_name)
    file.check_keys(table_name, table, (key,))
    return file.number(table, key, 0, 1, default=default)


def _points(file: RubricFile) -> dict[str, float]:
    table = file.table("points")
    return {name: file.number(table, name, 0, 1000) for name in table}


def _late(file: RubricFile) -> Late | None:
    table = file.table("late")
    if not table:
        return None
    file.check_keys("late", table, ("due", "grace_minutes", "per_day", "cap"))
    due = table.get("due")
    if not isinstance(due, datetime) or due.tzinfo is None:
        raise file.error("due", "due must be a moment with its zone, such as 2026-11-20T23:59:00Z")
    return Late(
        due=due,
        grace=timedelta(minutes=file.number(table, "grace_minutes", 0, 100_000, default=0)),
        per_day=file.number(table, "per_day", 0, FULL_SCORE),
        cap=file.number(table, "cap", 0, FULL_SCORE, default=FULL_SCORE),
    )


def _marks(file: RubricFile) -> tuple[ManualMark, ...]:
    marks = []
    for table in file.tables("mark"):
        file.check_keys("mark", table, ("submission", "points", "comment"))
        submission = file.text_of(table, "submission")
        points = file.number(table, "points", -FULL_SCORE, FULL_SCORE)
        marks.append(ManualMark(submission, points, file.text_of(table, "comment")))
    return tuple(marks)


def _names(test: str) -> tuple[str, ...]:
    """All that a rubric may call a test, the most exact first."""
    place, _, name = test.partition("::")
    function = name.partition("[")[0]
    folders = place.split("/")
    above = ["/".join(folders[:depth]) for depth in range(len(folders), 0, -1)]
    return (test, f"{place}::{function}", name, function, *above)


def _names_of(entry: Entry) -> list[str]:
    """All that a rubric may call a submission: its name, or its students' ids and e-mails."""
    people = [name for one in members(entry.student) for name in (one.id, one.email)]
    return [entry.name, *filter(None, people)]


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
