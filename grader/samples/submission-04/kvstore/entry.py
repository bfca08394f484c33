"""Entry encoding: KVLG, op, timestamp, key and value, everything big-endian."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from enum import IntEnum

from .errors import CorruptEntryError, InvalidKeyError, InvalidValueError, TruncatedEntryError

_MAGIC = b"KVLG"
_KEY_BYTES_MAX = 65_536
_VALUE_BYTES_MAX = 67_108_864


class Op(IntEnum):
    """What an entry does to its key."""

    SET = 1
    DELETE = 2
    EXPIRE = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """One change."""

    op: Op
    timestamp: int
    key: str
    value: bytes = b""


def _size_allowed(op: int, size: int) -> bool:
    if op == Op.DELETE:
        return size == 0
    if op == Op.EXPIRE:
        return size in (0, 8)
    return size <= _VALUE_BYTES_MAX


def encode(entry: Entry) -> bytes:
    """Entry -> bytes. Refuses everything that decode would not read back."""
    if entry.op not in (Op.SET, Op.DELETE, Op.EXPIRE):
        raise ValueError(f"no such op: {entry.op}")
    try:
        timestamp = entry.timestamp.to_bytes(8, "big", signed=True)
    except OverflowError:
        raise ValueError(f"timestamp out of range: {entry.timestamp}") from None
    if not isinstance(entry.key, str):
        raise InvalidKeyError("key must be a str")
    try:
        key = entry.key.encode()
    except UnicodeEncodeError:
        raise InvalidKeyError("key has no UTF-8 form") from None
    if not 0 < len(key) <= _KEY_BYTES_MAX:
        raise InvalidKeyError(f"key has {len(key)} bytes")
    if not isinstance(entry.value, bytes) or not _size_allowed(entry.op, len(entry.value)):
        raise InvalidValueError(f"bad value for {Op(entry.op).name}")
    return (
        _MAGIC
        + bytes([entry.op])
        + timestamp
        + len(key).to_bytes(4, "big")
        + key
        + len(entry.value).to_bytes(4, "big")
        + entry.value
    )


class _Cursor:
    """Takes fields off the data, one after the other."""

    def __init__(self, data: bytes, offset: int):
        self.data = data
        self.pos = offset

    def peek(self, size: int) -> bytes:
        """What is there of the next `size` bytes."""
        return self.data[self.pos : self.pos + size]

    def take(self, size: int) -> bytes:
        """The next `size` bytes or TruncatedEntryError."""
        part = self.peek(size)
        if len(part) < size:
            raise TruncatedEntryError(f"offset {self.pos}: want {size} bytes, have {len(part)}")
        self.pos += size
        return part

    def corrupt(self, what: str) -> CorruptEntryError:
        """The error for this place."""
        return CorruptEntryError(f"offset {self.pos}: {what}")


def decode(data: bytes, offset: int = 0) -> tuple[Entry, int]:
    """Bytes -> (entry, next offset)."""
    if offset < 0:
        raise ValueError("offset is negative")
    cur = _Cursor(data, offset)
    if not _MAGIC.startswith(cur.peek(4)):
        raise cur.corrupt("magic is not KVLG")
    cur.take(4)
    op_byte = cur.peek(1)
    if op_byte and op_byte[0] not in (1, 2, 3):
        raise cur.corrupt(f"unknown op {op_byte[0]}")
    op = Op(cur.take(1)[0])
    timestamp = int.from_bytes(cur.take(8), "big", signed=True)
    # the smallest number that the length can become
    key_len = int.from_bytes(cur.peek(4).ljust(4, b"\0"), "big")
    if key_len > _KEY_BYTES_MAX or (key_len == 0 and len(cur.peek(4)) == 4):
        raise cur.corrupt(f"key_len {key_len}")
    cur.take(4)
    part = cur.peek(key_len)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(part, len(part) == key_len)
    except UnicodeDecodeError:
        raise cur.corrupt("key is not UTF-8") from None
    key = cur.take(key_len).decode()
    part = cur.peek(4)
    value_len = int.from_bytes(part.ljust(4, b"\0"), "big")
    if len(part) == 4 and not _size_allowed(op, value_len):
        raise cur.corrupt(f"value_len {value_len} for {op.name}")
    if value_len > {Op.SET: _VALUE_BYTES_MAX, Op.DELETE: 0, Op.EXPIRE: 8}[op]:
        raise cur.corrupt(f"value_len {value_len} for {op.name}")
    cur.take(4)
    value = cur.take(value_len)
    return Entry(op, timestamp, key, value), cur.pos
