"""Name every byte of an entry, a segment or a snapshot, for a reader who wonders what byte 13 is.

    entry     magic "KVLG" | op u8 | timestamp i64 | key_len u32 | key | value_len u32 | value
    segment   frames back to back: crc32 u32 of the payload | payload_len u32 | payload,
              which is entries back to back
    snapshot  magic "KVSP" | timestamp i64 | count u32 | count of (key_len, key, value_len, value)
              | deadline_count u32 | deadline_count of (key_len, key, deadline i64)
              | crc32 u32 of all before it

All integers are big-endian (docs/design.md, "Byte formats"). This is the grader's own reading of
the formats: it owes nothing to any implementation, and takes anything. Damaged and truncated bytes
are described as far as they can be.

What is explained is taken for what its name says: a segment stays one when its first frame is
damaged. Without a name, the first bytes decide.

Invariants: nothing here raises; fields come in order, do not overlap and lie inside the data. Only
a field of which nothing is there has size 0. Not here: how bytes are drawn (hexdump.py), and which
of many are worth drawing (bytemap.py).
"""

from __future__ import annotations

import contextlib
import re
import zlib
from collections.abc import Callable
from typing import Literal

from grader.report.fields import OPS, Cursor, Field, UnreadableError, as_text, instant_text, preview
from grader.report.scan import (
    ENTRY_MAGIC,
    FRAME_HEADER_BYTES,
    KEY_BYTES_MAX,
    SNAPSHOT_MAGIC,
    VALUE_BYTES_MAX,
    VALUE_SIZES,
    number_at,
    stretches,
    zeros_at,
)

Kind = Literal["", "segment", "snapshot", "entries"]
Part = Literal["header", "entry", "head", "item", "deadlines", "deadline", "check", "rest"]

_EXPIRE = 3
_NAMES: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("segment", re.compile(r"wal-([0-9]{10}|[1-9][0-9]{10,})\.log", re.ASCII)),
    ("snapshot", re.compile(r"snapshot-([0-9]{10}|[1-9][0-9]{10,})\.kvsp(\.tmp)?", re.ASCII)),
)


def kind_of(name: str) -> Kind:
    """Return what a file is by its name alone, "" if the name does not say."""
    return next((kind for kind, pattern in _NAMES if pattern.fullmatch(name)), "")


def number_of(name: str) -> int:
    """Return the number in the name of a segment or snapshot, -1 if there is none."""
    matches = (pattern.fullmatch(name) for _, pattern in _NAMES)
    return next((int(match[1]) for match in matches if match), -1)


def guess(data: bytes) -> Kind:
    """Return what bytes are by how they begin, "" if that is no known format."""
    if data.startswith(ENTRY_MAGIC):
        return "entries"
    if data.startswith(SNAPSHOT_MAGIC):
        return "snapshot"
    return "segment" if data.startswith(ENTRY_MAGIC, FRAME_HEADER_BYTES) else ""


def explain(data: bytes, kind: Kind = "") -> list[Field]:
    """Return the fields of `data`, in order; without a `kind`, none if it is of no known format."""
    kind = kind or guess(data)
    cursor = Cursor(data)
    if kind == "entries":
        _read_to(len(data), cursor, _entry)
    elif kind == "snapshot":
        with contextlib.suppress(UnreadableError):
            _snapshot(cursor)
        cursor.take_rest(len(data))
    elif kind == "segment":
        for stretch in stretches(data):
            cursor.end = stretch.end
            _stretch(cursor)
    return cursor.fields


def explain_part(part: Part, data: bytes, at: int, end: int, owner: str = "") -> list[Field]:
    """Return the fields of the one thing that begins at `at`.

    The thing is a frame's "header", an "entry", the "head" of a snapshot, and so on; "rest" are
    bytes without a meaning. What cannot be read of it before `end` is its rest.
    """
    cursor = Cursor(data, at, end, owner)
    try:
        _READERS[part](cursor)
    except UnreadableError:
        cursor.take_rest(end)
    return cursor.fields


def _read_to(end: int, cursor: Cursor, read_one: Callable[[Cursor], None]) -> None:
    """Read things of one kind up to `end`; what cannot be read becomes the rest."""
    outer, cursor.end = cursor.end, min(end, cursor.end)
    with contextlib.suppress(UnreadableError):
        while cursor.at < cursor.end:
            read_one(cursor)
    cursor.take_rest(cursor.end)
    cursor.end = outer


def _entry(cursor: Cursor) -> None:
    cursor.owner = f"the entry at {cursor.at}"
    _take_magic(cursor)
    op = cursor.take("op", 1, is_wrong=lambda part: part[0] not in OPS)[0]
    cursor.take("timestamp", 8)
    _take_key(cursor)
    value_len = cursor.take_number("value_len", 4, lambda size: _value_len_wrong(size, op))
    if value_len:
        is_deadline = op == _EXPIRE and value_len == 8
        cursor.take("value", value_len, instant_text if is_deadline else None)


def _rest(cursor: Cursor) -> None:
    zeros = zeros_at(cursor.data, cursor.at, cursor.end)
    if zeros >= FRAME_HEADER_BYTES:
        cursor.take_zeros(zeros)
    cursor.take_rest(cursor.end)


def _stretch(cursor: Cursor) -> None:
    """Read one frame, or what stands in its place; what is left becomes the rest."""
    cursor.owner = f"the frame at {cursor.at}"
    if zeros_at(cursor.data, cursor.at, cursor.end) < FRAME_HEADER_BYTES:
        with contextlib.suppress(UnreadableError):
            _header(cursor)
            _read_to(cursor.at + number_at(cursor.data, cursor.at - 4), cursor, _entry)
    _rest(cursor)


def _header(cursor: Cursor) -> None:
    """The header of a frame; its checksum is compared with the whole payload, if it is there."""
    start = cursor.at
    cursor.owner = f"the frame at {start}"
    payload_at = start + FRAME_HEADER_BYTES
    payload_end = payload_at + max(number_at(cursor.data, start + 4), 0)
    covered = None
    if payload_at <= cursor.end and payload_end <= len(cursor.data):
        covered = cursor.data[payload_at:payload_end]
    _take_crc(cursor, covered)
    cursor.take_number("payload_len", 4)


def _snapshot(cursor: Cursor) -> None:
    cursor.owner = "the snapshot"
    _head(cursor)
    for number in range(1, number_at(cursor.data, cursor.at - 4) + 1):
        cursor.owner = f"item {number}"
        _item(cursor)
    cursor.owner = "the snapshot"
    _deadlines(cursor)
    for number in range(1, number_at(cursor.data, cursor.at - 4) + 1):
        cursor.owner = f"deadline {number}"
        _deadline(cursor)
    cursor.owner = "the snapshot"
    _check(cursor)


def _head(cursor: Cursor) -> None:
    def say(part: bytes) -> str:
        right = preview(SNAPSHOT_MAGIC)
        return right if part == SNAPSHOT_MAGIC else f"{preview(part)}, should be {right}"

    cursor.take("magic", 4, say, lambda part: part != SNAPSHOT_MAGIC)
    cursor.take("timestamp", 8)
    cursor.take_number("count", 4)


def _item(cursor: Cursor) -> None:
    _take_key(cursor)
    value_len = cursor.take_number("value_len", 4, _value_len_wrong)
    if value_len:
        cursor.take("value", value_len)


def _deadlines(cursor: Cursor) -> None:
    cursor.take_number("deadline_count", 4)


def _deadline(cursor: Cursor) -> None:
    _take_key(cursor)
    cursor.take("deadline", 8)


def _check(cursor: Cursor) -> None:
    _take_crc(cursor, cursor.data[: cursor.at])


def _take_magic(cursor: Cursor) -> None:
    if not ENTRY_MAGIC.startswith(cursor.data[cursor.at : min(cursor.at + 4, cursor.end)]):
        raise UnreadableError
    cursor.take("magic", 4)


def _take_key(cursor: Cursor) -> None:
    cursor.take(
        "key",
        cursor.take_number("key_len", 4, _key_len_wrong),
        is_wrong=lambda part: as_text(part) is None,
    )


def _take_crc(cursor: Cursor, covered: bytes | None) -> None:
    """Take a checksum of the bytes `covered`, which are None if they are not all there."""

    def say(part: bytes) -> str:
        if covered is None:
            return f"{part.hex()}, of bytes that are not all there"
        computed = _crc(covered).hex()
        is_right = part.hex() == computed
        return f"{computed} ok" if is_right else f"{part.hex()} is WRONG: the bytes give {computed}"

    cursor.take("crc32", 4, say, lambda part: covered is not None and part != _crc(covered))


def _crc(covered: bytes) -> bytes:
    return zlib.crc32(covered).to_bytes(4)


def _key_len_wrong(size: int) -> str:
    return "" if 1 <= size <= KEY_BYTES_MAX else f"a key has 1 to {KEY_BYTES_MAX:,} bytes"


def _value_len_wrong(size: int, op: int = 1) -> str:
    if size > VALUE_BYTES_MAX:
        return f"a value has at most {VALUE_BYTES_MAX:,} bytes"
    if size in VALUE_SIZES.get(op, VALUE_SIZES[1]):
        return ""
    return "a DELETE has no value" if op != _EXPIRE else "the value of an EXPIRE has 0 or 8 bytes"


_READERS: dict[Part, Callable[[Cursor], None]] = {
    "header": _header,
    "entry": _entry,
    "head": _head,
    "item": _item,
    "deadlines": _deadlines,
    "deadline": _deadline,
    "check": _check,
    "rest": _rest,
}
