"""A thread-safe map from text to bytes, with deadlines: the store's memory, and nothing durable.

Invariants:
- `_records` maps a key to one immutable record, so value and deadline always change together.
- A key is dead from the instant `now >= deadline` on, and a dead key is never seen, purged or not.
- What is refused (a bad key, value or deadline) is refused before anything changes.

Not here: files, logs, and threads that purge: the owner of the map decides when.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from .errors import InvalidKeyError, InvalidTTLError, InvalidValueError, NotAnIntegerError
from .rwlock import RWLock

_KEY_BYTES_MAX = 65_536
_VALUE_BYTES_MAX = 67_108_864
_INT64 = range(-(2**63), 2**63)
_NS_PER_SECOND = 1_000_000_000

# Decimal text as Redis accepts it: no plus sign, no spaces, no leading zeros, no "-0".
_DECIMAL = re.compile(rb"0|-?[1-9][0-9]{0,18}")


class _Record(NamedTuple):
    value: bytes
    deadline_ns: int | None = None

    def is_live(self, now_ns: int) -> bool:
        return self.deadline_ns is None or now_ns < self.deadline_ns


class MemoryStore:
    """A map of `str` keys to `bytes` values, for many threads. `clock()` gives unix seconds.

    Every method raises `InvalidKeyError` for a key that is not a `str` of 1 to 65,536 bytes in
    UTF-8, and `InvalidValueError` for a value that is not `bytes` of at most 67,108,864 bytes.
    """

    # Why a point read takes no lock: looking a `str` up in a dict is one atomic step in CPython,
    # and the record it finds is never changed, only replaced. One look-up therefore sees one
    # instant. A read of many keys needs a longer instant, and a write must not lose another write:
    # these take the lock.

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = RWLock()  # protects `_records`, except for a single look-up
        self._records: dict[str, _Record] = {}

    def set(self, key: str, value: bytes) -> None:
        """Store a value, and clear the key's deadline."""
        _check_key(key)
        _check_value(value)
        with self._lock.writing():
            self._records[key] = _Record(value)

    def get(self, key: str) -> bytes | None:
        """Return the value, or None if there is no such key."""
        record = self._find(key)
        return None if record is None else record.value

    def delete(self, key: str) -> bool:
        """Remove a key; True if it was there."""
        with self._lock.writing():
            was_live = self._find(key) is not None
            self._records.pop(key, None)
            return was_live

    def exists(self, key: str) -> bool:
        """Return True if the key is there."""
        return self._find(key) is not None

    def keys(self, pattern: str = "*") -> list[str]:
        """Return the keys that match a Redis glob, in any order, as they are at one instant.

        `*` is any text, `?` any character, `[abc]`, `[a-c]` and `[^a]` one character of (not of) a
        class, and a backslash takes the next character as it is. Source: redis.io/commands/keys.
        """
        matches = _compile_glob(pattern).fullmatch
        with self._lock.reading():
            live = self._live_locked()
        return [key for key in live if matches(key)]

    def __len__(self) -> int:
        with self._lock.reading():
            return len(self._live_locked())

    def setnx(self, key: str, value: bytes) -> bool:
        """Store a value only if the key is absent, as one step; True if it was stored."""
        _check_value(value)
        with self._lock.writing():
            if self._find(key) is not None:
                return False
            self._records[key] = _Record(value)
            return True

    def incr(self, key: str, by: int = 1) -> int:
        """Add `by` to a decimal value, a missing one being 0, as one step; return the sum.

        A deadline stays. Raises `NotAnIntegerError`, and changes nothing, if the value, `by` or the
        sum is not a signed 64-bit integer.
        """
        if not isinstance(by, int) or by not in _INT64:
            raise NotAnIntegerError(f"cannot add {by!r}: it is not a signed 64-bit integer")
        with self._lock.writing():
            record = self._find(key) or _Record(b"0")
            total = _parse_int64(record.value) + by
            if total not in _INT64:
                raise NotAnIntegerError(f"adding {by} would leave the range of 64 bits")
            self._records[key] = record._replace(value=b"%d" % total)
            return total

    def expire(self, key: str, seconds: float) -> bool:
        """Give a key `seconds` to live, zero or less removing it; False if there is none.

        Raises `InvalidTTLError` if `seconds` is not a finite number or the deadline does not fit 64
        bits of nanoseconds.
        """
        return self.expire_at(key, self._now_ns() + _to_ns(seconds))

    def expire_at(self, key: str, deadline_ns: int) -> bool:
        """Let a key die at `deadline_ns` (unix nanoseconds); otherwise like `expire`."""
        if not isinstance(deadline_ns, int) or deadline_ns not in _INT64:
            raise InvalidTTLError(
                f"{deadline_ns!r} is not a deadline of 64 bits in unix nanoseconds"
            )
        with self._lock.writing():
            record = self._find(key)
            if record is None:
                return False
            if deadline_ns <= self._now_ns():
                del self._records[key]
            else:
                self._records[key] = record._replace(deadline_ns=deadline_ns)
            return True

    def ttl(self, key: str) -> float:
        """Return the seconds that a key has left; -1 without a deadline, -2 without the key."""
        now_ns = self._now_ns()
        _check_key(key)
        record = self._records.get(key)
        if record is None or not record.is_live(now_ns):
            return -2.0
        return (
            -1.0 if record.deadline_ns is None else (record.deadline_ns - now_ns) / _NS_PER_SECOND
        )

    def persist(self, key: str) -> bool:
        """Take a key's deadline away; True if it had one."""
        with self._lock.writing():
            record = self._find(key)
            if record is None or record.deadline_ns is None:
                return False
            self._records[key] = _Record(record.value)
            return True

    def deadline(self, key: str) -> int | None:
        """Return a key's deadline in unix nanoseconds; None without one, or without the key."""
        record = self._find(key)
        return None if record is None else record.deadline_ns

    def purge_expired(self) -> int:
        """Free the memory of dead keys and return how many there were."""
        with self._lock.writing():
            now_ns = self._now_ns()
            dead = [key for key, record in self._records.items() if not record.is_live(now_ns)]
            for key in dead:
                del self._records[key]
            return len(dead)

    def dump(self) -> tuple[dict[str, bytes], dict[str, int]]:
        """Return values by key, and deadlines (unix nanoseconds) by key, as at one instant."""
        with self._lock.reading():
            live = self._live_locked()
        items = {key: record.value for key, record in live.items()}
        deadlines = {
            key: record.deadline_ns
            for key, record in live.items()
            if record.deadline_ns is not None
        }
        return items, deadlines

    def _now_ns(self) -> int:
        return int(self._clock() * 1e9)

    def _find(self, key: str) -> _Record | None:
        """Check a key and look it up, once; a dead record counts as none."""
        _check_key(key)
        now_ns = self._now_ns()  # first: what is found then was alive at this instant, or is dead
        record = self._records.get(key)
        return record if record is not None and record.is_live(now_ns) else None

    def _live_locked(self) -> dict[str, _Record]:
        now_ns = self._now_ns()
        return {key: record for key, record in self._records.items() if record.is_live(now_ns)}


def _check_key(key: str) -> None:
    # Exactly `str`: a subclass may compare and hash as it likes, and would come back from disk as a
    # plain `str`.
    if type(key) is not str:
        raise InvalidKeyError(f"a key must be a str, not {type(key).__name__}")
    try:
        size = len(key.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise InvalidKeyError(f"the key cannot be written as UTF-8: {error}") from None
    if not 1 <= size <= _KEY_BYTES_MAX:
        raise InvalidKeyError(f"a key must have 1 to {_KEY_BYTES_MAX} bytes in UTF-8, not {size}")


def _check_value(value: bytes) -> None:
    if type(value) is not bytes:
        raise InvalidValueError(f"a value must be bytes, not {type(value).__name__}")
    if len(value) > _VALUE_BYTES_MAX:
        raise InvalidValueError(
            f"a value must have at most {_VALUE_BYTES_MAX} bytes, not {len(value)}"
        )


def _parse_int64(text: bytes) -> int:
    if _DECIMAL.fullmatch(text) and (number := int(text)) in _INT64:
        return number
    raise NotAnIntegerError("the value is not a signed 64-bit integer in decimal")


def _to_ns(seconds: float) -> int:
    if not isinstance(seconds, int | float):
        raise InvalidTTLError(f"a time to live must be a number of seconds, not {seconds!r}")
    try:
        return int(seconds * _NS_PER_SECOND)
    except (OverflowError, ValueError):  # infinite, or not a number
        raise InvalidTTLError(f"a time to live must be finite, not {seconds!r}") from None


@lru_cache(maxsize=256)
def _compile_glob(pattern: str) -> re.Pattern[str]:
    """Translate a Redis glob into a regular expression that matches the same whole keys."""
    parts = [""]  # what stands between the stars, each of a fixed width
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            parts.append("")
        elif char == "?":
            parts[-1] += "."
        elif char == "[":
            regex, at = _translate_class(pattern, at)
            parts[-1] += regex
        else:
            if char == "\\" and at < len(pattern):
                char = pattern[at]
                at += 1
            parts[-1] += re.escape(char)
    first, *middle = parts
    last = middle.pop() if middle else None
    # The earliest place for each part is always good enough, so the search need never come back to
    # it: an atomic group keeps a pattern like "*a*a*a*a*b" from taking time exponential in its
    # stars.
    regex = first + "".join(f"(?>.*?{part})" for part in middle)
    return re.compile(regex if last is None else f"{regex}.*{last}", re.DOTALL)


def _translate_class(pattern: str, at: int) -> tuple[str, int]:
    """Translate the character class whose `[` ends at `at`; returns it and where it ends.

    As in Redis: a range may be written backwards, and a class without a `]` goes on to the end of
    the pattern.
    """
    negated = pattern.startswith("^", at)
    at += negated
    members = ""
    while at < len(pattern) and pattern[at] != "]":
        if pattern[at] == "\\" and at + 1 < len(pattern):
            members += re.escape(pattern[at + 1])
            at += 2
        elif pattern[at + 1 : at + 2] == "-" and at + 2 < len(pattern):
            low, high = sorted((pattern[at], pattern[at + 2]))
            members += f"{re.escape(low)}-{re.escape(high)}"
            at += 3
        else:
            members += re.escape(pattern[at])
            at += 1
    if not members:
        return ("." if negated else "(?!)"), at + 1
    return (f"[^{members}]" if negated else f"[{members}]"), at + 1
