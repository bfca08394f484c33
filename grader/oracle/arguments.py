"""What generated calls are given: few keys, and values that tell who wrote them.

Every value is decimal text, so that `incr` can meet any of them, and no two are equal. Numbers that
`incr` adds are distinct powers of two: a sum tells which of them are in it. Most
deadlines are distinct and so far away that nothing passes them.

Invariant: only `Random.random` is called, whose results every version of Python promises to keep.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Sequence
from random import Random
from typing import Any, TypeVar

from grader.oracle.model import NS_PER_SECOND

T = TypeVar("T")
ADVANCE_SECONDS = 10
"""How far a generated `advance` moves the clock."""
_SOON_SECONDS = 5


class Draw:
    """Draws what one program's calls are given.

    `now_ns` is the clock when the program begins, after an `advance` if there was need of one.
    If it `is_local`, it is about single keys, and most calls get the same one; else most
    take turns, so that a view of many keys can be torn. If it `is_timed`, an `advance` passes some
    deadlines.
    """

    def __init__(
        self, rng: Random, keys: Sequence[str], now_ns: int, *, is_local: bool, is_timed: bool
    ) -> None:
        self._rng = rng
        self._keys = keys
        self._now_ns = now_ns
        self._is_local = is_local
        self._turns = itertools.cycle(self.shuffled(keys))
        self._soon = 0.5 if is_timed else 0
        self._values = itertools.count(1000, 1000)
        self._increments = itertools.accumulate(itertools.repeat(2), operator.mul, initial=1)
        self._far_seconds = itertools.count(1000, 1000)

    def chance(self, probability: float) -> bool:
        """Return True so often."""
        return self._rng.random() < probability

    def pick(self, options: Sequence[T]) -> T:
        """Return one of the options."""
        return options[int(self._rng.random() * len(options))]

    def shuffled(self, options: Sequence[T]) -> list[T]:
        """Return the options in another order."""
        return sorted(options, key=lambda _: self._rng.random())

    def key(self) -> str:
        """Return a key."""
        if self.chance(0.3):
            return self.pick(self._keys)
        return self._keys[0] if self._is_local else next(self._turns)

    def value(self) -> bytes:
        """Return decimal text that no other call was given."""
        return b"%d" % next(self._values)

    def increment(self) -> int:
        """Return a number to add that no other call was given."""
        return next(self._increments)

    def seconds(self) -> int:
        """Return a time to live."""
        if self.chance(0.1):
            return 0
        if self.chance(self._soon):
            return _SOON_SECONDS
        return next(self._far_seconds)

    def deadline_ns(self) -> int:
        """Return a deadline, rarely one that passed before the program began."""
        return self._from_now(self.seconds() or -2 * ADVANCE_SECONDS)

    def far_ns(self) -> int:
        """Return a deadline that nothing passes."""
        return self._from_now(next(self._far_seconds))

    def passed_ns(self) -> int:
        """Return a deadline that the `advance` before the program passes."""
        return self._from_now(-_SOON_SECONDS)

    def pattern(self) -> str:
        """Return a pattern: all keys, or those that begin like one of them."""
        return "*" if self.chance(0.7) else f"{self.key()[0]}*"

    def batch(self) -> tuple[tuple[Any, ...], ...]:
        """Return what `apply_batch` is given: a write to each key, so that a half of it shows."""
        writes: list[tuple[Any, ...]] = [("set", key, self.value()) for key in self._keys]
        if self.chance(0.3):
            writes[0] = ("delete", self._keys[0])
        elif self.chance(0.3):
            writes.append(("expire", self._keys[0], self.seconds()))
        return tuple(writes)

    def leap(self) -> int:
        """Return how many seconds the clock moves on."""
        return ADVANCE_SECONDS

    def _from_now(self, seconds: int) -> int:
        return self._now_ns + seconds * NS_PER_SECOND
