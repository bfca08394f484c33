"""The in-memory map. Two dicts under one RWLock; they are only ever changed together."""

import math
import re
import time

from .errors import InvalidKeyError, InvalidTTLError, InvalidValueError, NotAnIntegerError
from .rwlock import RWLock

_KEY_BYTES_MAX = 65_536
_VALUE_BYTES_MAX = 67_108_864
_MIN, _MAX = -(2**63), 2**63 - 1
_NUMBER = re.compile(rb"0|-?[1-9]\d*")


def _check_key(key) -> None:
    if not isinstance(key, str):
        raise InvalidKeyError(f"key must be a str: {key!r}")
    try:
        n = len(key.encode("utf-8"))
    except UnicodeEncodeError as e:
        raise InvalidKeyError(f"key cannot be encoded: {e}") from e
    if n == 0:
        raise InvalidKeyError("key is empty")
    if n > _KEY_BYTES_MAX:
        raise InvalidKeyError(f"key has {n} bytes, the limit is {_KEY_BYTES_MAX}")


def _check_value(value) -> None:
    if not isinstance(value, bytes):
        raise InvalidValueError(f"value must be bytes: {type(value)}")
    if len(value) > _VALUE_BYTES_MAX:
        raise InvalidValueError(f"value has {len(value)} bytes, the limit is {_VALUE_BYTES_MAX}")


class MemoryStore:
    """str -> bytes with deadlines in integer nanoseconds."""

    def __init__(self, clock=time.time) -> None:
        self._clock = clock
        self._lock = RWLock()
        self._values: dict[str, bytes] = {}
        self._deadlines: dict[str, int] = {}

    def _now(self) -> int:
        return int(self._clock() * 1e9)

    def _alive_locked(self, key: str) -> bool:
        if key not in self._values:
            return False
        d = self._deadlines.get(key)
        return d is None or self._now() < d

    def _remove_locked(self, key: str) -> None:
        self._values.pop(key, None)
        self._deadlines.pop(key, None)

    def set(self, key: str, value: bytes) -> None:
        """Store value, clear deadline."""
        _check_key(key)
        _check_value(value)
        with self._lock.writing():
            self._values[key] = value
            self._deadlines.pop(key, None)

    def get(self, key: str) -> bytes | None:
        """The value or None."""
        _check_key(key)
        with self._lock.reading():
            return self._values[key] if self._alive_locked(key) else None

    def delete(self, key: str) -> bool:
        """Remove, True if it was there."""
        _check_key(key)
        with self._lock.writing():
            alive = self._alive_locked(key)
            self._remove_locked(key)
            return alive

    def exists(self, key: str) -> bool:
        """Is it there?"""
        return self.get(key) is not None

    def keys(self, pattern: str = "*") -> list[str]:
        """Live keys that match the glob."""
        regex = re.compile(_translate(pattern), re.DOTALL)
        values, _ = self.dump()
        return [key for key in values if regex.fullmatch(key)]

    def __len__(self) -> int:
        return len(self.dump()[0])

    def setnx(self, key: str, value: bytes) -> bool:
        """Store if absent."""
        _check_key(key)
        _check_value(value)
        with self._lock.writing():
            if self._alive_locked(key):
                return False
            self._values[key] = value
            return True

    def incr(self, key: str, by: int = 1) -> int:
        """Add by to the number at key."""
        _check_key(key)
        with self._lock.writing():
            old = 0
            alive = self._alive_locked(key)
            if alive:
                text = self._values[key]
                if not _NUMBER.fullmatch(text):
                    raise NotAnIntegerError("value is not a number")
                # int() refuses more than 4300 digits with a ValueError
                old = int(text) if len(text) < 30 else _MAX + 1
            if not _MIN <= old <= _MAX or not isinstance(by, int) or not _MIN <= old + by <= _MAX:
                raise NotAnIntegerError("value or sum is not a signed 64-bit integer")
            self._values[key] = str(old + by).encode()
            if not alive:
                self._deadlines.pop(key, None)
            return old + by

    def expire(self, key: str, seconds: float) -> bool:
        """Let key die in some seconds."""
        _check_key(key)
        if not isinstance(seconds, (int, float)):
            raise InvalidTTLError(f"not a number of seconds: {seconds!r}")
        if isinstance(seconds, float) and not math.isfinite(seconds):
            raise InvalidTTLError(f"not a finite number of seconds: {seconds!r}")
        return self.expire_at(key, self._now() + round(seconds * 1_000_000_000) if abs(seconds) < 1e11 else 2**64)

    def expire_at(self, key: str, deadline_ns: int) -> bool:
        """Let key die at an instant."""
        _check_key(key)
        if not isinstance(deadline_ns, int) or not _MIN <= deadline_ns <= _MAX:
            raise InvalidTTLError(f"deadline out of range: {deadline_ns!r}")
        with self._lock.writing():
            if not self._alive_locked(key):
                return False
            if deadline_ns <= self._now():
                self._remove_locked(key)
            else:
                self._deadlines[key] = deadline_ns
            return True

    def ttl(self, key: str) -> float:
        """Seconds left, -1 without deadline, -2 without key."""
        _check_key(key)
        with self._lock.reading():
            now = self._now()
            if key not in self._values:
                return -2
            deadline = self._deadlines.get(key)
            if deadline is None:
                return -1
            return (deadline - now) / 1e9 if now < deadline else -2

    def persist(self, key: str) -> bool:
        """Take the deadline away."""
        _check_key(key)
        with self._lock.writing():
            if not self._alive_locked(key):
                return False
            return self._deadlines.pop(key, None) is not None

    def deadline(self, key: str) -> int | None:
        """The deadline in unix nanoseconds or None."""
        _check_key(key)
        with self._lock.reading():
            return self._deadlines.get(key) if self._alive_locked(key) else None

    def purge_expired(self) -> int:
        """Free dead keys."""
        with self._lock.writing():
            now = self._now()
            dead = [k for k, d in self._deadlines.items() if d <= now]
            for k in dead:
                self._remove_locked(k)
            return len(dead)

    def dump(self) -> tuple[dict[str, bytes], dict[str, int]]:
        """Copies of values and deadlines of the live keys."""
        with self._lock.reading():
            now = self._now()
            deadlines = {k: d for k, d in self._deadlines.items() if now < d}
            values = {
                k: v
                for k, v in self._values.items()
                if k not in self._deadlines or k in deadlines
            }
        return values, deadlines


def _translate(pattern: str) -> str:
    """Redis glob -> regex. An unclosed [ runs to the end of the pattern, as in Redis."""
    out = []
    chars = iter(pattern)
    for c in chars:
        if c == "*":
            out.append(".*")
        elif c == "?":
            out.append(".")
        elif c == "\\":
            out.append(re.escape(next(chars, "\\")))
        elif c == "[":
            members = []
            for c in chars:
                if c == "]":
                    break
                members.append(("", c))
            negated = bool(members) and members[0] == ("", "^")
            if negated:
                members.pop(0)
            out.append(_class(members, negated))
        else:
            out.append(re.escape(c))
    return "".join(out)


def _class(members, negated) -> str:
    text = ""
    i = 0
    while i < len(members):
        low = members[i][1]
        if i + 2 < len(members) and members[i + 1] == ("", "-"):
            high = members[i + 2][1]
            low, high = min(low, high), max(low, high)
            text += re.escape(low) + "-" + re.escape(high)
            i += 3
        else:
            text += re.escape(low)
            i += 1
    if not text:
        return "." if negated else "(?!)"
    return "[" + "^" * negated + text + "]"
