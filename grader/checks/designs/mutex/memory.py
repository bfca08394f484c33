"""A thread-safe map with deadlines: one mutex, and every operation inside it from end to end.

Values and deadlines are two dictionaries that only change together. A dead key is thrown out by
whoever touches it next, under the same mutex, so a purge frees only what nobody touched.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .errors import InvalidKeyError, InvalidTTLError, InvalidValueError, NotAnIntegerError

_PART = re.compile(r"\\(.)|(\[)(\^?)((?:\\.|[^\]]-.|[^\]])*)\]?|(.)", re.DOTALL)  # of a glob
_SPAN = re.compile(r"\\(.)|(.)-(.)|(.)", re.DOTALL)  # of a class in a glob


class MemoryStore:
    """A map of `str` keys to `bytes` values, for many threads. `clock()` gives unix seconds."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._mutex = threading.Lock()  # protects both dictionaries
        self._values: dict[str, bytes] = {}
        self._deadlines: dict[str, int] = {}

    def set(self, key: str, value: bytes) -> None:
        with self._turn(key, value):
            self._values[key] = value
            self._deadlines.pop(key, None)

    def get(self, key: str) -> bytes | None:
        with self._turn(key):
            return self._values.get(key)

    def delete(self, key: str) -> bool:
        with self._turn(key):
            return self._drop(key)

    def exists(self, key: str) -> bool:
        with self._turn(key):
            return key in self._values

    def keys(self, pattern: str = "*") -> list[str]:
        parts = [*_parse(pattern)]
        return [key for key in self.dump()[0] if _fits(parts, key)]

    def __len__(self) -> int:
        return len(self.dump()[0])

    def setnx(self, key: str, value: bytes) -> bool:
        with self._turn(key, value):
            if key in self._values:
                return False
            self._values[key] = value
            return True

    def incr(self, key: str, by: int = 1) -> int:
        with self._turn(key):
            total = _int64(_number(self._values.get(key, b"0")) + _int64(by))
            self._values[key] = str(total).encode()
            return total

    def expire(self, key: str, seconds: float) -> bool:
        try:
            wait_ns = int(seconds * 1_000_000_000)
        except (TypeError, ValueError, OverflowError):
            raise InvalidTTLError(f"not a finite number of seconds: {seconds!r}") from None
        with self._turn(key) as now:
            return self._let_die(key, now + wait_ns, now)

    def expire_at(self, key: str, deadline_ns: int) -> bool:
        with self._turn(key) as now:
            return self._let_die(key, deadline_ns, now)

    def ttl(self, key: str) -> float:
        with self._turn(key) as now:
            if key not in self._values:
                return -2.0
            return (self._deadlines[key] - now) / 1e9 if key in self._deadlines else -1.0

    def persist(self, key: str) -> bool:
        with self._turn(key):
            return self._deadlines.pop(key, None) is not None

    def deadline(self, key: str) -> int | None:
        with self._turn(key):
            return self._deadlines.get(key)

    def purge_expired(self) -> int:
        with self._mutex:
            return sum(self._drop(key) for key in self._dead())

    def dump(self) -> tuple[dict[str, bytes], dict[str, int]]:
        with self._mutex:
            items, deadlines, dead = dict(self._values), dict(self._deadlines), self._dead()
        for key in dead:
            del items[key], deadlines[key]
        return items, deadlines

    @contextmanager
    def _turn(self, key: str, value: bytes = b"") -> Iterator[int]:
        """Check both, take the mutex, forget the key if it is dead; gives the time in ns."""
        _require(key, value)
        with self._mutex:
            now = int(self._clock() * 1e9)
            if key in self._deadlines and self._deadlines[key] <= now:
                self._drop(key)
            yield now

    def _let_die(self, key: str, deadline: int, now: int) -> bool:
        if not isinstance(deadline, int) or not -(2**63) <= deadline < 2**63:
            raise InvalidTTLError(f"not a deadline in 64 bits of nanoseconds: {deadline!r}")
        if deadline <= now:
            return self._drop(key)
        if key in self._values:
            self._deadlines[key] = deadline
        return key in self._values

    def _drop(self, key: str) -> bool:
        self._deadlines.pop(key, None)
        return self._values.pop(key, None) is not None

    def _dead(self) -> list[str]:
        now = int(self._clock() * 1e9)
        return [key for key, deadline in self._deadlines.items() if deadline <= now]


def _require(key: str, value: bytes) -> None:
    if not isinstance(key, str) or key == "":
        raise InvalidKeyError(f"not a key: {key!r}")
    if any("\ud800" <= char <= "\udfff" for char in key) or len(key.encode()) > 65_536:
        raise InvalidKeyError("the key has no UTF-8, or over 65,536 bytes of it")
    if not isinstance(value, bytes) or len(value) > 64 << 20:
        raise InvalidValueError(f"not bytes of at most 64 MiB: {type(value).__name__}")


def _int64(number: int) -> int:
    if not isinstance(number, int) or not -(2**63) <= number < 2**63:
        raise NotAnIntegerError(f"not an integer of 64 bits: {number!r}")
    return number


def _number(text: bytes) -> int:
    try:
        number = int(text)
    except ValueError:
        raise NotAnIntegerError("the value is text") from None
    if str(number).encode() != text:  # int() also reads " 1", "+1", "007" and "1_000"
        raise NotAnIntegerError("the value is no plain number")
    return _int64(number)


def _parse(pattern: str) -> Iterator[Callable[[str], bool] | None]:
    """Yield a test for each character that a glob asks for, and None for a star."""
    for escaped, bracket, negated, body, char in _PART.findall(pattern):
        if bracket:
            spans = [
                sorted(e or low + high or one * 2) for e, low, high, one in _SPAN.findall(body)
            ]
            yield (
                lambda c, spans=spans, no=bool(negated): (
                    no != any(s[0] <= c <= s[-1] for s in spans)
                )
            )
        elif char == "*":
            yield None
        else:
            yield (lambda _char: True) if char == "?" else (escaped or char).__eq__


def _fits(parts: list[Callable[[str], bool] | None], text: str) -> bool:
    """Match greedily; at a mismatch let the last star take one character more."""
    at = here = 0
    star, resume = -1, 0
    while here < len(text):
        part = parts[at] if at < len(parts) else lambda _char: False
        if part is None:
            star, resume = at, here
            at += 1
        elif part(text[here]):
            at, here = at + 1, here + 1
        elif star >= 0:
            resume += 1
            at, here = star + 1, resume
        else:
            return False
    return all(part is None for part in parts[at:])
