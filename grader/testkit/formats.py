"""The course's byte formats, built by hand: what a test expects to find on disk.

Source: "Byte formats" in docs/design.md. All integers are big-endian. This is the tests' own
writing of the formats, on purpose independent of any solution's.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

SET, DELETE, EXPIRE = 1, 2, 3
ENTRY_MAGIC = b"KVLG"
SNAPSHOT_MAGIC = b"KVSP"
FRAME_HEADER_BYTES = 8
ENTRY_HEADER_BYTES = 17
KEY_BYTES_MAX = 65_536
VALUE_BYTES_MAX = 67_108_864

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
    """Read entries that must be whole, back to back."""
    rows: list[Row] = []
    at = 0
    while at < len(payload):
        magic, op, timestamp, key_len = struct.unpack_from(">4sBqI", payload, at)
        assert magic == ENTRY_MAGIC, f"no entry begins at byte {at} of the payload"
        key_end = at + ENTRY_HEADER_BYTES + key_len
        (value_len,) = struct.unpack_from(">I", payload, key_end)
        value_end = key_end + 4 + value_len
        key = payload[at + ENTRY_HEADER_BYTES : key_end].decode()
        rows.append((op, timestamp, key, payload[key_end + 4 : value_end]))
        at = value_end
    return rows


def _counted(raw: bytes) -> bytes:
    return struct.pack(">I", len(raw)) + raw
