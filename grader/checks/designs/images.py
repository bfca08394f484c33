"""Snapshots as bytes, and their names: what the designs here share.

How the bytes get into a file, and when they are on disk, is each design's own.
"""

from __future__ import annotations

import re
import struct
import time
import zlib
from pathlib import Path

from .errors import CorruptSnapshotError

_HEADER = struct.Struct(">4sqI")
_SIZE = struct.Struct(">I")
_DEADLINE = struct.Struct(">q")
_KEY_BYTES_MAX, _VALUE_BYTES_MAX = 65_536, 67_108_864
_NAME = re.compile(r"snapshot-(\d{10}|[1-9]\d{10,})\.kvsp", re.ASCII)


def image_of(items, deadlines):
    """The bytes of a snapshot."""
    parts = [_HEADER.pack(b"KVSP", time.time_ns(), len(items))]
    for key, value in items.items():
        parts += [_sized(key.encode()), _sized(value)]
    parts.append(_SIZE.pack(len(deadlines)))
    for key, deadline in deadlines.items():
        parts += [_sized(key.encode()), _DEADLINE.pack(deadline)]
    body = b"".join(parts)
    return body + _SIZE.pack(zlib.crc32(body))


def read_image(image, path):
    """Items and deadlines of a snapshot's bytes, or `CorruptSnapshotError`."""
    reader = _Reader(image, path)
    if image[:4] != b"KVSP":
        raise reader.damage("no snapshot at all")
    _magic, _time, count = reader.take(_HEADER)
    items = {}
    for _ in range(count):
        key = reader.take_key()
        items[key] = reader.take_sized(_VALUE_BYTES_MAX)
    deadlines = {}
    for _ in range(reader.take(_SIZE)[0]):
        key = reader.take_key()
        (deadlines[key],) = reader.take(_DEADLINE)
    reader.finish()
    return items, deadlines


def snapshot_path(data_dir, number):
    """The path of a snapshot."""
    return Path(data_dir, f"snapshot-{number:010}.kvsp")


def newest_intact(data_dir, load):
    """Number and path of the highest-numbered snapshot that `load` accepts; None without one."""
    found = [(_NAME.fullmatch(path.name), path) for path in Path(data_dir).iterdir()]
    for number, path in sorted(
        ((int(name[1]), path) for name, path in found if name), reverse=True
    ):
        try:
            load(path)
        except CorruptSnapshotError:
            continue
        return number, path
    return None


def _sized(data):
    return _SIZE.pack(len(data)) + data


class _Reader:
    def __init__(self, image, path):
        self._image, self._path = image, path
        self._at, self._end = 0, max(len(image) - _SIZE.size, 0)

    def take(self, field):
        return field.unpack(self._slice(field.size))

    def take_sized(self, size_max):
        (size,) = self.take(_SIZE)
        if size > size_max:
            raise self.damage("a length is out of range")
        return self._slice(size)

    def take_key(self):
        key = self.take_sized(_KEY_BYTES_MAX)
        try:
            if key:
                return key.decode()
        except UnicodeDecodeError:
            raise self.damage("a key is not UTF-8") from None
        raise self.damage("a key is empty")

    def finish(self):
        whole = zlib.crc32(self._image[: self._end])
        if self._at != self._end or self._image[self._end :] != _SIZE.pack(whole):
            raise self.damage("the checksum is wrong, or stands elsewhere")

    def damage(self, what):
        return CorruptSnapshotError(f"this snapshot is damaged: {what}", str(self._path), self._at)

    def _slice(self, size):
        if size > self._end - self._at:
            raise self.damage("it ends too early")
        self._at += size
        return self._image[self._at - size : self._at]
