import struct
from dataclasses import dataclass
from enum import IntEnum

from .errors import *


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
    if not isinstance(entry.key, str) or not entry.key:
        raise InvalidKeyError("bad key")
    key = entry.key.encode()
    if len(key) > 65536:
        raise InvalidKeyError("key too long")
    if entry.op == Op.DELETE and entry.value:
        raise InvalidValueError("a DELETE has no value")
    if len(entry.value) > 67108864:
        raise InvalidValueError("value too long")
    header = struct.pack(">4sBqI", b"KVLG", entry.op, entry.timestamp, len(key))
    return header + key + struct.pack(">I", len(entry.value)) + entry.value


def decode(data, offset=0):
    data = data[offset:]
    if data[:4] != b"KVLG"[: len(data)]:
        raise CorruptEntryError("bad magic")
    if len(data) < 17:
        raise TruncatedEntryError("header too short")
    _, op, timestamp, key_len = struct.unpack(">4sBqI", data[:17])
    if op not in (1, 2, 3):
        raise CorruptEntryError("bad op %d" % op)
    if key_len < 1 or key_len > 65536:
        raise CorruptEntryError("bad key_len")
    end = 17 + key_len
    if len(data) < end + 4:
        raise TruncatedEntryError("key too short")
    try:
        key = data[17:end].decode()
    except UnicodeDecodeError:
        raise CorruptEntryError("key is not UTF-8")
    (value_len,) = struct.unpack(">I", data[end : end + 4])
    if value_len > 67108864:
        raise CorruptEntryError("bad value_len")
    value = data[end + 4 : end + 4 + value_len]
    if len(value) < value_len:
        raise TruncatedEntryError("value too short")
    return Entry(Op(op), timestamp, key, value), offset + end + 4 + value_len
