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

from dataclasses import dataclass
from enum import IntEnum

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
    # TODO: refuse what cannot be written, then lay out the fields in their order. `struct` writes
    # big-endian integers. A length counts bytes, and a key is text: mind which one you measure.
    # What slips through here is in the log, and nobody will be able to read it back.
    raise NotImplementedError("stage 2: encode")


def decode(data: bytes, offset: int = 0) -> tuple[Entry, int]:
    """Return the entry that begins at `offset`, and the offset behind it.

    Raises `TruncatedEntryError` if some longer input that begins with these bytes is a valid entry,
    and `CorruptEntryError` if none is. A negative offset is a `ValueError`. Bytes after the entry
    are not looked at.
    """
    # TODO: take one field after the other. For each one, two questions: can a valid field begin
    # with the bytes that are there, and are enough of them there? The answers decide between
    # corrupt, truncated and going on to the next field.
    raise NotImplementedError("stage 2: decode")
