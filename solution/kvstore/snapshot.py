"""Snapshots: the whole store in one file, so that the log need not be replayed from its beginning.

    magic "KVSP" (4) | timestamp i64 | count u32 | count x (key_len u32, key, value_len u32, value)
    | deadline_count u32 | deadline_count x (key_len u32, key, deadline i64)
    | crc32 u32 of all before it

All integers are big-endian; times are in unix nanoseconds. `snapshot-0000000002.kvsp` stands for
all segments before number 2.

Invariants:
- Under its own name a snapshot is whole. What is half written has another name, or is gone.
- Any bytes at all are a snapshot or a `CorruptSnapshotError`.
- Reading and writing take one record at a time: memory never holds the file as well.

Not here: when to take a snapshot, and what it makes superfluous.
"""

from __future__ import annotations

import os
import re
import struct
import sys
import time
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from .errors import CorruptSnapshotError

_MAGIC = b"KVSP"
_HEADER = struct.Struct(">4sqI")  # magic, timestamp, count
_U32 = struct.Struct(">I")
_I64 = struct.Struct(">q")
_KEY_SIZES = range(1, 65_536 + 1)
_VALUE_SIZES = range(67_108_864 + 1)
_NAME = re.compile(r"snapshot-([0-9]{10}|[1-9][0-9]{10,})\.kvsp")


def write_snapshot(
    path: str | os.PathLike[str], items: Mapping[str, bytes], deadlines: Mapping[str, int]
) -> None:
    """Write a snapshot so that, whatever happens, `path` names the old file or the whole new one.

    `deadlines` are in unix nanoseconds. The bytes go to `<path>.tmp` and to the disk before the
    name changes, and the folder goes to the disk after it. An `OSError` leaves no `.tmp` behind.
    """
    path = Path(path)
    temporary = path.with_name(path.name + ".tmp")
    try:
        with temporary.open("wb") as file:
            checksum = 0
            for piece in _pieces(items, deadlines):
                checksum = zlib.crc32(piece, checksum)
                file.write(piece)
            file.write(_U32.pack(checksum))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _fsync_directory(path.parent)


def load_snapshot(path: str | os.PathLike[str]) -> tuple[dict[str, bytes], dict[str, int]]:
    """Return the items and the deadlines (unix nanoseconds) of a snapshot.

    Raises `CorruptSnapshotError` unless every byte is as it was written.
    """
    items: dict[str, bytes] = {}
    deadlines: dict[str, int] = {}
    for key, content in _records(Path(path)):
        if isinstance(content, bytes):
            items[key] = content
        else:
            deadlines[key] = content
    return items, deadlines


def latest_snapshot(data_dir: str | os.PathLike[str]) -> tuple[int, Path] | None:
    """Return number and path of the highest-numbered intact snapshot in a folder, or None.

    Damaged ones are passed over and left where they are.
    """
    names = (_NAME.fullmatch(path.name) for path in Path(data_dir).iterdir())
    for number in sorted((int(name[1]) for name in names if name), reverse=True):
        path = snapshot_path(data_dir, number)
        if _is_intact(path):
            return number, path
    return None


def snapshot_path(data_dir: str | os.PathLike[str], number: int) -> Path:
    """Return the path of a snapshot: `snapshot-0000000002.kvsp` for number 2."""
    return Path(data_dir) / f"snapshot-{number:010d}.kvsp"


def _pieces(items: Mapping[str, bytes], deadlines: Mapping[str, int]) -> Iterator[bytes]:
    """Yield what a snapshot consists of, up to its checksum."""
    yield _HEADER.pack(_MAGIC, time.time_ns(), len(items))
    for key, value in items.items():
        yield _sized(key.encode("utf-8"))
        yield _sized(value)
    yield _U32.pack(len(deadlines))
    for key, deadline_ns in deadlines.items():
        yield _sized(key.encode("utf-8"))
        yield _I64.pack(deadline_ns)


def _sized(data: bytes) -> bytes:
    return _U32.pack(len(data)) + data


def _is_intact(path: Path) -> bool:
    try:
        for _ in _records(path):
            pass
    except CorruptSnapshotError:
        return False
    return True


def _records(path: Path) -> Iterator[tuple[str, bytes | int]]:
    """Yield each key with its value, then each key with its deadline; then judge the checksum.

    So nothing that came out may be believed before the iteration ends.
    """
    with path.open("rb") as file:
        reader = _Reader(file, path)
        magic, _timestamp, count = _HEADER.unpack(reader.take(_HEADER.size))
        if magic != _MAGIC:
            raise reader.corrupt("this is not a snapshot", at=0)
        for _ in range(count):
            yield reader.take_key(), reader.take_sized(_VALUE_SIZES)
        for _ in range(reader.take_u32()):
            yield reader.take_key(), _I64.unpack(reader.take(_I64.size))[0]
        reader.finish()


class _Reader:
    """Takes field after field from a snapshot, and keeps the checksum of what it took."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._path = path
        self._at = 0
        self._end = os.fstat(file.fileno()).st_size - _U32.size  # where the checksum must stand
        self._checksum = 0

    def take(self, size: int) -> bytes:
        # Before reading: a damaged size may claim gigabytes.
        data = self._file.read(size) if size <= self._end - self._at else b""
        if len(data) < size:
            raise self.corrupt(f"{size} more bytes should follow, but the snapshot ends")
        self._checksum = zlib.crc32(data, self._checksum)
        self._at += size
        return data

    def take_u32(self) -> int:
        return int.from_bytes(self.take(_U32.size), "big")

    def take_sized(self, sizes: range) -> bytes:
        size = self.take_u32()
        if size not in sizes:
            raise self.corrupt(f"a length of {size} is out of range", at=self._at - _U32.size)
        return self.take(size)

    def take_key(self) -> str:
        key = self.take_sized(_KEY_SIZES)
        try:
            return key.decode("utf-8")
        except UnicodeDecodeError:
            raise self.corrupt("a key is not UTF-8", at=self._at - len(key)) from None

    def finish(self) -> None:
        if self._file.read(_U32.size + 1) != _U32.pack(self._checksum):
            raise self.corrupt("the checksum is wrong, or is not the end")

    def corrupt(self, what: str, at: int | None = None) -> CorruptSnapshotError:
        offset = self._at if at is None else at
        return CorruptSnapshotError(f"damaged snapshot: {what}", str(self._path), offset)


def _fsync_directory(folder: Path) -> None:
    """Make the names in a folder durable. Windows does so by itself, and cannot open a folder."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
