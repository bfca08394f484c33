"""What runs at a switch point: count down, and ask the scheduler when the countdown is over."""

from __future__ import annotations

import operator

from .scheduler import SCHEDULER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

# How points are called in code that is not bound yet.
VALUE, POINT, EACH = "\0value", "\0point", "\0each"
IN_PLACE = "\0in place "  # and the name of the operator's node, such as "Add"

_OPERATORS = {
    "Add": operator.iadd,
    "Sub": operator.isub,
    "Mult": operator.imul,
    "MatMult": operator.imatmul,
    "Div": operator.itruediv,
    "FloorDiv": operator.ifloordiv,
    "Mod": operator.imod,
    "Pow": operator.ipow,
    "LShift": operator.ilshift,
    "RShift": operator.irshift,
    "BitOr": operator.ior,
    "BitXor": operator.ixor,
    "BitAnd": operator.iand,
}


def _value(value: Any) -> Any:
    SCHEDULER.left -= 1
    if SCHEDULER.left <= 0:
        SCHEDULER.on_step()
    return value


def _point() -> None:
    SCHEDULER.left -= 1
    if SCHEDULER.left <= 0:
        SCHEDULER.on_step()


class _Each:
    """An iterator with a point before each step."""

    __slots__ = ("_next",)

    def __init__(self, values: Iterable[Any]) -> None:
        self._next = iter(values).__next__

    def __iter__(self) -> _Each:
        return self

    def __next__(self) -> Any:
        SCHEDULER.left -= 1
        if SCHEDULER.left <= 0:
            SCHEDULER.on_step()
        return self._next()


POINTS: dict[str, Callable[..., Any]] = {
    VALUE: _value,
    POINT: _point,
    EACH: _Each,
    **{IN_PLACE + name: function for name, function in _OPERATORS.items()},
}
