"""Where frames, entries and items begin and end, and which are intact: fast, and nothing else.

A log may have millions of frames, of which a reader wants to see five. So this walks over them
without naming a field; layout.py names the fields of those that are shown, and a test keeps the two
of one mind. The formats are in layout.py's docstring, their rules in docs/design.md.

Invariants: nothing here raises, whatever the bytes; -1 stands for "there is none". An intact frame
is one whose checksum matches and whose payload is one whole entry or more. Not here: what bytes
mean, and what to say of them.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

FRAME_HEADER_BYTES = 8
SNAPSHOT_HEAD_BYTES = 16
ENTRY_MAGIC = b"KVLG"
SNAPSHOT_MAGIC = b"KVSP"
KEY_BYTES_MAX = 65_536
VALUE_BYTES_MAX = 67_108_864
_FRAME_HEADER = struct.Struct(">II")  # crc32, payload_len
_ENTRY_HEAD = struct.Struct(">4sBqI")  # magic, op, timestamp, key_len
_U32 = struct.Struct(">I")
_DEADLINE_BYTES = 8
# The sizes that a value may have, by op.
VALUE_SIZES: dict[int, range] = {
    1: range(VALUE_BYTES_MAX + 1),
    2: range(1),
    3: range(0, _DEADLINE_BYTES + 1, _DEADLINE_BYTES),
}


class Stretch(NamedTuple):
    """Bytes `offset` to `end` of a segment: one intact frame, or damage up to the next one."""

    offset: int
    end: int
    is_intact: bool


def stretches(data: bytes) -> Iterator[Stretch]:
    """Take a whole segment apart, in order and without a gap."""
    at = 0
    while at < len(data):
        end = frame_end(data, at)
        if end < 0:
            end = find_frame(data, at + 1)
            end = len(data) if end < 0 else end
            yield Stretch(at, end, is_intact=False)
        else:
            yield Stretch(at, end, is_intact=True)
        at = end


def frame_end(data: bytes, at: int) -> int:
    """Return where the intact frame at `at` ends."""
    if at + FRAME_HEADER_BYTES > len(data):
        return -1
    checksum, length = _FRAME_HEADER.unpack_from(data, at)
    start = at + FRAME_HEADER_BYTES
    end = start + length
    if not length or end > len(data):
        return -1
    entry_at = start
    while entry_at < end:
        entry_at = entry_end(data, entry_at, end)
        if entry_at < 0:
            return -1
    # Last, because it is what takes longest when a search tries one place after another.
    return end if zlib.crc32(memoryview(data)[start:end]) == checksum else -1


def find_frame(data: bytes, start: int) -> int:
    """Return where the first intact frame at `start` or later begins.

    A damaged length hides where the next frame begins, so it may begin anywhere; but each holds an
    entry, so it is enough to look where an entry's magic stands.
    """
    magic_at = data.find(ENTRY_MAGIC, start + FRAME_HEADER_BYTES)
    while magic_at >= 0:
        if frame_end(data, magic_at - FRAME_HEADER_BYTES) >= 0:
            return magic_at - FRAME_HEADER_BYTES
        magic_at = data.find(ENTRY_MAGIC, magic_at + 1)
    return -1


def entry_end(data: bytes, at: int, end: int) -> int:
    """Return where the entry at `at` ends, if a whole one stands there before `end`."""
    key_at = at + _ENTRY_HEAD.size
    if key_at > end:
        return -1
    magic, op, _timestamp, key_len = _ENTRY_HEAD.unpack_from(data, at)
    if magic != ENTRY_MAGIC or op not in VALUE_SIZES:
        return -1
    value_at = _counted_key_end(data, key_at, key_len, end)
    if value_at < 0 or value_at + _U32.size > end:
        return -1
    value_len = _U32.unpack_from(data, value_at)[0]
    after = value_at + _U32.size + value_len
    return int(after) if value_len in VALUE_SIZES[op] and after <= end else -1


def item_end(data: bytes, at: int) -> int:
    """Return where the key and value at `at` of a snapshot end."""
    value_at = _key_end(data, at)
    if value_at < 0 or value_at + _U32.size > len(data):
        return -1
    value_len = int(_U32.unpack_from(data, value_at)[0])
    after = value_at + _U32.size + value_len
    return after if value_len <= VALUE_BYTES_MAX and after <= len(data) else -1


def deadline_end(data: bytes, at: int) -> int:
    """Return where the key and deadline at `at` of a snapshot end."""
    key_end = _key_end(data, at)
    after = key_end + _DEADLINE_BYTES
    return after if key_end >= 0 and after <= len(data) else -1


def number_at(data: bytes, at: int) -> int:
    """Return the u32 at `at`."""
    return int(_U32.unpack_from(data, at)[0]) if at + _U32.size <= len(data) else -1


def zeros_at(data: bytes, at: int, end: int) -> int:
    """Return how many zero bytes stand at `at`, one after another."""
    part = data[at:end]
    return len(part) - len(part.lstrip(b"\0"))


def _key_end(data: bytes, at: int) -> int:
    key_len = number_at(data, at)
    return _counted_key_end(data, at + _U32.size, key_len, len(data)) if key_len >= 0 else -1


def _counted_key_end(data: bytes, key_at: int, key_len: int, end: int) -> int:
    key_end = key_at + key_len
    if not 1 <= key_len <= KEY_BYTES_MAX or key_end > end:
        return -1
    try:
        str(data[key_at:key_end], "utf-8")
    except UnicodeDecodeError:
        return -1
    return key_end
