"""The plain files of a zip, listed without unpacking it.

What a zip says of itself is checked before it is believed: how many members, how large, how packed.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Callable
from typing import BinaryIO

from grader.intake.files import (
    IntakeError,
    Item,
    Limits,
    check_amount,
    check_count,
    check_kind,
    member_path,
)
from grader.intake.names import show

# The others may ask for gigabytes of memory to unpack one small file.
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError)
_MEMBER_MARK = b"PK\x01\x02"  # begins each member in the central directory (APPNOTE.TXT, 4.3.12)
_CHUNK_BYTES = 1024 * 1024


def scan_zip(stream: BinaryIO, limits: Limits) -> list[Item]:
    """All plain files in a zip, sorted, without those left by tools; they are read from `stream`,
    which has to stay open as long as items are read.

    Raises `IntakeError` for what is no zip, is damaged or encrypted, has links, devices or names
    that lead outside, or is larger than `limits`.
    """
    # Listing takes memory for each member, however many the zip has: so they are counted first.
    check_count(_count_marks(stream), limits)
    try:
        archive = zipfile.ZipFile(stream)
        members = archive.infolist()
    except _DAMAGED as problem:
        raise IntakeError("it is not a zip file, or it is damaged; make a new zip") from problem
    items = [item for member in members if (item := _item(archive, member)) is not None]
    check_amount(items, limits)
    return sorted(items, key=lambda item: item.path)


def _count_marks(stream: BinaryIO) -> int:
    stream.seek(0)
    count, tail = 0, b""
    while chunk := stream.read(_CHUNK_BYTES):
        data = tail + chunk
        count += data.count(_MEMBER_MARK)
        tail = data[-len(_MEMBER_MARK) + 1 :]
    return count


def _item(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Item | None:
    """Check one member, and turn it into an item; None for a folder or a file left by tools."""
    name = member.orig_filename
    place = member_path(name)
    if place is None:
        return None
    mode = member.external_attr >> 16
    if stat.S_IFMT(mode):
        check_kind(mode, name)
    if name.endswith(("/", "\\")) or stat.S_ISDIR(mode):
        return None
    if member.flag_bits & 0x1:
        raise IntakeError(f"{show(name)} is encrypted; make a zip without a password")
    if member.compress_type not in _METHODS:
        raise IntakeError(f"{show(name)} is compressed in an unusual way; make a plain zip")
    return Item(place, member.file_size, _reader(archive, member))


def _reader(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Callable[[], bytes]:
    damaged = f"{show(member.filename)} in it is damaged; make a new zip"

    def read() -> bytes:
        try:
            with archive.open(member) as file:
                # The declared size was checked; one byte more tells whether it was true.
                data = file.read(member.file_size + 1)
        except _DAMAGED as problem:
            raise IntakeError(damaged) from problem
        if len(data) != member.file_size:
            raise IntakeError(damaged)
        return data

    return read
