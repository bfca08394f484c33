"""A thread-safe map from text to bytes, with deadlines: the store's memory, and nothing durable.

Invariants:
- A value and its deadline always change together.
- A key is dead from the instant `now >= deadline` on, and a dead key is never seen, purged or not.
- What is refused (a bad key, value or deadline) is refused before anything changes.

Not here: files, logs, and threads that purge: the owner of the map decides when.
"""

from __future__ import annotations

import time
from collections.abc import Callable

_KEY_BYTES_MAX = 65_536
_VALUE_BYTES_MAX = 67_108_864
_INT64 = range(-(2**63), 2**63)  # `number in _INT64` is a quick test
_NS_PER_SECOND = 1_000_000_000


class MemoryStore:
    """A map of `str` keys to `bytes` values, for many threads. `clock()` gives unix seconds.

    Every method raises `InvalidKeyError` for a key that is not a `str` of 1 to 65,536 bytes in
    UTF-8, and `InvalidValueError` for a value that is not `bytes` of at most 67,108,864 bytes.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        # TODO: keep the clock; make a lock and an empty map. What should the map hold for each key,
        # so that nobody ever sees a new value with an old deadline?
        raise NotImplementedError("stage 1: MemoryStore")

    def set(self, key: str, value: bytes) -> None:
        """Store a value, and clear the key's deadline."""
        # TODO: check both, then store. One assignment may be atomic in CPython, but this one must
        # not fall into the middle of another thread's incr either: who reads, then writes, relies
        # on nobody writing in between.
        raise NotImplementedError("stage 1: MemoryStore.set")

    def get(self, key: str) -> bytes | None:
        """Return the value, or None if there is no such key."""
        # TODO: a dead key is no key. Almost every method needs that rule: write it once.
        raise NotImplementedError("stage 1: MemoryStore.get")

    def delete(self, key: str) -> bool:
        """Remove a key; True if it was there."""
        # TODO: to look and to remove are one step, so that of two threads only one gets True.
        raise NotImplementedError("stage 1: MemoryStore.delete")

    def exists(self, key: str) -> bool:
        """Return True if the key is there."""
        # TODO: an empty value is a value too.
        raise NotImplementedError("stage 1: MemoryStore.exists")

    def keys(self, pattern: str = "*") -> list[str]:
        """Return the keys that match a Redis glob, in any order, as they are at one instant.

        `*` is any text, `?` any character, `[abc]`, `[a-c]` and `[^a]` one character of (not of) a
        class, and a backslash takes the next character as it is. Source: redis.io/commands/keys.
        """
        # TODO: take the live keys of one instant, then match them. A pattern can be turned into a
        # regular expression, piece by piece; every other character then has to stand for itself.
        raise NotImplementedError("stage 1: MemoryStore.keys")

    def __len__(self) -> int:
        # TODO: count the live keys, of one instant.
        raise NotImplementedError("stage 1: MemoryStore.__len__")

    def setnx(self, key: str, value: bytes) -> bool:
        """Store a value only if the key is absent, as one step; True if it was stored."""
        # TODO: clients use this to elect a leader or to take a lock, so two winners are a disaster.
        raise NotImplementedError("stage 1: MemoryStore.setnx")

    def incr(self, key: str, by: int = 1) -> int:
        """Add `by` to a decimal value, a missing one being 0, as one step; return the sum.

        A deadline stays. Raises `NotAnIntegerError`, and changes nothing, if the value, `by` or the
        sum is not a signed 64-bit integer.
        """
        # TODO: read, check, add, check, write, and nobody in between. Python's int() accepts more
        # than the course does: see the README.
        raise NotImplementedError("stage 1: MemoryStore.incr")

    def expire(self, key: str, seconds: float) -> bool:
        """Give a key `seconds` to live, zero or less removing it; False if there is none.

        Raises `InvalidTTLError` if `seconds` is not a finite number or the deadline does not fit 64
        bits of nanoseconds.
        """
        # TODO: turn "in `seconds` from now" into an instant; the rest is expire_at.
        raise NotImplementedError("stage 1: MemoryStore.expire")

    def expire_at(self, key: str, deadline_ns: int) -> bool:
        """Let a key die at `deadline_ns` (unix nanoseconds); otherwise like `expire`."""
        # TODO: a deadline of this instant or the past means that the key is gone now.
        raise NotImplementedError("stage 1: MemoryStore.expire_at")

    def ttl(self, key: str) -> float:
        """Return the seconds that a key has left; -1 without a deadline, -2 without the key."""
        # TODO: ask the clock once, or the key may die between two looks.
        raise NotImplementedError("stage 1: MemoryStore.ttl")

    def persist(self, key: str) -> bool:
        """Take a key's deadline away; True if it had one."""
        # TODO: the value stays, also when another thread sets it at this very moment.
        raise NotImplementedError("stage 1: MemoryStore.persist")

    def deadline(self, key: str) -> int | None:
        """Return a key's deadline in unix nanoseconds; None without one, or without the key."""
        # TODO: the exact integer. A float of unix seconds cannot hold nanoseconds.
        raise NotImplementedError("stage 1: MemoryStore.deadline")

    def purge_expired(self) -> int:
        """Free the memory of dead keys and return how many there were."""
        # TODO: between finding a dead key and removing it, nobody may have set it again.
        raise NotImplementedError("stage 1: MemoryStore.purge_expired")

    def dump(self) -> tuple[dict[str, bytes], dict[str, int]]:
        """Return values by key, and deadlines (unix nanoseconds) by key, as at one instant."""
        # TODO: stage 5 writes this to disk as a snapshot. Two instants would be a database that
        # never existed.
        raise NotImplementedError("stage 1: MemoryStore.dump")
