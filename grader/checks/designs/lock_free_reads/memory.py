"""A thread-safe map with deadlines whose readers take no lock: every write makes a new map.

`_map` names one immutable version. Writers take turns, copy it, change the copy and put it in place
in one assignment. A reader looks at one version, and at the clock while that version is in place:
so there is an instant at which all that it says is true.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import NamedTuple

from .errors import InvalidKeyError, InvalidTTLError, InvalidValueError, NotAnIntegerError

_INT64_MAX = 2**63 - 1


class _Cell(NamedTuple):
    value: bytes
    deadline: int = _INT64_MAX + 1  # nanoseconds; this one is never reached


class MemoryStore:
    """A map of `str` keys to `bytes` values, for many threads. `clock()` gives unix seconds."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._writing = Lock()  # whoever replaces the map holds it
        self._map: Mapping[str, _Cell] = {}

    # Readers.

    def get(self, key: str) -> bytes | None:
        cell, _now = self._see(key)
        return cell.value if cell else None

    def exists(self, key: str) -> bool:
        return self._see(key)[0] is not None

    def ttl(self, key: str) -> float:
        cell, now = self._see(key)
        if cell is None:
            return -2.0
        return -1.0 if cell.deadline > _INT64_MAX else (cell.deadline - now) / 10**9

    def deadline(self, key: str) -> int | None:
        cell, _now = self._see(key)
        return cell.deadline if cell and cell.deadline <= _INT64_MAX else None

    def keys(self, pattern: str = "*") -> list[str]:
        glob = re.compile(_regex(pattern), re.DOTALL)
        return [key for key in self._see_all() if glob.fullmatch(key)]

    def __len__(self) -> int:
        return len(self._see_all())

    def dump(self) -> tuple[dict[str, bytes], dict[str, int]]:
        cells = self._see_all()
        mortal = {key: cell.deadline for key, cell in cells.items() if cell.deadline <= _INT64_MAX}
        return {key: cell.value for key, cell in cells.items()}, mortal

    # Writers.

    def set(self, key: str, value: bytes) -> None:
        _check(key, value)
        with self._writing:
            self._put(key, _Cell(value))

    def setnx(self, key: str, value: bytes) -> bool:
        _check(key, value)
        with self._writing:
            absent = self._see(key)[0] is None
            if absent:
                self._put(key, _Cell(value))
        return absent

    def delete(self, key: str) -> bool:
        with self._writing:
            present = self._see(key)[0] is not None
            if present:
                self._put(key, None)
        return present

    def incr(self, key: str, by: int = 1) -> int:
        with self._writing:
            cell = self._see(key)[0] or _Cell(b"0")
            if not re.fullmatch(rb"0|-?[1-9]\d*", cell.value) or len(cell.value) > 20:
                raise NotAnIntegerError("this value cannot be counted")
            old = int(cell.value)
            if not isinstance(by, int) or any(abs(2 * n + 1) > 2**64 for n in (old, by, old + by)):
                raise NotAnIntegerError("64 bits are not enough")
            self._put(key, cell._replace(value=str(old + by).encode("ascii")))
        return old + by

    def expire(self, key: str, seconds: float) -> bool:
        try:
            patience = int(seconds * 10**9)
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidTTLError(f"seconds cannot be {seconds!r}") from error
        with self._writing:
            cell, now = self._see(key)
            return self._set_deadline(key, cell, now + patience, now)

    def expire_at(self, key: str, deadline_ns: int) -> bool:
        with self._writing:
            cell, now = self._see(key)
            return self._set_deadline(key, cell, deadline_ns, now)

    def persist(self, key: str) -> bool:
        with self._writing:
            cell = self._see(key)[0]
            if cell is None or cell.deadline > _INT64_MAX:
                return False
            self._put(key, _Cell(cell.value))
            return True

    def purge_expired(self) -> int:
        with self._writing:
            before, now = self._map, self._now()
            self._map = {key: cell for key, cell in before.items() if now < cell.deadline}
            return len(before) - len(self._map)

    def _set_deadline(self, key: str, cell: _Cell | None, deadline: int, now: int) -> bool:
        if not isinstance(deadline, int) or not -_INT64_MAX - 1 <= deadline <= _INT64_MAX:
            raise InvalidTTLError(f"{deadline!r} is not a deadline")
        if cell is not None:
            self._put(key, None if deadline <= now else _Cell(cell.value, deadline))
        return cell is not None

    def _put(self, key: str, cell: _Cell | None) -> None:
        copy = {other: kept for other, kept in self._map.items() if other != key}
        if cell is not None:
            copy[key] = cell
        self._map = copy

    def _see(self, key: str) -> tuple[_Cell | None, int]:
        """Return the cell of a live key, None for any other, and the time at that instant."""
        _check(key)
        cells, now = self._version()
        cell = cells.get(key)
        return (cell if cell and now < cell.deadline else None), now

    def _see_all(self) -> dict[str, _Cell]:
        cells, now = self._version()
        return {key: cell for key, cell in cells.items() if now < cell.deadline}

    def _version(self) -> tuple[Mapping[str, _Cell], int]:
        """Return a version of the map, and a time at which it was in place."""
        while True:
            version, now = self._map, self._now()
            if version is self._map:
                return version, now

    def _now(self) -> int:
        return int(self._clock() * 1e9)


def _check(key: str, value: bytes = b"") -> None:
    try:
        fits = isinstance(key, str) and 0 < len(key.encode("utf-8")) <= 65_536
    except UnicodeError:
        fits = False
    if not fits:
        raise InvalidKeyError("this cannot be a key")
    if not isinstance(value, bytes) or len(value) > 67_108_864:
        raise InvalidValueError("this cannot be a value")


def _regex(pattern: str) -> str:
    out, rest = "", pattern
    while rest:
        head, rest = rest[0], rest[1:]
        if head == "*":
            out += "" if out.endswith(".*") else ".*"
        elif head == "?":
            out += "."
        elif head == "[":
            found = re.match(r"(\^?)((?:\\.|[^]]-.|[^]])*)]?", rest, re.DOTALL)
            assert found  # it matches anything
            rest = rest[found.end() :]
            out += _class(found[1], found[2])
        else:
            if head == "\\" and rest:
                head, rest = rest[0], rest[1:]
            out += re.escape(head)
    return out


def _class(negated: str, body: str) -> str:
    inside = ""
    for escaped, low, high, single in re.findall(r"(?s)\\(.)|(.)-(.)|(.)", body):
        ends = sorted((low, high)) if low else [escaped or single]
        inside += "-".join(map(re.escape, ends))
    if inside:
        return f"[{negated}{inside}]"
    return "." if negated else "(?!)"
