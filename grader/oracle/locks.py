"""What the four operations of a readers-writer lock mean, when one runs after the other.

An acquire takes effect at an instant at which it is allowed; so a lock that makes a thread wait
longer than it must is not wrong here. Not here: who goes first, and that everybody gets a turn.
"""

from __future__ import annotations

from typing import NamedTuple

from grader.oracle.history import Call
from grader.oracle.model import Raises, agrees


class Holders(NamedTuple):
    """Which threads hold a lock, and how."""

    readers: frozenset[int] = frozenset()
    writer: int | None = None


def lock_step(holders: Holders, call: Call) -> tuple[Holders, ...]:
    """Return the state that a call on the lock leads to, or nothing where it cannot happen."""
    expected, after = _act(holders, call.name, call.thread)
    return (after,) if after is not None and agrees(call, expected) else ()


def _act(holders: Holders, name: str, me: int) -> tuple[Raises | None, Holders | None]:
    """What comes back and who holds the lock then: nobody can say while the call must wait."""
    readers, writer = holders
    misuse = Raises("LockError"), holders
    match name:
        case "acquire_read" | "acquire_write" if me in readers or me == writer:
            return misuse
        case "acquire_read":
            return None, Holders(readers | {me}) if writer is None else None
        case "acquire_write":
            return None, Holders(readers, me) if writer is None and not readers else None
        case "release_read":
            return (None, Holders(readers - {me}, writer)) if me in readers else misuse
        case "release_write":
            return (None, Holders(readers)) if me == writer else misuse
        case _:
            raise ValueError(f"a lock has no operation {name!r}")
