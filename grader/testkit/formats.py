"""The course's byte formats, built by hand: what a test expects to find on disk.

Source: "Byte formats" in docs/design.md. All integers are big-endian. This is the tests' own
writing of the formats, on purpose independent of any solution's.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

SET, DELETE, EXPIRE = 1, 2, 3
ENTRY_MAGIC = b"KVLG"
SNAPSHOT_MAGIC = b"KVSP"
FRAME_HEADER_BYTES = 8
ENTRY_HEADER_BYTES = 17
KEY_BYTES_MAX = 65_536
VALUE_BYTES_MAX = 67_108_864

V = TypeVar("V")

# An entry as a test writes it: operation, timestamp in unix ns, key, value.
Row = tuple[int, int, str, bytes]


def entry(op: int, timestamp: int, key: str, value: bytes = b"") -> bytes:
    """One entry: magic, op, timestamp, key, value."""
    raw = key.encode()
    header = struct.pack(">4sBqI", ENTRY_MAGIC, op, timestamp, len(raw))
    return header + raw + struct.pack(">I", len(value)) + value


def deadline(unix_ns: int) -> bytes:
    """The value of an EXPIRE entry."""
    return struct.pack(">q", unix_ns)


def frame(*rows: Row) -> bytes:
    """One WAL frame that holds these entries."""
    return raw_frame(b"".join(entry(*row) for row in rows))


def raw_frame(payload: bytes) -> bytes:
    """One WAL frame around any payload, with a right checksum."""
    return struct.pack(">II", zlib.crc32(payload), len(payload)) + payload


def snapshot(
    items: Mapping[str, bytes], deadlines: Mapping[str, int] | None = None, timestamp: int = 0
) -> bytes:
    """A snapshot file with its items and deadlines in the order given."""
    body = struct.pack(">4sqI", SNAPSHOT_MAGIC, timestamp, len(items))
    for key, value in items.items():
        body += _counted(key.encode()) + _counted(value)
    body += struct.pack(">I", len(deadlines or {}))
    for key, unix_ns in (deadlines or {}).items():
        body += _counted(key.encode()) + struct.pack(">q", unix_ns)
    return body + struct.pack(">I", zlib.crc32(body))


def segment_name(number: int) -> str:
    """The file name of a WAL segment."""
    return f"wal-{number:010}.log"


def snapshot_name(number: int) -> str:
    """The file name of a snapshot."""
    return f"snapshot-{number:010}.kvsp"


def read_frames(path: Path) -> list[list[Row]]:
    """Read a segment that must be whole; an `AssertionError` says where it is not."""
    return parse_frames(path.read_bytes(), path.name)


def parse_frames(data: bytes, name: str) -> list[list[Row]]:
    """The same of what a segment called `name` holds."""
    at, frames = 0, []
    while at < len(data):
        assert at + FRAME_HEADER_BYTES <= len(data), f"{name}: half a frame header at {at}"
        checksum, length = struct.unpack_from(">II", data, at)
        payload = data[at + FRAME_HEADER_BYTES : at + FRAME_HEADER_BYTES + length]
        assert len(payload) == length, f"{name}: the frame at {at} is cut short"
        assert zlib.crc32(payload) == checksum, f"{name}: wrong checksum in the frame at {at}"
        frames.append(read_entries(payload))
        at += FRAME_HEADER_BYTES + length
    return frames


def read_entries(payload: bytes) -> list[Row]:
    """Read one or more entries that must be whole, back to back."""
    rows: list[Row] = []
    fields = _Fields(payload, "the payload")
    while fields.at < len(payload) or not rows:
        begin = fields.at
        magic, op, timestamp = fields.unpack(">4sBq")
        assert magic == ENTRY_MAGIC, f"no entry begins at byte {begin} of the payload"
        rows.append((op, timestamp, fields.key(), fields.value()))
        value_sizes = {SET: range(VALUE_BYTES_MAX + 1), DELETE: (0,), EXPIRE: (0, 8)}
        assert op in value_sizes, f"unknown op {op} at byte {begin} of the payload"
        size = len(rows[-1][3])
        assert size in value_sizes[op], f"a value of {size} bytes at byte {begin} of the payload"
    return rows


def parse_snapshot(data: bytes, name: str) -> tuple[dict[str, bytes], dict[str, int], int]:
    """The items, the deadlines and the timestamp of a snapshot called `name`, which must be whole;
    an `AssertionError` says where it is not.
    """
    body, fields = data[:-4], _Fields(data[:-4], name)
    magic, timestamp, count = fields.unpack(">4sqI")
    assert magic == SNAPSHOT_MAGIC, f"{name}: no snapshot"
    items = _records(fields, count, fields.value)
    (count,) = fields.unpack(">I")
    deadlines = _records(fields, count, lambda: fields.unpack(">q")[0])
    assert fields.at == len(body), f"{name}: more bytes before the checksum, at {fields.at}"
    assert data[-4:] == struct.pack(">I", zlib.crc32(body)), f"{name}: wrong checksum"
    return items, deadlines, timestamp


def _records(fields: _Fields, count: int, content: Callable[[], V]) -> dict[str, V]:
    """So many keys, each with its content."""
    records: dict[str, V] = {}
    for _ in range(count):
        key = fields.key()
        assert key not in records, f"{fields.name}: {key!r} stands there twice"
        records[key] = content()
    return records


class _Fields:
    """Takes field after field from `data`; an `AssertionError` says where one is not whole."""

    def __init__(self, data: bytes, name: str) -> None:
        self.name = name
        self.at = 0
        self._data = data

    def unpack(self, layout: str) -> tuple[Any, ...]:
        """Fields of fixed size, as of `struct`."""
        return struct.unpack(layout, self._take(struct.calcsize(layout)))

    def value(self) -> bytes:
        """A length, and so many bytes."""
        (size,) = self.unpack(">I")
        return self._take(size)

    def key(self) -> str:
        """A length, and so many bytes of UTF-8."""
        begin, raw = self.at, self.value()
        assert 0 < len(raw) <= KEY_BYTES_MAX, f"{self.name}: no key of {len(raw)} bytes at {begin}"
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise AssertionError(f"{self.name}: the key at {begin} is not UTF-8") from None

    def _take(self, size: int) -> bytes:
        taken = self._data[self.at : self.at + size]
        assert len(taken) == size, f"{self.name}: {size} bytes should follow at {self.at}"
        self.at += size
        return taken


def _counted(raw: bytes) -> bytes:
    return struct.pack(">I", len(raw)) + raw
