"""What the operations on one key mean, when one runs after the other.

A step is given what its key holds (None if the key is absent or dead), what the clock says, and the
call's arguments. It returns what the call must give back, and what the key holds then. Nothing is
changed in place: a search goes back and forth between states.

Source: the interface in docs/design.md. Not here: operations on many keys (`whole`), and what a
store does with a bad key or value: those are refused before anything, so no order matters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from grader.oracle.history import Call

NS_PER_SECOND = 1_000_000_000
_INT64 = range(-(2**63), 2**63)
# A clock that counts seconds in a float cannot tell less of a date of today.
_TTL_TOLERANCE_SECONDS = 1e-3


class Record(NamedTuple):
    """What one key holds. The deadline is in unix nanoseconds."""

    value: bytes
    deadline_ns: int | None = None

    def outlives(self, now_ns: int) -> bool:
        """Return True until the deadline."""
        return self.deadline_ns is None or self.deadline_ns > now_ns


@dataclass(frozen=True, slots=True)
class Raises:
    """What a call must give back is an error of this class, or of one derived from it."""

    error: str


@dataclass(frozen=True, slots=True)
class Within:
    """What a call must give back is a number between two bounds, both included."""

    low: float
    high: float

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int | float) and self.low <= other <= self.high

    def __hash__(self) -> int:
        return hash((self.low, self.high))


KeyStep = Callable[..., tuple[Any, Record | None]]
"""`step(record, clock_ns, *arguments without the key) -> (what comes back, record)`."""


def agrees(call: Call, expected: object) -> bool:
    """Return True if a call gave back what a step says; of a call that never returned, anything."""
    if call.returned is None:
        return True
    if isinstance(expected, Raises):
        return expected.error in call.errors
    return not call.errors and bool(expected == call.result)


def get(record: Record | None, _clock_ns: int) -> tuple[bytes | None, Record | None]:
    """The value, or None."""
    return (None if record is None else record.value), record


def exists(record: Record | None, _clock_ns: int) -> tuple[bool, Record | None]:
    """Whether it is there."""
    return record is not None, record


def set_(_record: Record | None, _clock_ns: int, value: bytes) -> tuple[None, Record]:
    """A new value, and no deadline."""
    return None, Record(value)


def delete(record: Record | None, _clock_ns: int) -> tuple[bool, None]:
    """Gone; whether it was there."""
    return record is not None, None


def setnx(record: Record | None, _clock_ns: int, value: bytes) -> tuple[bool, Record]:
    """A value only where there is none."""
    return (True, Record(value)) if record is None else (False, record)


def incr(record: Record | None, _clock_ns: int, by: int = 1) -> tuple[int | Raises, Record | None]:
    """The sum; a deadline stays."""
    number = _parse(b"0" if record is None else record.value)
    if number is None or by not in _INT64 or number + by not in _INT64:
        return Raises("NotAnIntegerError"), record
    deadline_ns = None if record is None else record.deadline_ns
    return number + by, Record(b"%d" % (number + by), deadline_ns)


def expire_at(
    record: Record | None, _clock_ns: int, deadline_ns: int
) -> tuple[bool | Raises, Record | None]:
    """A deadline; one that has passed leaves the key dead."""
    if deadline_ns not in _INT64:
        return Raises("InvalidTTLError"), record
    if record is None:
        return False, None
    return True, Record(record.value, deadline_ns)


def expire(
    record: Record | None, clock_ns: int, seconds: float
) -> tuple[bool | Raises, Record | None]:
    """A deadline, so many seconds after what the clock says."""
    try:
        left_ns = int(seconds * NS_PER_SECOND)
    except (OverflowError, ValueError):  # infinite, or not a number
        return Raises("InvalidTTLError"), record
    return expire_at(record, clock_ns, clock_ns + left_ns)


def persist(record: Record | None, _clock_ns: int) -> tuple[bool, Record | None]:
    """No deadline any more; whether there was one."""
    if not (record and record.deadline_ns):
        return False, record
    return True, Record(record.value)


def deadline(record: Record | None, _clock_ns: int) -> tuple[int | None, Record | None]:
    """The deadline, or None."""
    return (None if record is None else record.deadline_ns), record


def ttl(record: Record | None, clock_ns: int) -> tuple[int | Within, Record | None]:
    """Seconds until the deadline; -1 without one, -2 without the key."""
    if record is None or not record.outlives(clock_ns):
        return -2, record
    if record.deadline_ns is None:
        return -1, record
    left = (record.deadline_ns - clock_ns) / NS_PER_SECOND
    return Within(left - _TTL_TOLERANCE_SECONDS, left + _TTL_TOLERANCE_SECONDS), record


def _parse(text: bytes) -> int | None:
    """Read a signed 64-bit integer, written as a number is printed; None if it is not one."""
    try:
        number = int(text)
    except ValueError:
        return None
    return number if number in _INT64 and b"%d" % number == text else None
