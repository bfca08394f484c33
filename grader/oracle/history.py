"""What was seen from outside while several threads called one object: calls, with their times.

Not here: what a call may return (the models), and whether an order explains it (`search`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

Op = tuple[str, tuple[Any, ...]]
"""A call to make: the course's name of the operation (`len(store)` is "__len__"), its arguments."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call that a thread made.

    `invoked` and `returned` are times of one clock, in any unit; `returned` is None if the call
    never came back. `errors` names the class of what it raised, itself first, then its bases; it is
    empty if the call returned, and then `result` is what it returned.
    """

    thread: int
    name: str
    args: tuple[Any, ...]
    invoked: int
    returned: int | None
    result: Any = None
    errors: tuple[str, ...] = ()


def precedes(one: Call, other: Call) -> bool:
    """Return True if a call had returned before another began."""
    return one.returned is not None and one.returned < other.invoked


def seen_until(history: Sequence[Call], instant: int) -> list[Call]:
    """Return what was known at an instant: calls that began, without what came back later."""
    return [
        call
        if call.returned is not None and call.returned <= instant
        else replace(call, returned=None, result=None, errors=())
        for call in history
        if call.invoked <= instant
    ]
