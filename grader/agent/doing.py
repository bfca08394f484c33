"""How a hidden generator has something done in the open, as a step for `front.drive`, and learns
what came of it.
"""

from __future__ import annotations

from .primitives import collect_off, take, values_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

    from .front import Step

    Outcome = tuple[str, Any]
    Do = Callable[..., Generator[Step, None, Outcome]]


def doing(box: list[Outcome], kept: list[Any]) -> Do:
    """Return how to have something done as a step, and learn what came of it; that goes into
    `kept`, so that it is not dropped here.
    """

    def do(function: Callable[..., Any], *args: Any) -> Generator[Step, None, Outcome]:
        nonlocal kept
        yield function, args, []
        collect_off()
        outcome = take(box)
        kept += (outcome,)
        return outcome

    return do


def drop(kept: list[Any], objects: dict[str, Any]) -> Generator[Step, None, None]:
    """Drop what was kept, and named objects, where code under test may run."""
    dropped = [*kept, *values_of(objects)]
    del kept[:]
    for name in [*objects]:
        del objects[name]
    yield bool, (), dropped
    collect_off()


def good(outcome: Outcome) -> Any:
    """What a step returned that cannot fail, unless code under test has changed it: then the
    process ends.
    """
    if outcome[0] != "ok":
        raise RuntimeError("code under test has changed the agent")
    return outcome[1]


def parts(outcome: Outcome, wanted: int) -> tuple[Any, ...]:
    """The same, for a tuple of so many parts."""
    found = good(outcome)
    if type(found) is not tuple or len(found) != wanted:
        raise RuntimeError("code under test has changed the agent")
    return found
