"""The objects that stay in the agent, by number.

Invariant: while the grader holds a number, the object behind it is alive and the number means that
same object. There is no class here, since code under test finds every class that there is.
"""

from __future__ import annotations

from .primitives import exact_text, name_of
from .wire import WireError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Table = tuple[
        Callable[[Any], tuple[int, Any]],
        Callable[[int, Any], Any],
        Callable[[tuple[int, ...]], list[Any]],
    ]


def object_table() -> Table:
    """Return three functions on a new table: keep, get, release.

    `keep(object)` returns its number, new or as before, and what to say of it: the name of its
    class, or its own when it is a class, and whether it is. `get(number, said of it)` returns the
    object, or raises `WireError`. `release(numbers)` forgets objects that the grader no longer
    holds and returns them, so that the caller chooses where they are dropped.
    """
    objects: dict[int, Any] = {}
    numbers: dict[int, int] = {}
    last = 0

    def keep(value: Any) -> tuple[int, Any]:
        nonlocal last
        identity = id(value)
        if identity not in numbers:
            last += 1
            objects[last], numbers[identity] = value, last
        kind = type(value)
        is_class = issubclass(kind, type)
        return numbers[identity], (exact_text(name_of(value if is_class else kind)), is_class)

    def get(number: int, _about: Any) -> Any:
        if number not in objects:
            raise WireError(f"no object has number {number}")
        return objects[number]

    def release(released: tuple[int, ...]) -> list[Any]:
        dropped: list[Any] = []
        for number in released:
            if number in objects:
                value = objects[number]
                del objects[number], numbers[id(value)]
                dropped += (value,)
        return dropped

    return keep, get, release
