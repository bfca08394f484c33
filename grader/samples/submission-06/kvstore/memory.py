"""The map itself: one dict of records under one readers-writer lock.

Every record is immutable and holds a value together with its deadline, so the two cannot get out
of step. No method but `_find_locked` and `_live_locked` decides whether a record is alive.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from typing import NamedTuple

from .errors import InvalidKeyError, InvalidTTLError, InvalidValueError, NotAnIntegerError
from .rwlock import RWLock

_KEY_BYTES_MAX = 65_536
_VALUE_BYTES_MAX = 67_108_864
_INT64 = range(-(2**63), 2**63)
_NS_PER_SECOND = 1_000_000_000
_DECIMAL = re.compile(rb"0|-?[1-9][0-9]{0,18}")


class _Record(NamedTuple):
    value: bytes
    deadline_ns: int | None = None

    def is_live(self, now_ns: int) -> bool:
        return self.deadline_ns is None or now_ns < self.deadline_ns


class MemoryStore:
    """A map of `str` keys to `bytes` values, for many threads. `clock()` gives unix seconds."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = RWLock()
        self._records: dict[str, _Record] = {}  # protected by _lock

    def set(self, key: str, value: bytes) -> None:
        """Store a value, and clear the key's deadline."""
        _check_key(key)
        _check_value(value)
        with self._lock.writing():
            self._records[key] = _Record(value)

    def get(self, key: str) -> bytes | None:
        """Return the value, or None if there is no such key."""
        record = self._look_up(key)
        return None if record is None else record.value

    def delete(self, key: str) -> bool:
        """Remove a key; True if it was there."""
        _check_key(key)
        with self._lock.writing():
            was_there = self._find_locked(key, self._now_ns()) is not None
            self._records.pop(key, None)
            return was_there

    def exists(self, key: str) -> bool:
        """Return True if the key is there."""
        return self._look_up(key) is not None

    def keys(self, pattern: str = "*") -> list[str]:
        """Return the keys that match a Redis glob, in any order, as they are at one instant."""
        glob = _compile_glob(pattern)
        return [key for key in self._live() if _glob_matches(glob, key)]

    def __len__(self) -> int:
        return len(self._live())

    def setnx(self, key: str, value: bytes) -> bool:
        """Store a value only if the key is absent, as one step; True if it was stored."""
        _check_key(key)
        _check_value(value)
        with self._lock.writing():
            if self._find_locked(key, self._now_ns()) is not None:
                return False
            self._records[key] = _Record(value)
            return True

    def incr(self, key: str, by: int = 1) -> int:
        """Add `by` to a decimal value, a missing one being 0, as one step; return the sum."""
        _check_key(key)
        if not isinstance(by, int) or by not in _INT64:
            raise NotAnIntegerError(f"incr by {by!r}: not a signed 64-bit integer")
        with self._lock.writing():
            old = self._find_locked(key, self._now_ns()) or _Record(b"0")
            total = _to_number(old.value) + by
            if total not in _INT64:
                raise NotAnIntegerError(f"the sum {total} does not fit 64 bits")
            self._records[key] = old._replace(value=b"%d" % total)
            return total

    def expire(self, key: str, seconds: float) -> bool:
        """Give a key `seconds` to live, zero or less removing it; False if there is none."""
        _check_key(key)
        return self.expire_at(key, self._now_ns() + _to_ns(seconds))

    def expire_at(self, key: str, deadline_ns: int) -> bool:
        """Let a key die at `deadline_ns` (unix nanoseconds); otherwise like `expire`."""
        _check_key(key)
        if not isinstance(deadline_ns, int) or deadline_ns not in _INT64:
            raise InvalidTTLError(f"the deadline {deadline_ns!r} is not 64 bits of nanoseconds")
        with self._lock.writing():
            now_ns = self._now_ns()
            record = self._find_locked(key, now_ns)
            if record is None:
                return False
            if deadline_ns <= now_ns:
                del self._records[key]
            else:
                self._records[key] = record._replace(deadline_ns=deadline_ns)
            return True

    def ttl(self, key: str) -> float:
        """Return the seconds that a key has left; -1 without a deadline, -2 without the key."""
        _check_key(key)
        with self._lock.reading():
            now_ns = self._now_ns()
            record = self._find_locked(key, now_ns)
        if record is None:
            return -2
        if record.deadline_ns is None:
            return -1
        return (record.deadline_ns - now_ns) / _NS_PER_SECOND

    def persist(self, key: str) -> bool:
        """Take a key's deadline away; True if it had one."""
        _check_key(key)
        with self._lock.writing():
            record = self._find_locked(key, self._now_ns())
            if record is None or record.deadline_ns is None:
                return False
            self._records[key] = _Record(record.value)
            return True

    def deadline(self, key: str) -> int | None:
        """Return a key's deadline in unix nanoseconds; None without one, or without the key."""
        record = self._look_up(key)
        return None if record is None else record.deadline_ns

    def purge_expired(self) -> int:
        """Free the memory of dead keys and return how many there were."""
        with self._lock.writing():
            now_ns = self._now_ns()
            dead = [
                key
                for key, record in self._records.items()
                if record.deadline_ns is not None and now_ns > record.deadline_ns
            ]
            for key in dead:
                del self._records[key]
            return len(dead)

    def dump(self) -> tuple[dict[str, bytes], dict[str, int]]:
        """Return values by key, and deadlines (unix nanoseconds) by key, as at one instant."""
        live = self._live()
        items = {key: record.value for key, record in live.items()}
        deadlines = {
            key: record.deadline_ns
            for key, record in live.items()
            if record.deadline_ns is not None
        }
        return items, deadlines

    def _now_ns(self) -> int:
        return int(self._clock() * 1e9)

    def _find_locked(self, key: str, now_ns: int) -> _Record | None:
        record = self._records.get(key)
        return record if record is not None and record.is_live(now_ns) else None

    def _look_up(self, key: str) -> _Record | None:
        _check_key(key)
        with self._lock.reading():
            return self._find_locked(key, self._now_ns())

    def _live(self) -> dict[str, _Record]:
        with self._lock.reading():
            now_ns = self._now_ns()
            return {key: rec for key, rec in self._records.items() if rec.is_live(now_ns)}


def _check_key(key: object) -> None:
    if not isinstance(key, str):
        raise InvalidKeyError(f"a key is a str, not {type(key).__name__}")
    try:
        size = len(key.encode())
    except UnicodeEncodeError as error:
        raise InvalidKeyError(f"the key has no UTF-8: {error.reason}") from None
    if not 1 <= size <= _KEY_BYTES_MAX:
        raise InvalidKeyError(f"a key has 1 to {_KEY_BYTES_MAX} bytes, this one has {size}")


def _check_value(value: object) -> None:
    if not isinstance(value, bytes):
        raise InvalidValueError(f"a value is bytes, not {type(value).__name__}")
    if len(value) > _VALUE_BYTES_MAX:
        raise InvalidValueError(f"a value of {len(value)} bytes is over {_VALUE_BYTES_MAX}")


def _to_number(text: bytes) -> int:
    if _DECIMAL.fullmatch(text) is None or int(text) not in _INT64:
        raise NotAnIntegerError("the value is not a signed 64-bit decimal number")
    return int(text)


def _to_ns(seconds: object) -> int:
    if isinstance(seconds, int):
        return seconds * _NS_PER_SECOND
    if not isinstance(seconds, float) or not math.isfinite(seconds * 1e9):
        raise InvalidTTLError(f"a time to live is a finite number of seconds, not {seconds!r}")
    return int(seconds * 1e9)


# A glob is compiled to one test per character, or _STAR for any run of characters.
_Test = Callable[[str], bool]
_STAR = None


def _compile_glob(pattern: str) -> list[_Test | None]:
    tests: list[_Test | None] = []
    position = 0
    while position < len(pattern):
        char = pattern[position]
        position += 1
        if char == "*":
            if not tests or tests[-1] is not _STAR:
                tests.append(_STAR)
        elif char == "?":
            tests.append(lambda _: True)
        elif char == "[":
            test, position = _compile_class(pattern, position)
            tests.append(test)
        else:
            if char == "\\" and position < len(pattern):
                char = pattern[position]
                position += 1
            tests.append(char.__eq__)
    return tests


def _compile_class(pattern: str, start: int) -> tuple[_Test, int]:
    """Compile the class that begins behind a `[`; without a `]` the `[` stands for itself."""
    position = start
    negated = pattern[position : position + 1] == "^"
    position += negated
    ranges: list[tuple[str, str]] = []
    while pattern[position : position + 1] != "]":
        low, position = _class_member(pattern, position)
        high = low
        if pattern[position : position + 1] == "-" and pattern[position + 1 : position + 2] not in (
            "",
            "]",
        ):
            high, position = _class_member(pattern, position + 1)
        if not low or not high:
            return "[".__eq__, start
        ranges.append((min(low, high), max(low, high)))

    def test(char: str) -> bool:
        return any(low <= char <= high for low, high in ranges) != negated

    return test, position + 1


def _class_member(pattern: str, position: int) -> tuple[str, int]:
    if pattern[position : position + 1] == "\\" and position + 1 < len(pattern):
        position += 1
    return pattern[position : position + 1], position + 1


def _glob_matches(tests: list[_Test | None], text: str) -> bool:
    """Match greedily and go back to the last star only: linear in practice, never exponential."""
    at, pos, star, mark = 0, 0, -1, 0
    while pos < len(text):
        if at < len(tests) and tests[at] is _STAR:
            star, mark = at, pos
            at += 1
            continue
        test = tests[at] if at < len(tests) else None
        if test is not None and test(text[pos]):
            at += 1
            pos += 1
        elif star >= 0:
            mark += 1
            at, pos = star + 1, mark
        else:
            return False
    return all(test is _STAR for test in tests[at:])
