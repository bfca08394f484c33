"""Snapshots: the whole store in one file, so that the log need not be replayed from its beginning.

    magic "KVSP" (4) | timestamp i64 | count u32 | count x (key_len u32, key, value_len u32, value)
    | deadline_count u32 | deadline_count x (key_len u32, key, deadline i64)
    | crc32 u32 of all before it
"""

from __future__ import annotations

import os
import re
import struct
import time
import zlib
from collections.abc import Mapping
from pathlib import Path

from .errors import CorruptSnapshotError

_MAGIC = b"KVSP"
_KEY_BYTES_MAX = 65_536
_VALUE_BYTES_MAX = 67_108_864
_NAME = re.compile(r"snapshot-([0-9]{10}|[1-9][0-9]{10,})\.kvsp")
_U32 = struct.Struct(">I")
_I64 = struct.Struct(">q")


def write_snapshot(
    path: str | os.PathLike[str], items: Mapping[str, bytes], deadlines: Mapping[str, int]
) -> None:
    """Write a snapshot so that, whatever happens, `path` names the old file or the whole new one."""
    target = Path(path)
    temporary = target.with_name(target.name + ".tmp")
    try:
        with open(temporary, "wb") as file:
            crc = 0
            for part in _parts(items, deadlines):
                crc = zlib.crc32(part, crc)
                file.write(part)
            file.write(_U32.pack(crc))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _parts(items: Mapping[str, bytes], deadlines: Mapping[str, int]):
    yield _MAGIC + _I64.pack(time.time_ns()) + _U32.pack(len(items))
    for key, value in items.items():
        yield _with_length(key.encode()) + _U32.pack(len(value))
        yield value
    yield _U32.pack(len(deadlines))
    for key, deadline_ns in deadlines.items():
        yield _with_length(key.encode()) + _I64.pack(deadline_ns)


def _with_length(data: bytes) -> bytes:
    return _U32.pack(len(data)) + data


class _Reader:
    """Walks through a snapshot's bytes and refuses whatever does not fit."""

    def __init__(self, path: Path, data: bytes) -> None:
        self.path = path
        self.data = data
        self.position = 0

    def corrupt(self, message: str, offset: int | None = None) -> CorruptSnapshotError:
        where = self.position if offset is None else offset
        return CorruptSnapshotError(message, str(self.path), where)

    def take(self, size: int) -> bytes:
        part = self.data[self.position : self.position + size]
        if len(part) < size:
            raise self.corrupt(f"{size} bytes expected, {len(part)} are left")
        self.position += size
        return part

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def i64(self) -> int:
        return int.from_bytes(self.take(8), "big", signed=True)

    def key(self) -> str:
        begin = self.position
        size = self.u32()
        if not 1 <= size <= _KEY_BYTES_MAX:
            raise self.corrupt(f"a key of {size} bytes", begin)
        try:
            return self.take(size).decode()
        except UnicodeDecodeError:
            raise self.corrupt("a key that is not UTF-8", begin) from None

    def value(self) -> bytes:
        begin = self.position
        size = self.u32()
        if size > _VALUE_BYTES_MAX:
            raise self.corrupt(f"a value of {size} bytes", begin)
        return self.take(size)


def load_snapshot(path: str | os.PathLike[str]) -> tuple[dict[str, bytes], dict[str, int]]:
    """Return the items and the deadlines (unix nanoseconds) of a snapshot."""
    path = Path(path)
    data = path.read_bytes()
    reader = _Reader(path, data[:-4])
    if not data.startswith(_MAGIC):
        raise reader.corrupt("not a snapshot: it does not begin with KVSP")
    if len(data) < 24 or zlib.crc32(reader.data) != int.from_bytes(data[-4:], "big"):
        raise reader.corrupt("the checksum does not fit", max(0, len(data) - 4))
    reader.take(4)
    reader.i64()
    items: dict[str, bytes] = {}
    for _ in range(reader.u32()):
        key = reader.key()
        if key in items:
            raise reader.corrupt("a key that was there before")
        items[key] = reader.value()
    deadlines: dict[str, int] = {}
    for _ in range(reader.u32()):
        key = reader.key()
        if key in deadlines or key not in items:
            raise reader.corrupt("a deadline that belongs to no key")
        deadlines[key] = reader.i64()
    if reader.position != len(reader.data):
        raise reader.corrupt("bytes after the last deadline")
    return items, deadlines


def latest_snapshot(data_dir: str | os.PathLike[str]) -> tuple[int, Path] | None:
    """Return number and path of the highest-numbered intact snapshot in a folder, or None."""
    found = []
    for path in Path(data_dir).iterdir():
        match = _NAME.fullmatch(path.name)
        if match:
            found.append((int(match[1]), path))
    for number, path in sorted(found, reverse=True):
        try:
            load_snapshot(path)
        except CorruptSnapshotError:
            continue
        return number, path
    return None


def snapshot_path(data_dir: str | os.PathLike[str], number: int) -> Path:
    """Return the path of a snapshot: `snapshot-0000000002.kvsp` for number 2."""
    return Path(data_dir) / f"snapshot-{number:010d}.kvsp"
