"""The class list: whose each submission is.

A row names a submission by one or more of its folder, the student's e-mail, id or GitHub user, and
Moodle's number of the participant. Rows and submissions meet by equal names alone, never by similar
ones: what does not meet is reported. The file itself is read in `roster_file.py`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from grader.intake.archives import without_ending
from grader.roster_file import RosterError, Row, compared, read_rows
from grader.students import Student, group, members

if TYPE_CHECKING:
    from grader.submission import Submission

__all__ = ["Match", "Roster", "RosterError", "Row", "load_roster"]


@dataclass(frozen=True)
class Match:
    """The submissions with the roster's students, and what did not meet.

    `missing` are students without a submission, `unlisted` names of submissions without a row, and
    `doubtful` sentences about rows and submissions that contradict each other.
    """

    submissions: tuple[Submission, ...]
    missing: tuple[Student, ...]
    unlisted: tuple[str, ...]
    doubtful: tuple[str, ...]

    def sentences(self) -> list[str]:
        """What did not meet, in words; the names in them are still hostile text."""
        people = [one.name or one.email or one.id or "a student" for one in self.missing]
        said = [f"{who} is on the roster and handed in nothing" for who in people]
        said += [f"{name} is not on the roster" for name in self.unlisted]
        return said + list(self.doubtful)


@dataclass
class _Finding:
    """What was seen while the submissions were matched."""

    taken: dict[int, str] = field(default_factory=dict)  # by line: the submission that has the row
    unlisted: list[str] = field(default_factory=list)
    doubtful: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Roster:
    """The rows of a class list, no two of which claim the same name."""

    rows: tuple[Row, ...]

    def match(self, submissions: Iterable[Submission]) -> Match:
        """Give each submission the student that the roster names for it.

        What the roster leaves empty stays as the export said; its `submitted` counts before the
        export's. The members of a group are looked for one by one, by e-mail and id.
        """
        finding = _Finding()
        matched = tuple(self._with_student(one, finding) for one in submissions)
        missing = tuple(row.student for row in self.rows if row.line not in finding.taken)
        return Match(matched, missing, tuple(finding.unlisted), tuple(finding.doubtful))

    def _with_student(self, submission: Submission, finding: _Finding) -> Submission:
        entry = submission.entry
        people = members(entry.student)
        if len(people) > 1:
            rows = [self._row_of(submission.name, _keys_of(one), finding) for one in people]
        else:
            keys = _keys_of(people[0]) | _names_of(submission)
            rows = [self._row_of(submission.name, keys, finding)]
        if not any(rows):
            finding.unlisted.append(submission.name)
            return submission
        if not all(rows):
            finding.doubtful.append(f"{submission.name}: not all its students are on the roster")
        students = [_joined(*pair) for pair in zip(people, rows, strict=True)]
        moments = [row.submitted for row in rows if row is not None and row.submitted]
        entry = msgspec.structs.replace(
            entry,
            student=group(students),
            submitted=max(moments, default=entry.submitted),
        )
        return dataclasses.replace(submission, entry=entry)

    def _row_of(self, name: str, keys: frozenset[tuple[str, str]], finding: _Finding) -> Row | None:
        """The one row that shares a name with `keys`; none where there are several."""
        found = [row for row in self.rows if row.keys & keys] or self._by_repository(keys)
        if len(found) > 1:
            lines = " and ".join(str(row.line) for row in found)
            finding.doubtful.append(f"{name}: lines {lines} of the roster both name it")
            return None
        for row in found:
            other = finding.taken.setdefault(row.line, name)
            if other != name:
                finding.doubtful.append(f"{name}: line {row.line} of the roster has {other} too")
        return found[0] if found else None

    def _by_repository(self, keys: frozenset[tuple[str, str]]) -> list[Row]:
        """GitHub Classroom calls a repository by the assignment, a hyphen and the user."""
        folders = [name for column, name in keys if column == "folder"]
        return [
            row
            for row in self.rows
            for column, user in row.keys
            if column == "github" and any(name.endswith(f"-{user}") for name in folders)
        ]


def load_roster(path: Path) -> Roster:
    """Read a class list. Raises `RosterError`, and `OSError` for a file that is not there."""
    return Roster(read_rows(path))


def _keys_of(student: Student) -> frozenset[tuple[str, str]]:
    pairs = (("id", student.id), ("email", student.email))
    return frozenset((column, compared(text)) for column, text in pairs if text)


def _names_of(submission: Submission) -> frozenset[tuple[str, str]]:
    """The names of the submission itself; a folder may be named with its archive's ending."""
    found_as = submission.found_as
    folders = {found_as, without_ending(found_as), submission.name} - {""}
    keys = {("folder", compared(name)) for name in folders}
    keys |= {("github", compared(name)) for name in folders}
    keys |= {("participant", submission.participant)} if submission.participant else set()
    return frozenset(keys)


def _joined(student: Student, row: Row | None) -> Student:
    """The roster's student, with the export's where the roster is silent."""
    if row is None:
        return student
    told = row.student
    return Student(told.id or student.id, told.email or student.email, told.name or student.name)
