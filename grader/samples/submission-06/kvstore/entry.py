"""One change to the store as bytes, and back.

    magic "KVLG" (4) | op u8 | timestamp i64 | key_len u32 | key | value_len u32 | value

All integers are big-endian.
"""

from __future__ import annotations

import codecs
import struct
from dataclasses import dataclass
from enum import IntEnum

from .errors import (
    CorruptEntryError,
    InvalidKeyError,
    InvalidValueError,
    TruncatedEntryError,
)

_MAGIC = b"KVLG"
_KEY_BYTES_MAX = 65_536
_VALUE_BYTES_MAX = 67_108_864
_INT64 = range(-(2**63), 2**63)
_HEADER = struct.Struct(">4sBqI")


class Op(IntEnum):
    """What an entry does to its key."""

    SET = 1
    DELETE = 2
    EXPIRE = 3


# The smallest range of sizes first: partial lengths are compared with each range.
_VALUE_SIZES = {
    Op.SET: ((0, _VALUE_BYTES_MAX),),
    Op.DELETE: ((0, 0),),
    Op.EXPIRE: ((0, 0), (8, 8)),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One change. `timestamp` is in unix nanoseconds; the top of the file explains `value`."""

    op: Op
    timestamp: int
    key: str
    value: bytes = b""


def encode(entry: Entry) -> bytes:
    """Return the entry as bytes, or raise for what the format cannot hold."""
    op = Op(entry.op)
    if not isinstance(entry.timestamp, int) or entry.timestamp not in _INT64:
        raise ValueError(f"timestamp {entry.timestamp!r} is not a signed 64-bit integer")
    key = _encode_key(entry.key)
    if not isinstance(entry.value, bytes):
        raise InvalidValueError(f"a value is bytes, not {type(entry.value).__name__}")
    size = len(entry.value)
    if not any(low <= size <= high for low, high in _VALUE_SIZES[op]):
        raise InvalidValueError(f"the value of a {op.name} cannot have {size} bytes")
    header = _HEADER.pack(_MAGIC, op, entry.timestamp, len(key))
    return b"".join((header, key, size.to_bytes(4, "big"), entry.value))


def _encode_key(key: object) -> bytes:
    if not isinstance(key, str):
        raise InvalidKeyError(f"a key is a str, not {type(key).__name__}")
    try:
        encoded = key.encode()
    except UnicodeEncodeError as error:
        raise InvalidKeyError(f"the key has no UTF-8: {error.reason}") from None
    if not 1 <= len(encoded) <= _KEY_BYTES_MAX:
        raise InvalidKeyError(f"a key has 1 to {_KEY_BYTES_MAX} bytes, this one {len(encoded)}")
    return encoded


def decode(data: bytes, offset: int = 0) -> tuple[Entry, int]:
    """Return the entry that begins at `offset`, and the offset behind it.

    Raises `TruncatedEntryError` if more bytes could help and `CorruptEntryError` if none could.
    """
    if offset < 0:
        raise ValueError(f"offset {offset} is negative")
    magic = data[offset : offset + 4]
    if not _MAGIC.startswith(magic):
        raise CorruptEntryError(f"no entry at offset {offset}: it begins with {magic!r}")
    _need(magic, 4, "magic", offset)
    at = offset + 4
    _need(data[at : at + 1], 1, "op", at)
    try:
        op = Op(data[at])
    except ValueError:
        raise CorruptEntryError(f"unknown op {data[at]} at offset {at}") from None
    at += 1
    timestamp = data[at : at + 8]
    _need(timestamp, 8, "timestamp", at)
    at += 8
    key_len = _length(data, at, ((1, _KEY_BYTES_MAX),), "key_len")
    at += 4
    key = _key(data[at : at + key_len], key_len, at)
    at += key_len
    value_len = _length(data, at, _VALUE_SIZES[op], "value_len")
    at += 4
    value = data[at : at + value_len]
    _need(value, value_len, "value", at)
    return Entry(op, int.from_bytes(timestamp, "big", signed=True), key, value), at + value_len


def _need(part: bytes, size: int, what: str, at: int) -> None:
    if len(part) < size:
        raise TruncatedEntryError(f"{what} at offset {at} has {len(part)} of {size} bytes")


def _length(data: bytes, at: int, ranges: tuple[tuple[int, int], ...], what: str) -> int:
    part = data[at : at + 4]
    smallest = int.from_bytes(part.ljust(4, b"\x00"), "big")
    largest = int.from_bytes(part.ljust(4, b"\xff"), "big")
    if not any(smallest <= high and largest >= low for low, high in ranges):
        raise CorruptEntryError(f"{what} at offset {at} is impossible: {part.hex(' ')}")
    _need(part, 4, what, at)
    return smallest


def _key(part: bytes, size: int, at: int) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        key = decoder.decode(part, final=len(part) == size)
    except UnicodeDecodeError as error:
        raise CorruptEntryError(f"the key at offset {at} is not UTF-8: {error.reason}") from None
    pending = decoder.getstate()[0]
    if pending:
        lead = pending[0]
        width = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
        if len(part) - len(pending) + width > size:
            raise CorruptEntryError(f"the key at offset {at} ends inside a character")
    _need(part, size, "key", at)
    return key
