"""One change to the store as bytes, and back: the smallest thing that a log holds.

    magic "KVLG" (4) | op u8 | timestamp i64 | key_len u32 | key | value_len u32 | value

All integers are big-endian; the timestamp is in unix nanoseconds. The op decides what the value is:
a SET's is the value, a DELETE has none, an EXPIRE's is an i64 deadline in unix nanoseconds, or
nothing to take a deadline away.

Invariants: what `encode` writes `decode` reads back; any bytes at all yield an entry,
`TruncatedEntryError` or `CorruptEntryError`, and nothing else.
Not here: files, checksums, and what an entry does to a store.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from .errors import CorruptEntryError, InvalidKeyError, InvalidValueError, TruncatedEntryError

_MAGIC = b"KVLG"
_HEADER = struct.Struct(">4sBqI")  # magic, op, timestamp, key_len
_INT64 = range(-(2**63), 2**63)


class Op(IntEnum):
    """What an entry does to its key."""

    SET = 1
    DELETE = 2
    EXPIRE = 3


_KEY_SIZES = range(1, 65_536 + 1)
_VALUE_SIZES = {
    Op.SET: range(67_108_864 + 1),
    Op.DELETE: range(1),
    Op.EXPIRE: range(0, 9, 8),  # none, or one i64
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One change. `timestamp` is in unix nanoseconds; the top of the file explains `value`."""

    op: Op
    timestamp: int
    key: str
    value: bytes = b""


def encode(entry: Entry) -> bytes:
    """Return the entry as bytes.

    Raises `InvalidKeyError`, `InvalidValueError` or, for the op and the timestamp, `ValueError` if
    the format cannot hold it.
    """
    op = Op(entry.op)
    if not isinstance(entry.timestamp, int) or entry.timestamp not in _INT64:
        raise ValueError(f"timestamp {entry.timestamp!r} does not fit a signed 64-bit integer")
    key = _encode_key(entry.key)
    if type(entry.value) is not bytes:
        raise InvalidValueError(f"a value must be bytes, not {type(entry.value).__name__}")
    if len(entry.value) not in _VALUE_SIZES[op]:
        raise InvalidValueError(f"a {op.name} cannot hold a value of {len(entry.value)} bytes")
    header = _HEADER.pack(_MAGIC, op, entry.timestamp, len(key))
    return b"".join((header, key, struct.pack(">I", len(entry.value)), entry.value))


def decode(data: bytes, offset: int = 0) -> tuple[Entry, int]:
    """Return the entry that begins at `offset`, and the offset behind it.

    Raises `TruncatedEntryError` if some longer input that begins with these bytes is a valid entry,
    and `CorruptEntryError` if none is. A negative offset is a `ValueError`. Bytes after the entry
    are not looked at.
    """
    if offset < 0:
        raise ValueError(f"offset {offset} is negative")
    fields = _Fields(data, offset)
    fields.take("magic", 4, _MAGIC.startswith)
    op = Op(fields.take("op", 1, _could_be_op)[0])
    timestamp = int.from_bytes(fields.take("timestamp", 8), "big", signed=True)
    key = fields.take_sized("key", _KEY_SIZES, _could_be_utf8).decode("utf-8")
    value = fields.take_sized("value", _VALUE_SIZES[op])
    return Entry(op, timestamp, key, value), fields.at


class _Fields:
    """Takes one field after another, and tells a field that is cut short from one that is wrong.

    What arrived of a field may be only its beginning. So each check asks "could a valid field begin
    like this?": if not, no more bytes will help (corrupt); if so, but there are too few bytes, more
    may help (truncated).
    """

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self.at = at

    def take(self, name: str, size: int, could_be: Callable[[bytes], bool] | None = None) -> bytes:
        part = bytes(self._data[self.at : self.at + size])
        if could_be is not None and not could_be(part):
            raise CorruptEntryError(f"bad {name} at offset {self.at}: {part[:16]!r}")
        if len(part) < size:
            raise TruncatedEntryError(
                f"{name} at offset {self.at} has {len(part)} bytes of {size}: more must follow"
            )
        self.at += size
        return part

    def take_sized(
        self, name: str, sizes: range, could_be: Callable[[bytes, int], bool] | None = None
    ) -> bytes:
        """Take a u32 size, which must be one of `sizes`, and then as many bytes."""
        size_bytes = self.take(f"{name}_len", 4, lambda part: _could_be_size(part, sizes))
        size = int.from_bytes(size_bytes, "big")
        if could_be is None:
            return self.take(name, size)
        return self.take(name, size, lambda part: could_be(part, size))


def _could_be_op(part: bytes) -> bool:
    return not part or part[0] in _VALUE_SIZES


def _could_be_size(part: bytes, sizes: range) -> bool:
    smallest = int.from_bytes(part.ljust(4, b"\0"), "big")
    # Fewer than four bytes, all zero, can still become a small size; every kind of field has one.
    return smallest in sizes or (smallest == 0 and len(part) < 4)


def _could_be_utf8(part: bytes, size: int) -> bool:
    missing = size - len(part)
    # If `part` ends inside a character, one to three bytes complete it, if any do. They are 0x80 to
    # 0xBF, and whatever the character began with, one of these two bounds will do.
    endings = (byte * count for count in range(min(missing, 3) + 1) for byte in (b"\x80", b"\xbf"))
    return any(_is_utf8(part + ending) for ending in endings)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _encode_key(key: str) -> bytes:
    if type(key) is not str:
        raise InvalidKeyError(f"a key must be a str, not {type(key).__name__}")
    try:
        encoded = key.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidKeyError(f"the key cannot be written as UTF-8: {error}") from None
    if len(encoded) not in _KEY_SIZES:
        raise InvalidKeyError(
            f"a key must have 1 to {_KEY_SIZES[-1]} bytes in UTF-8, not {len(encoded)}"
        )
    return encoded
