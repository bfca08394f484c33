"""The plain files of a `.tar.gz`, unpacked into memory up to a limit and never to disk."""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
import zlib
from typing import BinaryIO

from grader.intake.files import (
    IntakeError,
    Item,
    Limits,
    check_amount,
    check_count,
    check_kind,
    mebibytes,
    member_path,
)
from grader.intake.names import show

_BLOCK_BYTES = 512
_HEADER_BYTES = 4 * _BLOCK_BYTES  # a member's header, a long name and padding
_DAMAGED = (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, RecursionError)
_SAID = "it is not a .tar.gz file, or it is damaged; make a new one, or a zip"


def scan_tar(stream: BinaryIO, limits: Limits) -> list[Item]:
    """All plain files in a gzipped tar, sorted, without those left by tools.

    Raises `IntakeError` for what is no such archive or is damaged, has links, devices, sparse files
    or names that lead outside, or is larger than `limits`.
    """
    data = _unpacked(stream, limits)
    items = []
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:", errorlevel=2) as archive:
            for count, member in enumerate(archive, start=1):
                check_count(count, limits)
                item = _item(archive, member)
                items += [item] if item is not None else []
    except _DAMAGED as problem:
        raise IntakeError(_SAID) from problem
    check_amount(items, limits)
    return sorted(items, key=lambda item: item.path)


def _unpacked(stream: BinaryIO, limits: Limits) -> bytes:
    """The tar itself, all of it: a small file may be the whole of a huge one in zeros."""
    most = limits.unpacked_bytes_max + limits.files_max * _HEADER_BYTES
    stream.seek(0)
    try:
        with gzip.GzipFile(fileobj=stream) as unzipped:
            data = unzipped.read(most + 1)
    except _DAMAGED as problem:
        raise IntakeError(_SAID) from problem
    if len(data) > most:
        raise IntakeError(f"it unpacks to more than {mebibytes(limits.unpacked_bytes_max)}")
    return data


def _item(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Item | None:
    """Check one member, and read it; None for a folder or a file left by tools."""
    name = member.name
    place = member_path(name)
    if place is None or member.isdir():
        return None
    if member.issym() or member.islnk():
        raise IntakeError(f"{show(name)} is a link; put the file itself there")
    if member.issparse():
        raise IntakeError(f"{show(name)} is a sparse file; pack plain files, or make a zip")
    check_kind(stat.S_IFREG if member.isreg() else stat.S_IFCHR, name)
    file = archive.extractfile(member)
    content = file.read() if file is not None else b""
    if len(content) != member.size:
        raise IntakeError(f"{show(name)} in it is damaged; make a new archive")
    return Item(place, member.size, lambda: content)
