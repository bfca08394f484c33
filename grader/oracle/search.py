"""Is there an order of the calls that a sequential model explains? A search that misses none.

The algorithm is Porcupine's: Wing and Gong's search with Lowe's memory of where it has been
("Testing for linearizability", 2017). A call may be placed next if no call that is not yet placed
returned before it began. Two ways to place the same calls that end in the same state are one. A
call that only looked is placed as soon as it fits: that hinders no other.

Calls are numbered in the order in which they returned, those that never did at the end. A
*configuration* is (first, later, state): `first` is the earliest call that is not placed, and bit i
of `later` says that call first + 1 + i is. So few threads make few bits, however long the history.

Not here: what the calls mean. The model comes in as a function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from grader.oracle.history import Call

S = TypeVar("S")
_Configuration = tuple[int, int, S]
_NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Model(Generic[S]):
    """What calls mean. States are hashable.

    `step` gives the states that a call may lead to: none, if it cannot have happened there.
    `only_looked` tells the calls that changed nothing, wherever they fit.
    """

    start: S
    step: Callable[[S, Call], Sequence[S]]
    only_looked: Callable[[Call], bool]


@dataclass(frozen=True, slots=True)
class Found(Generic[S]):
    """What a search came to. `is_explained` is None if it gave up at its limit.

    `order` is the longest explanation that it found, `left` the calls without a place in it, and
    `state` what it ends in.
    """

    is_explained: bool | None
    order: tuple[Call, ...]
    left: tuple[Call, ...]
    state: S


def search(history: Sequence[Call], model: Model[S], *, limit: int) -> Found[S]:
    """Look for an order that explains a history, through at most `limit` configurations.

    The calls of one thread keep the order in which they began (or stand in the history, if they
    began together), even where they overlap. A call that never returned takes effect at any time
    after it began, or never; not after a later call of its thread.
    """
    return _Search(history, model).run(limit)


class _Search(Generic[S]):
    def __init__(self, history: Sequence[Call], model: Model[S]) -> None:
        self._model = model
        self._timeline = _Timeline(history)
        self._calls = self._timeline.calls
        self._looks = {number for number, call in enumerate(self._calls) if model.only_looked(call)}
        # How each configuration was come to: from where, by which call.
        self._came_from: dict[_Configuration[S], tuple[_Configuration[S], int] | None] = {}

    def run(self, limit: int) -> Found[S]:
        model, calls, came_from = self._model, self._calls, self._came_from
        begin = 0, 0, model.start
        came_from[begin] = None
        if not self._timeline.returned:
            return self._found(begin, is_explained=True)
        untried = self._choices(begin)
        while untried:
            configuration, number = untried.pop()
            first, later, state = configuration
            if number == first:
                first, later = _skip_placed(first + 1, later)
            else:
                later |= 1 << (number - first - 1)
            for after in model.step(state, calls[number]):
                reached = first, later, after
                if reached in came_from:
                    continue
                came_from[reached] = configuration, number
                if first >= self._timeline.returned:
                    return self._found(reached, is_explained=True)
                untried += self._choices(reached)
            if len(came_from) > limit:
                return self._found(self._furthest(), is_explained=None)
        return self._found(self._furthest(), is_explained=False)

    def _choices(self, configuration: _Configuration[S]) -> list[tuple[_Configuration[S], int]]:
        """Return the calls worth placing next; the last is to be tried first."""
        first, later, state = configuration
        possible = self._timeline.possible(first, later)
        looks = self._looks
        for number in possible:
            if number in looks and self._model.step(state, self._calls[number]):
                return [(configuration, number)]
        return [(configuration, number) for number in possible if number not in looks]

    def _furthest(self) -> _Configuration[S]:
        return max(self._came_from, key=lambda reached: reached[0] + reached[1].bit_count())

    def _found(self, end: _Configuration[S], *, is_explained: bool | None) -> Found[S]:
        order = []
        configuration = end
        while (origin := self._came_from[configuration]) is not None:
            configuration, number = origin
            order.append(number)
        left = set(range(len(self._calls))).difference(order)
        return Found(
            is_explained,
            tuple(self._calls[number] for number in reversed(order)),
            tuple(self._calls[number] for number in sorted(left)),
            end[2],
        )


class _Timeline:
    """The calls of a history in the order in which they returned, and which may come next."""

    def __init__(self, history: Sequence[Call]) -> None:
        began = sorted(history, key=_when_invoked)
        order = sorted(range(len(began)), key=lambda i: _when_returned(began[i]))
        self.calls = [began[i] for i in order]
        self.returned = sum(call.returned is not None for call in began)
        numbers = [0] * len(began)
        for number, i in enumerate(order):
            numbers[i] = number
        self._rivals = self._find_rivals(began, numbers)
        self._waits_for = _find_overlaps_within_threads(began, numbers)

    def possible(self, first: int, later: int) -> list[int]:
        """Return the calls that may be placed next."""
        free = [
            number
            for number in self._rivals[first]
            if number == first or not later >> (number - first - 1) & 1
        ]
        if not self._waits_for:
            return free
        return [number for number in free if self._waits_for.get(number) not in free]

    def _find_rivals(self, began: list[Call], numbers: list[int]) -> list[list[int]]:
        """For each call that returned: itself and the calls that began before it did and returned
        after it (or never). The one that began first comes last, for it likely took effect first.
        """
        rivals = []
        under_way: list[int] = []  # by when they began, the latest first
        at = 0
        for number, call in enumerate(self.calls[: self.returned]):
            instant = _when_returned(call)
            while at < len(began) and began[at].invoked <= instant:
                under_way.insert(0, numbers[at])
                at += 1
            if number not in under_way:
                raise ValueError(f"{call} returned before it began")
            rivals.append(under_way.copy())
            under_way.remove(number)
        return rivals


def _find_overlaps_within_threads(began: list[Call], numbers: list[int]) -> dict[int, int]:
    """For each call that began before the one before it in its thread returned: that one."""
    waits_for = {}
    last: dict[int, int] = {}
    for i, call in enumerate(began):
        before = last.get(call.thread)
        if before is not None and _when_returned(began[before]) >= call.invoked:
            waits_for[numbers[i]] = numbers[before]
        last[call.thread] = i
    return waits_for


def _when_invoked(call: Call) -> int:
    return call.invoked


def _when_returned(call: Call) -> float:
    return _NEVER if call.returned is None else call.returned


def _skip_placed(first: int, later: int) -> tuple[int, int]:
    """Return the earliest call from `first` on that is not placed, and the bits of those after it;
    bit 0 of `later` is that of call `first`.
    """
    while later & 1:
        later >>= 1
        first += 1
    return first, later >> 1
