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

Invariants: `explain` never raises; its fields come in order, do not overlap and lie inside the
data. Only a field of which nothing is there has size 0. Not here: how bytes are drawn (hexdump.py).
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable

import msgspec

from grader.report.words import count

KEY_BYTES_MAX = 65_536
VALUE_BYTES_MAX = 67_108_864

_ENTRY_MAGIC = b"KVLG"
_SNAPSHOT_MAGIC = b"KVSP"
_FRAME_HEADER_BYTES = 8
_OPS = {1: "SET", 2: "DELETE", 3: "EXPIRE"}
_EXPIRE = 3
_PREVIEW_BYTES = 24


class Field(msgspec.Struct, frozen=True):
    """One named run of bytes.

    `offset` and `size` are in bytes, `text` is what the bytes say or what is wrong with them, and
    `owner` is what the field belongs to, such as "the entry at 0".
    """

    offset: int
    size: int
    name: str
    text: str
    owner: str


def explain(data: bytes) -> list[Field]:
    """Return the fields of `data`, in order; none if its first bytes are of no known format."""
    cursor = _Cursor(data)
    if data.startswith(_ENTRY_MAGIC):
        _read_to(len(data), cursor, _entry)
    elif data.startswith(_SNAPSHOT_MAGIC):
        with contextlib.suppress(_Unreadable):
            _snapshot(cursor)
        cursor.take_rest(len(data))
    elif data.startswith(_ENTRY_MAGIC, _FRAME_HEADER_BYTES):
        _read_to(len(data), cursor, _frame)
    return cursor.fields


def field_at(fields: list[Field], offset: int) -> Field | None:
    """Return the field that holds the byte at `offset`, None if none does."""
    return next((f for f in fields if f.offset <= offset < f.offset + f.size), None)


def reading(name: str, part: bytes) -> str:
    """Say what `part` means when it is read as the field `name`, which may be any text."""
    return _READINGS.get(name, preview)(part)


def preview(data: bytes) -> str:
    """Show bytes on one line, the first of many: quoted if printable ASCII, else in hex."""
    head = data[:_PREVIEW_BYTES]
    printable = all(0x20 <= byte < 0x7F for byte in head)
    text = f'"{head.decode("ascii")}"' if printable else head.hex(" ")
    return text if len(data) <= len(head) else f"{text}… ({len(data):,} bytes)"


class _Unreadable(Exception):  # noqa: N818  (control flow, never seen outside)
    """What follows cannot be told apart into fields."""


class _Cursor:
    """Takes one field after another from `data[at:end]`, and writes each down."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.end = len(data)
        self.owner = ""
        self.fields: list[Field] = []

    def take(self, name: str, size: int, show: Callable[[bytes], str] | None = None) -> bytes:
        """Take a field, shown as its name says or by `show`.

        Raises `_Unreadable` after writing down a field that is cut short.
        """
        part = self.data[self.at : min(self.at + size, self.end)]
        missing = size - len(part)
        if not missing:
            self._write(name, size, show(part) if show else reading(name, part))
            return part
        there = f"{preview(part)} … " if part else ""
        self._write(name, len(part), f"{there}{count(missing, 'byte')} missing")
        raise _Unreadable

    def take_number(self, name: str, size: int, wrong: Callable[[int], str] | None = None) -> int:
        """Take an unsigned number; raises `_Unreadable` after one that is `wrong` for a reason."""
        number = int.from_bytes(self.take(name, size, lambda part: _number_text(part, wrong)))
        if wrong and wrong(number):
            raise _Unreadable
        return number

    def take_rest(self, end: int) -> None:
        """Take what is left before `end` as bytes without a meaning."""
        size = end - self.at
        if size > 0:
            self._write("rest", size, f"{count(size, 'byte')} that cannot be read: {self._peek()}")

    def _peek(self) -> str:
        return preview(self.data[self.at : self.at + 8])

    def _write(self, name: str, size: int, text: str) -> None:
        self.fields.append(Field(self.at, size, name, text, self.owner))
        self.at += size


def _read_to(end: int, cursor: _Cursor, read_one: Callable[[_Cursor], None]) -> None:
    """Read things of one kind up to `end`; what cannot be read becomes the rest."""
    outer, cursor.end = cursor.end, min(end, cursor.end)
    with contextlib.suppress(_Unreadable):
        while cursor.at < cursor.end:
            read_one(cursor)
    cursor.take_rest(cursor.end)
    cursor.end = outer


def _entry(cursor: _Cursor) -> None:
    cursor.owner = f"the entry at {cursor.at}"
    _take_magic(cursor, _ENTRY_MAGIC)
    op = cursor.take("op", 1, _op_text)[0]
    cursor.take("timestamp", 8)
    _take_key(cursor)
    value_len = cursor.take_number("value_len", 4, _value_len_wrong)
    if value_len:
        is_deadline = op == _EXPIRE and value_len == 8
        cursor.take("value", value_len, _instant_text if is_deadline else None)


def _frame(cursor: _Cursor) -> None:
    start = cursor.at
    cursor.owner = f"the frame at {start}"
    payload_at = start + _FRAME_HEADER_BYTES
    payload_len = int.from_bytes(cursor.data[start + 4 : payload_at])
    payload = cursor.data[payload_at : payload_at + payload_len]
    whole = len(cursor.data) >= payload_at + payload_len
    cursor.take("crc32", 4, lambda part: _crc_text(part, payload if whole else None))
    cursor.take_number("payload_len", 4)
    _read_to(payload_at + payload_len, cursor, _entry)
    if not whole:
        raise _Unreadable


def _snapshot(cursor: _Cursor) -> None:
    cursor.owner = "the snapshot"
    _take_magic(cursor, _SNAPSHOT_MAGIC)
    cursor.take("timestamp", 8)
    for number in range(1, cursor.take_number("count", 4) + 1):
        cursor.owner = f"item {number}"
        _take_key(cursor)
        value_len = cursor.take_number("value_len", 4, _value_len_wrong)
        if value_len:
            cursor.take("value", value_len)
    cursor.owner = "the snapshot"
    for number in range(1, cursor.take_number("deadline_count", 4) + 1):
        cursor.owner = f"deadline {number}"
        _take_key(cursor)
        cursor.take("deadline", 8)
    cursor.owner = "the snapshot"
    before = cursor.data[: cursor.at]
    cursor.take("crc32", 4, lambda part: _crc_text(part, before))


def _take_magic(cursor: _Cursor, magic: bytes) -> None:
    if not magic.startswith(cursor.data[cursor.at : min(cursor.at + 4, cursor.end)]):
        raise _Unreadable
    cursor.take("magic", 4)


def _take_key(cursor: _Cursor) -> None:
    cursor.take("key", cursor.take_number("key_len", 4, _key_len_wrong))


def _number_text(part: bytes, wrong: Callable[[int], str] | None = None) -> str:
    number = int.from_bytes(part)
    problem = wrong(number) if wrong else ""
    return f"{number}: {problem}" if problem else str(number)


def _key_len_wrong(size: int) -> str:
    return "" if 1 <= size <= KEY_BYTES_MAX else f"a key has 1 to {KEY_BYTES_MAX:,} bytes"


def _value_len_wrong(size: int) -> str:
    return "" if size <= VALUE_BYTES_MAX else f"a value has at most {VALUE_BYTES_MAX:,} bytes"


def _op_text(part: bytes) -> str:
    return _OPS.get(part[0], f"0x{part[0]:02x}: not an op")


def _instant_text(part: bytes) -> str:
    return str(int.from_bytes(part, signed=True))


def _key_text(part: bytes) -> str:
    try:
        key = part.decode("utf-8")
    except UnicodeDecodeError:
        return f"not UTF-8: {preview(part)}"
    return f'"{key}"' if len(key) <= _PREVIEW_BYTES and key.isprintable() else preview(part)


def _crc_text(part: bytes, covered: bytes | None) -> str:
    if covered is None:
        return f"{part.hex()}, of bytes that are not all there"
    computed = zlib.crc32(covered).to_bytes(4)
    return (
        f"{part.hex()} ok" if part == computed else f"{part.hex()} wrong: computed {computed.hex()}"
    )


_READINGS: dict[str, Callable[[bytes], str]] = {
    "op": _op_text,
    "timestamp": _instant_text,
    "deadline": _instant_text,
    "key_len": _number_text,
    "value_len": _number_text,
    "payload_len": _number_text,
    "count": _number_text,
    "deadline_count": _number_text,
    "key": _key_text,
    "crc32": bytes.hex,
}
