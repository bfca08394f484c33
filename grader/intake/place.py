"""Where submissions may lie: a folder on disk or the top of an archive, seen the same way.

A `Place` is what lies directly in one; each folder and archive in it is a `Source`, read only when
it is asked for its files. What of this is a submission is decided in `classes.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from grader.intake.archives import is_archive, scan_archive, scan_nested
from grader.intake.files import (
    CLASS,
    ONE,
    IntakeError,
    Item,
    check_amount,
    check_archive_size,
    check_count,
)
from grader.intake.folder import check_is_plain, disk_item, list_folder, scan_folder
from grader.students import Student


@dataclass(frozen=True)
class Source:
    """A folder or an archive that may be a submission.

    `scan` lists its files and raises `IntakeError`; `archives_deep` is how many archives they come
    out of; `look_into` gives what lies directly in it, where it may hold several submissions.
    """

    name: str
    scan: Callable[[], Sequence[Item]]
    archives_deep: int = 0
    is_archive: bool = False
    is_clone: bool = False
    look_into: Callable[[], Place] | None = None


@dataclass(frozen=True)
class Place:
    """What lies directly in a folder or an archive, by name; `archives_deep` as of a `Source`."""

    sources: Sequence[Source]
    files: Sequence[Item]
    archives_deep: int = 0


@dataclass(frozen=True)
class HandIn:
    """A submission as it was found, and what the learning platform's export says of it.

    `participant` is Moodle's number of the student in this assignment.
    """

    source: Source
    students: tuple[Student, ...] = ()
    submitted: datetime | None = None
    participant: str = ""


@contextmanager
def open_path(path: Path) -> Iterator[Source]:
    """Open a folder or an archive as one source; what it gives is readable within the context."""
    if path.is_dir():
        yield _folder_source(path, path.name)
        return
    with path.open("rb") as stream:
        yield _archive_source(path, stream)


def _folder_source(path: Path, name: str) -> Source:
    return Source(
        name,
        scan=lambda: scan_folder(path, ONE),
        is_clone=(path / ".git").exists(),
        look_into=lambda: _folder_place(path),
    )


def _folder_place(path: Path) -> Place:
    sources, files = [], []
    check_is_plain(path)
    for count, entry in enumerate(list_folder(path), start=1):
        check_count(count, CLASS)
        child = path / entry.name
        if entry.is_file(follow_symlinks=False) and not is_archive(entry.name):
            files.append(disk_item(child, PurePosixPath(entry.name)))
        elif entry.is_dir(follow_symlinks=False):
            sources.append(_folder_source(child, entry.name))
        else:
            sources.append(_file_source(child))
    by_name = sorted(sources, key=lambda source: source.name)
    return Place(by_name, sorted(files, key=lambda item: item.path))


def _file_source(path: Path) -> Source:
    """An archive in a folder, opened only while it is listed: what it holds stays in memory."""

    def scan() -> Sequence[Item]:
        check_is_plain(path)
        return scan_nested(path.name, disk_item(path, PurePosixPath(path.name)), ONE)

    return Source(path.name, scan, archives_deep=1, is_archive=True)


def _archive_source(path: Path, stream: BinaryIO) -> Source:
    """An archive that was given: one submission within `ONE`, or a class within `CLASS`."""
    size = path.stat().st_size

    def scan() -> Sequence[Item]:
        check_archive_size(size, ONE)
        return scan_archive(path.name, stream, ONE)

    def look_into() -> Place:
        check_archive_size(size, CLASS)
        limits = CLASS if path.name.lower().endswith(".zip") else ONE
        return _items_place(scan_archive(path.name, stream, limits), 1)

    return Source(path.name, scan, archives_deep=1, is_archive=True, look_into=look_into)


def _items_place(items: Sequence[Item], deep: int) -> Place:
    """What lies directly in a folder of an archive, given all files below it."""
    folders: dict[str, list[Item]] = {}
    sources, files = [], []
    for item in items:
        top, *rest = item.path.parts
        if rest:
            below = Item(PurePosixPath(*rest), item.size, item.read)
            folders.setdefault(top, []).append(below)
        elif is_archive(top):
            sources.append(_nested_source(item, deep))
        else:
            files.append(item)
    sources += [_part_source(name, below, deep) for name, below in folders.items()]
    return Place(sorted(sources, key=lambda source: source.name), files, deep)


def _nested_source(item: Item, deep: int) -> Source:
    name = item.path.name
    return Source(name, lambda: scan_nested(name, item, ONE), deep + 1, is_archive=True)


def _part_source(name: str, items: Sequence[Item], deep: int) -> Source:
    def scan() -> Sequence[Item]:
        check_amount(items, ONE)
        return items

    return Source(name, scan, deep, look_into=lambda: _items_place(items, deep))


def refused(name: str, problem: str) -> Source:
    """A source that holds no files, for the reason given."""

    def scan() -> Sequence[Item]:
        raise IntakeError(problem)

    return Source(name, scan)
