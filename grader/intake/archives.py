"""Which files are archives, and the one place that opens them, by the end of their name."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import BinaryIO

from grader.intake.files import IntakeError, Item, Limits, check_archive_size
from grader.intake.tars import scan_tar
from grader.intake.zips import scan_zip

_SCANNERS: dict[str, Callable[[BinaryIO, Limits], list[Item]]] = {
    ".zip": scan_zip,
    ".tar.gz": scan_tar,
    ".tgz": scan_tar,
}
_OTHERS = (".tar", ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar")
ENDINGS = (*_SCANNERS, *_OTHERS)


def is_archive(name: str) -> bool:
    """Whether a file of this name is an archive, one that can be read or another."""
    return name.lower().endswith(ENDINGS)


def scan_archive(name: str, stream: BinaryIO, limits: Limits) -> list[Item]:
    """All plain files in an archive; `stream` stays open as long as items are read.

    Raises `IntakeError` for an archive of another kind than zip and tar.gz, and for whatever else
    its reader refuses.
    """
    for ending, scan in _SCANNERS.items():
        if name.lower().endswith(ending):
            return scan(stream, limits)
    if is_archive(name):
        raise IntakeError("it is an archive of a kind that is not read here; make a zip")
    raise IntakeError("it is neither a folder nor an archive; put it in a folder, or make a zip")


def scan_nested(name: str, item: Item, limits: Limits) -> list[Item]:
    """All plain files in an archive that lies in another, or in a folder. Raises `IntakeError`."""
    check_archive_size(item.size, limits)
    return scan_archive(name, io.BytesIO(item.read()), limits)


def without_ending(name: str) -> str:
    """Return a name without what makes it an archive that can be read."""
    for ending in _SCANNERS:
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return name
