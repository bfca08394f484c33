"""Reads a class list: the columns of a CSV file, by the names that platforms give them.

Columns may come in any order; those that nothing is known of are left aside. What is wrong is one
sentence with file and line. How rows meet submissions belongs to `roster.py`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from grader.intake.names import show
from grader.mistake import MistakeError
from grader.students import Student, group

ROSTER_BYTES_MAX = 10 * 1024 * 1024

# What a column is called, in small letters and without blanks and signs; the first found counts.
_COLUMNS: Mapping[str, Sequence[str]] = {
    "folder": ("folder", "submission", "submissionfolder", "directory", "path"),
    "participant": ("participant", "participantid", "participantnumber", "moodleid"),
    "github": ("githubusername", "githubuser", "github", "githublogin"),
    "email": ("email", "emailaddress", "mail", "studentemail"),
    "id": (
        *("sid", "studentid", "studentnumber", "sisuserid", "idnumber", "matriculationnumber"),
        *("userid", "id"),
    ),
    "name": ("fullname", "name", "studentname", "student"),
    "first": ("firstname", "givenname", "forename"),
    "last": ("lastname", "surname", "familyname"),
    "submitted": ("submitted", "submittedat", "submissiontime", "handedin"),
    # Moodle's worksheet says "Participant 12" here, GitHub Classroom the id or the e-mail.
    "identifier": ("identifier",),
}
_KEYS = ("folder", "participant", "github", "email", "id")
_PARTICIPANT = re.compile(r"(?:Participant\s+)?(\d+)", re.ASCII)


class RosterError(MistakeError):
    """The class list cannot be used: one sentence with file and line."""


@dataclass(frozen=True)
class Row:
    """One line of the roster: the student, and the names by which a submission may be theirs.

    `keys` are pairs of a column, such as "folder", and the name in it as it is compared.
    """

    line: int
    student: Student
    keys: frozenset[tuple[str, str]]
    submitted: datetime | None = None


def read_rows(path: Path) -> tuple[Row, ...]:
    """Read a class list: CSV in UTF-8 with a line of headers, between commas, semicolons or tabs.

    Raises `RosterError` for what is not that, for a roster that names no submission, for two rows
    that claim the same name, and for a moment without a zone.
    """
    text = _text(path)
    separator = max(",;\t", key=lambda sign: len(_columns(_first_line(text, sign))))
    lines = _lines(path, text, separator)
    _, header = next(lines, (1, []))
    columns = _columns(header)
    if not columns.keys() & {*_KEYS, "identifier"}:
        raise RosterError(
            f"{path}, line 1: no column names a submission; it needs one of folder, e-mail, "
            f"student id, GitHub username or participant"
        )
    rows = []
    owners: dict[tuple[str, str], int] = {}
    for line, values in lines:
        if len(values) != len(header):
            raise RosterError(
                f"{path}, line {line}: {len(values)} values, and the header has {len(header)}"
            )
        row = _row(path, line, {name: values[at].strip() for name, at in columns.items()})
        for column, name in sorted(row.keys):
            other = owners.setdefault((column, name), line)
            if other != line:
                raise RosterError(
                    f"{path}, line {line}: the {column} {show(name)} is in line {other} already"
                )
        rows.append(row)
    return tuple(rows)


def _text(path: Path) -> str:
    data = path.read_bytes()
    if len(data) > ROSTER_BYTES_MAX:
        raise RosterError(f"{path}: larger than {ROSTER_BYTES_MAX:,} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        raise RosterError(f"{path}, line {line}: not UTF-8; save it as CSV UTF-8") from problem


def _first_line(text: str, separator: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=separator), [])
    except csv.Error:
        return []  # said with its line when the file is read


def _lines(path: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """The lines that are not empty, with the number of the line in which each begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = 1
    try:
        for values in reader:
            if any(value.strip() for value in values):
                yield line, values
            line = reader.line_num + 1
    except csv.Error as problem:
        raise RosterError(f"{path}, line {line}: not CSV: {problem}") from problem


def _columns(header: Sequence[str]) -> dict[str, int]:
    """Where the columns are that the roster knows."""
    bare = [re.sub(r"[\W_]", "", name).casefold() for name in header]
    found = {}
    for column, names in _COLUMNS.items():
        at = next((bare.index(name) for name in names if name in bare), None)
        if at is not None:
            found[column] = at
    return found


def _row(path: Path, line: int, values: dict[str, str]) -> Row:
    _spread_identifier(values)
    participant = values.get("participant", "")
    number = _PARTICIPANT.fullmatch(participant)
    if participant and number is None:
        raise RosterError(f"{path}, line {line}: {show(participant)} is no participant's number")
    full_name = f"{values.get('first', '')} {values.get('last', '')}".strip()
    student = Student(
        values.get("id", ""), values.get("email", ""), values.get("name", "") or full_name
    )
    keys = {column: values.get(column, "") for column in _KEYS}
    keys["participant"] = number[1] if number else ""
    return Row(
        line,
        group([student]),
        frozenset((column, compared(name)) for column, name in keys.items() if name),
        _moment(path, line, values.get("submitted", "")),
    )


def _spread_identifier(values: dict[str, str]) -> None:
    """Take an `identifier` for what it looks like, unless a column of its own says it."""
    text = values.pop("identifier", "")
    is_participant = text.startswith("Participant ")
    column = "participant" if is_participant else ("email" if "@" in text else "id")
    values[column] = values.get(column) or text


def _moment(path: Path, line: int, text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise RosterError(
            f"{path}, line {line}: submitted is {show(text)}; write it with its zone, such as "
            f"2026-11-20T23:59:00Z"
        )
    return moment


def compared(name: str) -> str:
    """A name as it is compared: case, outer blanks and a last slash do not matter."""
    return " ".join(name.split()).casefold().rstrip("/")
