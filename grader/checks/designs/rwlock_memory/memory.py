"""A thread-safe map with deadlines behind a readers-writer lock: every read is inside `reading()`,
every write inside `writing()`, and nobody looks at the map outside.

A record is a list [value, deadline], changed in place by writers only. What an operation says is
true at the instant at which it read the clock, which it does once, with the lock held.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .errors import InvalidKeyError, InvalidTTLError, InvalidValueError, NotAnIntegerError
from .rwlock import RWLock

_Record = list[Any]  # [value: bytes, deadline: int in nanoseconds or None]
_LOWEST, _HIGHEST = -(1 << 63), (1 << 63) - 1


class MemoryStore:
    """A map of `str` keys to `bytes` values, for many threads. `clock()` gives unix seconds."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = RWLock()
        self._records: dict[str, _Record] = {}

    def set(self, key: str, value: bytes) -> None:
        _refuse_value(value)
        with self._to_write(key):
            self._records[key] = [value, None]

    def get(self, key: str) -> bytes | None:
        with self._to_read(key) as (record, _now):
            return record[0] if record else None

    def delete(self, key: str) -> bool:
        with self._to_write(key):
            return self._records.pop(key, None) is not None

    def exists(self, key: str) -> bool:
        with self._to_read(key) as (record, _now):
            return bool(record)

    def keys(self, pattern: str = "*") -> list[str]:
        fits = _translate(pattern)
        with self._lock.reading():
            now = self._now()
            return [key for key in self._records if self._alive(key, now) and fits(key)]

    def __len__(self) -> int:
        with self._lock.reading():
            now = self._now()
            return sum(1 for key in self._records if self._alive(key, now))

    def setnx(self, key: str, value: bytes) -> bool:
        _refuse_value(value)
        with self._to_write(key) as (record, _now):
            if not record:
                self._records[key] = [value, None]
            return not record

    def incr(self, key: str, by: int = 1) -> int:
        with self._to_write(key) as (record, _now):
            number = _to_int(record[0] if record else b"0")
            if not isinstance(by, int) or not (_LOWEST <= by <= _HIGHEST):
                raise NotAnIntegerError(f"cannot count by {by!r}")
            if not _LOWEST <= number + by <= _HIGHEST:
                raise NotAnIntegerError("the sum does not fit")
            self._records.setdefault(key, [b"", None])[0] = b"%d" % (number + by)
            return number + by

    def expire(self, key: str, seconds: float) -> bool:
        if not isinstance(seconds, int | float) or not -(2.0**63) < seconds < 2.0**63:
            raise InvalidTTLError(f"{seconds!r} seconds are no time to live")
        with self._to_write(key) as (record, now):
            return self._set_deadline(key, record, now, now + int(seconds * 1_000_000_000))

    def expire_at(self, key: str, deadline_ns: int) -> bool:
        with self._to_write(key) as (record, now):
            return self._set_deadline(key, record, now, deadline_ns)

    def ttl(self, key: str) -> float:
        with self._to_read(key) as (record, now):
            if not record:
                return -2.0
            return -1.0 if record[1] is None else (record[1] - now) / 1e9

    def persist(self, key: str) -> bool:
        with self._to_write(key) as (record, _now):
            if not record or record[1] is None:
                return False
            record[1] = None
            return True

    def deadline(self, key: str) -> int | None:
        with self._to_read(key) as (record, _now):
            return record[1] if record else None

    def purge_expired(self) -> int:
        with self._lock.writing():
            now = self._now()
            dead = [key for key in self._records if not self._alive(key, now)]
            for key in dead:
                self._records.pop(key)
        return len(dead)

    def dump(self) -> tuple[dict[str, bytes], dict[str, int]]:
        with self._lock.reading():
            now = self._now()
            alive = {k: tuple(self._records[k]) for k in self._records if self._alive(k, now)}
        return {k: v for k, (v, _) in alive.items()}, {
            k: d for k, (_, d) in alive.items() if d is not None
        }

    def _now(self) -> int:
        return int(self._clock() * 1e9)

    def _alive(self, key: str, now: int) -> bool:
        deadline = self._records[key][1]
        return deadline is None or now < deadline

    @contextmanager
    def _to_read(self, key: str) -> Iterator[tuple[_Record | None, int]]:
        _refuse_key(key)
        with self._lock.reading():
            now = self._now()
            record = self._records.get(key)
            yield (record if record and self._alive(key, now) else None), now

    @contextmanager
    def _to_write(self, key: str) -> Iterator[tuple[_Record | None, int]]:
        """As `_to_read`; and a dead record makes room, since a writer may remove it."""
        _refuse_key(key)
        with self._lock.writing():
            now = self._now()
            if key in self._records and not self._alive(key, now):
                del self._records[key]
            yield self._records.get(key), now

    def _set_deadline(self, key: str, record: _Record | None, now: int, deadline: int) -> bool:
        if not isinstance(deadline, int) or not _LOWEST <= deadline <= _HIGHEST:
            raise InvalidTTLError(f"{deadline!r} is no deadline")
        if record and deadline > now:
            record[1] = deadline
        elif record:
            del self._records[key]
        return bool(record)


def _refuse_key(key: str) -> None:
    if not isinstance(key, str):
        raise InvalidKeyError(f"{type(key).__name__} is no type for a key")
    try:
        data = key.encode()
    except UnicodeEncodeError as error:
        raise InvalidKeyError(f"no UTF-8 for {error.object[error.start]!r}") from None
    if data == b"" or data[65_536:]:
        raise InvalidKeyError(f"a key has 1 to 65,536 bytes, not {len(data)}")


def _refuse_value(value: bytes) -> None:
    if not isinstance(value, bytes):
        raise InvalidValueError(f"{type(value).__name__} is no type for a value")
    if len(value) > 64 * 1024 * 1024:
        raise InvalidValueError("the value has more than 64 MiB")


def _to_int(text: bytes) -> int:
    digits = text[1:] if text.startswith(b"-") else text
    is_plain = digits.isdigit() and len(digits) < 20 and (digits[0] != ord("0") or text == b"0")
    number = int(text) if is_plain else _HIGHEST + 1
    if not _LOWEST <= number <= _HIGHEST:
        raise NotAnIntegerError("what is stored is no decimal number of 64 bits")
    return number


def _translate(pattern: str) -> Callable[[str], bool]:
    """Make a test for whole keys of a glob: what stands between stars goes as far left as it can.

    Each part between stars is a list of the characters that it takes, as (wanted, spans).
    """
    parts: list[list[tuple[bool, list[str]]]] = [[]]
    rest = list(reversed(pattern))
    while rest:
        char = rest.pop()
        if char == "*":
            parts.append([])
        elif char == "?":
            parts[-1].append((False, []))
        elif char == "[":
            parts[-1].append(_take_class(rest))
        else:
            parts[-1].append((True, [rest.pop() if char == "\\" and rest else char]))

    def fits(key: str) -> bool:
        if len(parts) == 1:
            return len(key) == len(parts[0]) and _stands_at(parts[0], key, 0)
        at, end = len(parts[0]), len(key) - len(parts[-1])
        if at > end or not _stands_at(parts[0], key, 0) or not _stands_at(parts[-1], key, end):
            return False
        for part in parts[1:-1]:
            while at + len(part) <= end and not _stands_at(part, key, at):
                at += 1
            at += len(part)
        return at <= end

    return fits


def _take_class(rest: list[str]) -> tuple[bool, list[str]]:
    wanted = rest[-1:] != ["^"]
    if not wanted:
        rest.pop()
    spans = []
    while rest and (char := rest.pop()) != "]":
        if char == "\\" and rest:
            char = rest.pop()
        elif rest[-1:] == ["-"] and len(rest) > 1:
            rest.pop()
            char += rest.pop()
        spans.append(char)
    return wanted, spans


def _stands_at(part: list[tuple[bool, list[str]]], key: str, at: int) -> bool:
    return all(
        any(min(span) <= char <= max(span) for span in spans) is wanted
        for char, (wanted, spans) in zip(key[at:], part, strict=False)
    )
