"""Moodle's "Download all submissions": `Full Name_12345_assignsubmission_file_` folders or files.

The names are made in Moodle's `mod/assign/classes/downloader.php`: the full name (its underscores
are blanks), the student's number in this assignment, and the kind of what was handed in, then a
slash or the file's own name. With blind marking the name is "Participant". An online text is not a
file of the course, and is left aside. The number is what Moodle's grading worksheet calls
"Participant 12345"; it is the student's id until a roster says another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from grader.intake.files import ONE, Item, check_amount
from grader.intake.place import HandIn, Place, Source, refused
from grader.students import Student

_NAME = re.compile(r"(.+?)_(\d+)_assignsubmission_(file|onlinetext)(?:_(.*)|)", re.DOTALL)
_BLIND = "Participant"


@dataclass
class _Parts:
    """What one student handed in: how to list each part of it."""

    archives_deep: int
    scans: list[Callable[[], Sequence[Item]]] = field(default_factory=list)


def read_moodle(place: Place) -> Sequence[HandIn] | None:
    """Return the submissions of a download, by name; None where no name in it is Moodle's.

    Folders and archives of other names are submissions too.
    """
    students: dict[tuple[str, str], _Parts] = {}
    others = []
    for source in place.sources:
        if (found := _NAME.fullmatch(source.name)) is None:
            others.append(HandIn(source))
            continue
        parts = _parts_of(found, students, source.archives_deep)
        if found[3] == "file":
            parts.scans.append(source.scan)
    for item in place.files:
        if (found := _NAME.fullmatch(item.path.name)) is not None:
            parts = _parts_of(found, students, place.archives_deep)
            if found[3] == "file" and found[4]:
                parts.scans.append(_one_file(item, found[4]))
    if not students:
        return None
    return others + [_hand_in(*who, parts) for who, parts in sorted(students.items())]


def _parts_of(found: re.Match[str], students: dict[tuple[str, str], _Parts], deep: int) -> _Parts:
    parts = students.setdefault((found[1], found[2]), _Parts(deep))
    parts.archives_deep = max(parts.archives_deep, deep)
    return parts


def _one_file(item: Item, name: str) -> Callable[[], Sequence[Item]]:
    return lambda: [Item(PurePosixPath(name), item.size, item.read)]


def _hand_in(full_name: str, number: str, parts: _Parts) -> HandIn:
    name = f"{full_name}_{number}"
    student = Student(
        id=f"Participant {number}", name="" if full_name == _BLIND else full_name.strip()
    )

    def scan() -> Sequence[Item]:
        items = [item for scan in parts.scans for item in scan()]
        check_amount(items, ONE)
        return items

    if parts.scans:
        source = Source(name, scan, parts.archives_deep)
    else:
        source = refused(name, "an online text was handed in, and no file")
    return HandIn(source, (student,), participant=number)
