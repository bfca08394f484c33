"""The plain files of a folder on disk; links are neither followed nor taken."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from grader.intake.files import IntakeError, Item, Limits, check_count, check_kind, is_noise
from grader.intake.names import show

_MOUNT_POINT_TAG = 0xA0000003  # a Windows junction: a link to a folder


def scan_folder(root: Path, limits: Limits) -> list[Item]:
    """All plain files below `root`, sorted, without those left by tools.

    Raises `IntakeError` for a link, a device or a FIFO, `root` itself included, and for more files
    and folders than the limits allow.
    """
    check_is_plain(root)
    items: list[Item] = []
    pending = [PurePosixPath()]
    seen = 0
    while pending:
        folder = pending.pop()
        for entry in list_folder(root / folder):
            seen += 1
            check_count(seen, limits)
            place = folder / entry.name
            info = entry.stat(follow_symlinks=False)
            check_kind(_mode(info), str(place))
            if stat.S_ISDIR(info.st_mode):
                pending.append(place)
            else:
                items.append(disk_item(root / place, place))
    return sorted(items, key=lambda item: item.path)


def list_folder(folder: Path) -> Iterator[os.DirEntry[str]]:
    """What is directly in a folder, without what tools left. Raises `IntakeError`."""
    try:
        with os.scandir(folder) as entries:
            yield from (entry for entry in entries if not is_noise(entry.name))
    except OSError as problem:
        raise IntakeError(f"{show(folder.name)} cannot be read: {problem.strerror}") from problem


def check_is_plain(path: Path) -> None:
    """Raise `IntakeError` unless `path` itself is a plain file or folder, and not a link."""
    try:
        info = path.lstat()
    except OSError as problem:
        raise IntakeError(f"{show(path.name)} cannot be read: {problem.strerror}") from problem
    check_kind(_mode(info), path.name)


def disk_item(path: Path, place: PurePosixPath) -> Item:
    """A file on disk as an item; reading it gives as many bytes as it has now, or an error."""
    size = path.lstat().st_size
    return Item(place, size, _reader(path, size))


def _reader(path: Path, size: int) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            with path.open("rb") as file:
                # One byte more tells whether the file has grown since it was looked at.
                data = file.read(size + 1)
        except OSError as problem:
            raise IntakeError(f"{show(path.name)} cannot be read: {problem.strerror}") from problem
        if len(data) != size:
            raise IntakeError(f"{show(path.name)} changed while it was read; try again")
        return data

    return read


def _mode(info: os.stat_result) -> int:
    is_junction = getattr(info, "st_reparse_tag", 0) == _MOUNT_POINT_TAG
    return stat.S_IFLNK if is_junction else info.st_mode
