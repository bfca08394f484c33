"""Entry encoding and decoding for the log."""

import struct
from dataclasses import dataclass
from enum import IntEnum

from .errors import CorruptEntryError, InvalidKeyError, InvalidValueError, TruncatedEntryError

MAGIC = b"KVLG"
MAX_KEY = 65_536
MAX_VALUE = 67_108_864


class Op(IntEnum):
    SET = 1
    DELETE = 2
    EXPIRE = 3


@dataclass(frozen=True, slots=True)
class Entry:
    op: Op
    timestamp: int
    key: str
    value: bytes = b""


def encode(entry):
    if entry.op not in (1, 2, 3):
        raise ValueError("unknown op: %r" % (entry.op,))
    if not -(2**63) <= entry.timestamp < 2**63:
        raise ValueError("timestamp out of range")
    if not isinstance(entry.key, str):
        raise InvalidKeyError("key is not a str")
    try:
        key = entry.key.encode("utf-8")
    except UnicodeEncodeError as e:
        raise InvalidKeyError(str(e))
    if not 1 <= len(key) <= MAX_KEY:
        raise InvalidKeyError("key length %d" % len(key))
    value = entry.value
    if not isinstance(value, bytes):
        raise InvalidValueError("value is not bytes")
    if not value_len_ok(entry.op, len(value)):
        raise InvalidValueError("value length %d for op %d" % (len(value), entry.op))
    return (
        MAGIC
        + struct.pack("B", entry.op)
        + struct.pack("q", entry.timestamp)
        + struct.pack(">I", len(key))
        + key
        + struct.pack(">I", len(value))
        + value
    )


def value_len_ok(op, n):
    if op == Op.SET:
        return n <= MAX_VALUE
    if op == Op.DELETE:
        return n == 0
    return n in (0, 8)


def decode(data, offset=0):
    if offset < 0:
        raise ValueError("negative offset")
    pos = offset
    magic = data[pos : pos + 4]
    if len(magic) < 4:
        raise TruncatedEntryError("magic cut at offset %d" % pos)
    if magic != MAGIC:
        raise CorruptEntryError("bad magic at offset %d" % pos)
    pos += 4
    if pos >= len(data):
        raise TruncatedEntryError("no op")
    if data[pos] not in (1, 2, 3):
        raise CorruptEntryError("unknown op %d at offset %d" % (data[pos], pos))
    op = Op(data[pos])
    pos += 1
    ts = data[pos : pos + 8]
    if len(ts) < 8:
        raise TruncatedEntryError("timestamp cut")
    (timestamp,) = struct.unpack("q", ts)
    pos += 8
    part = data[pos : pos + 4]
    if len(part) < 4:
        raise TruncatedEntryError("key_len cut")
    (key_len,) = struct.unpack(">I", part)
    if not 1 <= key_len <= MAX_KEY:
        raise CorruptEntryError("bad key_len at offset %d" % pos)
    pos += 4
    raw = data[pos : pos + key_len]
    if len(raw) < key_len:
        raise TruncatedEntryError("key cut")
    try:
        key = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise CorruptEntryError("key is not utf-8 at offset %d" % pos)
    pos += key_len
    part = data[pos : pos + 4]
    if len(part) < 4:
        raise TruncatedEntryError("value_len cut")
    (value_len,) = struct.unpack(">I", part)
    if not value_len_ok(op, value_len):
        raise CorruptEntryError("bad value_len %d at offset %d" % (value_len, pos))
    pos += 4
    value = data[pos : pos + value_len]
    if len(value) < value_len:
        raise CorruptEntryError("value_len says %d, only %d bytes left" % (value_len, len(value)))
    return Entry(op, timestamp, key, value), pos + value_len
