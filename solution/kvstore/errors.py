"""Every error the store raises on purpose, grouped by when you get it.

Given: leave this file as it is. An error of your own goes in the file that raises it.
"""

from __future__ import annotations


class KVStoreError(Exception):
    """The base of every error below: `except KVStoreError` catches them all."""


# What a caller passed was refused; nothing was logged and nothing changed.


class InvalidKeyError(KVStoreError, ValueError):
    """The key is not a `str`, is empty, over 65,536 bytes in UTF-8, or not encodable at all."""


class InvalidValueError(KVStoreError, ValueError):
    """The value is not `bytes`, is over 67,108,864 bytes, or does not fit the operation."""


class InvalidTTLError(KVStoreError, ValueError):
    """The time to live is not finite, or its deadline does not fit 64 bits of nanoseconds."""


class NotAnIntegerError(KVStoreError, ValueError):
    """`incr` met a value that is not a signed 64-bit decimal, or the result would not be one."""


class LockError(KVStoreError, RuntimeError):
    """A thread released what it does not hold, or acquired what it already holds."""


# Bytes that were read do not make sense.


class TruncatedEntryError(KVStoreError, ValueError):
    """The entry stops too early: a longer input that begins with these bytes could be valid."""


class CorruptEntryError(KVStoreError, ValueError):
    """No entry begins with these bytes, however many more were to follow."""


class _DamagedFileError(KVStoreError):
    """Damage in a file: `path` names it and `offset` is where the damage begins, in bytes."""

    def __init__(self, message: str, path: str, offset: int) -> None:
        super().__init__(f"{message} ({path}, offset {offset})")
        self.path = path
        self.offset = offset


class CorruptLogError(_DamagedFileError):
    """A segment is damaged or missing where a torn tail cannot explain it; nothing was cut."""


class CorruptSnapshotError(_DamagedFileError):
    """A snapshot's bytes do not add up: too short, a wrong checksum, or a foreign file."""


# The store cannot do this in the state that it is in.


class LogFailedError(KVStoreError):
    """An earlier write or fsync of the log failed, so no later one can be trusted: reopen."""


class StoreLockedError(KVStoreError):
    """Another store, in this process or another one, has the folder open."""


class StoreClosedError(KVStoreError):
    """The store was closed before this call."""


# A client spoke out of turn.


class ProtocolError(KVStoreError, ValueError):
    """Bytes from a client are neither an inline command nor a RESP array, or exceed a limit."""
