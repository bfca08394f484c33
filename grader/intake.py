"""What a folder or a zip holds, read with suspicion: the names, sizes and bytes of plain files.

Invariants: nothing is written, run or followed; every name is relative, printable and without `..`;
what cannot be read safely is an `IntakeError`. Which files matter is decided in `submission.py`.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

FILES_MAX = 2_000  # files and folders in one submission
UNPACKED_BYTES_MAX = 50 * 1024 * 1024
ARCHIVE_BYTES_MAX = 20 * 1024 * 1024

# Made by tools, never by the student on purpose; links in them are common and harmless.
_TOOLS_FOLDERS = frozenset({"__MACOSX", "__pycache__", "node_modules", "site-packages", "venv"})
# The others may ask for gigabytes of memory to unpack one small file.
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_MOUNT_POINT_TAG = 0xA0000003  # a Windows junction: a link to a folder
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError)


class IntakeError(Exception):
    """A submission cannot be read safely; the message is one clause about it."""


@dataclass(frozen=True)
class Item:
    """One plain file: its place within the submission, its size in bytes, and how to read it."""

    path: PurePosixPath
    size: int
    read: Callable[[], bytes]


def is_noise(name: str) -> bool:
    """Whether a name is left by tools: hidden, a cache, an environment, or not printable."""
    return name.startswith(".") or name in _TOOLS_FOLDERS or not name.isprintable()


def fold_name(name: str) -> str:
    """The same text for all names that some file system holds for one."""
    return unicodedata.normalize("NFC", name).casefold()


def check_is_plain(path: Path) -> None:
    """Raise `IntakeError` unless `path` itself is a plain file or folder, and not a link."""
    _check_kind(path.lstat(), path.name)


def scan_folder(root: Path) -> list[Item]:
    """All plain files below `root`, sorted, without those left by tools.

    Raises `IntakeError` for a link, a device or a FIFO, and for more than `FILES_MAX` entries.
    """
    items: list[Item] = []
    pending = [PurePosixPath()]
    seen = 0
    while pending:
        folder = pending.pop()
        for entry in _scan(root / folder):
            seen += 1
            if seen > FILES_MAX:
                raise IntakeError(f"it holds more than {FILES_MAX:,} files")
            place = folder / entry.name
            info = entry.stat(follow_symlinks=False)
            _check_kind(info, str(place))
            if stat.S_ISDIR(info.st_mode):
                pending.append(place)
            else:
                items.append(Item(place, info.st_size, _file_reader(root / place)))
    return sorted(items, key=lambda item: item.path)


def scan_zip(path: Path) -> list[Item]:
    """All plain files in a zip, sorted, without those left by tools; nothing is unpacked.

    Raises `IntakeError` for what is no zip, is damaged or encrypted, has links, devices, names that
    lead outside or that differ in case alone, or is larger than the limits of this module.
    """
    if path.stat().st_size > ARCHIVE_BYTES_MAX:
        raise IntakeError(f"the file is larger than {_mebibytes(ARCHIVE_BYTES_MAX)}")
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except _DAMAGED as problem:
        raise IntakeError("it is not a zip file, or it is damaged; make a new zip") from problem
    if len(members) > FILES_MAX:
        raise IntakeError(f"it holds more than {FILES_MAX:,} files")
    if sum(member.file_size for member in members) > UNPACKED_BYTES_MAX:
        raise IntakeError(f"it unpacks to more than {_mebibytes(UNPACKED_BYTES_MAX)}")
    items = [item for member in members if (item := _zip_item(path, member)) is not None]
    _check_names(items)
    return sorted(items, key=lambda item: item.path)


def _scan(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from (entry for entry in entries if not is_noise(entry.name))
    except OSError as problem:
        raise IntakeError(f"{folder.name} cannot be read: {problem.strerror}") from problem


def _check_kind(info: os.stat_result, name: str) -> None:
    is_junction = getattr(info, "st_reparse_tag", 0) == _MOUNT_POINT_TAG
    if stat.S_ISLNK(info.st_mode) or is_junction:
        raise IntakeError(f"{name} is a link; put the file itself there")
    if not (stat.S_ISREG(info.st_mode) or stat.S_ISDIR(info.st_mode)):
        raise IntakeError(f"{name} is a device, a socket or a FIFO; only plain files are taken")


def _file_reader(path: Path) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            return path.read_bytes()
        except OSError as problem:
            raise IntakeError(f"{path.name} cannot be read: {problem.strerror}") from problem

    return read


def _zip_item(archive: Path, member: zipfile.ZipInfo) -> Item | None:
    """Check one member, and turn it into an item; None for a folder or a file left by tools."""
    name = member.orig_filename.replace("\\", "/")
    place = PurePosixPath(name)
    if name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in place.parts:
        raise IntakeError(f"{name!r} leads outside the archive; zip the folder that holds kvstore")
    if not place.parts or any(is_noise(part) for part in place.parts):
        return None
    mode = stat.S_IFMT(member.external_attr >> 16)
    if stat.S_ISLNK(mode):
        raise IntakeError(f"{name} is a link; put the file itself there")
    if mode and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise IntakeError(f"{name} is a device, a socket or a FIFO; only plain files are taken")
    if name.endswith("/") or stat.S_ISDIR(mode):
        return None
    if member.flag_bits & 0x1:
        raise IntakeError(f"{name} is encrypted; make a zip without a password")
    if member.compress_type not in _METHODS:
        raise IntakeError(f"{name} is compressed in an unusual way; make a plain zip")
    return Item(place, member.file_size, _member_reader(archive, member))


def _member_reader(archive: Path, member: zipfile.ZipInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            with zipfile.ZipFile(archive) as opened, opened.open(member) as stream:
                # The declared size was checked; one byte more tells whether it was true.
                data = stream.read(member.file_size + 1)
        except _DAMAGED as problem:
            raise IntakeError(f"{member.filename} in it is damaged; make a new zip") from problem
        if len(data) != member.file_size:
            raise IntakeError(f"{member.filename} in it is damaged; make a new zip")
        return data

    return read


def _check_names(items: list[Item]) -> None:
    """Two names that some file systems hold for one would depend on the grader's machine."""
    seen: dict[str, PurePosixPath] = {}
    for item in items:
        other = seen.setdefault(fold_name(str(item.path)), item.path)
        if other is not item.path:
            raise IntakeError(f"{other} and {item.path} differ in case alone, or not at all")


def _mebibytes(size: int) -> str:
    return f"{size // (1024 * 1024)} MiB"
