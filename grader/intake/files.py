"""One plain file of a submission, and how much of what was handed in is read at most.

Invariants: a file is never larger than it said; every path is relative and without `..`; what
cannot be read safely is an `IntakeError`.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from grader.intake.names import show

_MIB = 1024 * 1024
# Made by tools, never by the student on purpose; links in them are common and harmless.
_TOOLS_FOLDERS = frozenset({"__MACOSX", "__pycache__", "node_modules", "site-packages", "venv"})


class IntakeError(Exception):
    """A submission cannot be read safely; the message is one clause about it."""


@dataclass(frozen=True)
class Limits:
    """How much is read: files and folders, bytes of an archive, and bytes unpacked."""

    files_max: int
    archive_bytes_max: int
    unpacked_bytes_max: int


ONE = Limits(files_max=2_000, archive_bytes_max=20 * _MIB, unpacked_bytes_max=50 * _MIB)
"""For one submission."""

CLASS = Limits(files_max=200_000, archive_bytes_max=2_048 * _MIB, unpacked_bytes_max=8_192 * _MIB)
"""For an archive of submissions; each of them has to keep to `ONE` besides."""


@dataclass(frozen=True)
class Item:
    """One plain file: its place within the submission, its size in bytes, and how to read it."""

    path: PurePosixPath
    size: int
    read: Callable[[], bytes]


def is_noise(name: str) -> bool:
    """Whether a name is left by tools: hidden, a cache or an environment."""
    return name.startswith(".") or name in _TOOLS_FOLDERS


def member_path(name: str) -> PurePosixPath | None:
    """Return the place of an archive's member; None when it is left by tools, or the archive's top.

    Raises `IntakeError` for a name that leads outside the archive.
    """
    name = name.replace("\\", "/")
    place = PurePosixPath(name)
    if name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in place.parts:
        raise IntakeError(
            f"{show(name)} leads outside the archive; pack the folder that holds kvstore"
        )
    if not place.parts or any(is_noise(part) for part in place.parts):
        return None
    return place


def check_kind(mode: int, name: str) -> None:
    """Raise `IntakeError` unless `mode` is a plain file's or a folder's."""
    if stat.S_ISLNK(mode):
        raise IntakeError(f"{show(name)} is a link; put the file itself there")
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise IntakeError(
            f"{show(name)} is a device, a socket or a FIFO; only plain files are taken"
        )


def check_archive_size(size: int, limits: Limits) -> None:
    """Raise `IntakeError` for an archive of more bytes than are read."""
    if size > limits.archive_bytes_max:
        raise IntakeError(f"the file is larger than {mebibytes(limits.archive_bytes_max)}")


def check_amount(items: Iterable[Item], limits: Limits) -> None:
    """Raise `IntakeError` for more files, or more bytes in them, than are read."""
    sizes = [item.size for item in items]
    check_count(len(sizes), limits)
    if sum(sizes) > limits.unpacked_bytes_max:
        raise IntakeError(f"it unpacks to more than {mebibytes(limits.unpacked_bytes_max)}")


def check_count(count: int, limits: Limits) -> None:
    """Raise `IntakeError` for more files and folders than are read."""
    if count > limits.files_max:
        raise IntakeError(f"it holds more than {limits.files_max:,} files")


def mebibytes(size: int) -> str:
    """Return a size in words: "50 MiB"."""
    return f"{size // _MIB} MiB"
