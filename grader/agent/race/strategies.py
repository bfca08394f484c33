# ruff: noqa: D102  (what each method is asked, `Quiet` says)
"""Who runs next: seeded random walks, PCT, and a schedule that is given.

A strategy is asked in three situations: at a switch point of the package's code, but only at the
steps that it asked for (`next_step`); at each operation of a lock or a thread (`at_sync`); and when
the thread whose turn it is cannot go on (`at_block`). It answers with one of the `ready` tasks.

Every random number comes from a Mersenne Twister that is seeded with an int, which draws the same
numbers in every version of Python. Source of PCT: Burckhardt and others, "A Randomized Scheduler
with Probabilistic Guarantees of Finding Bugs", ASPLOS 2010.
"""

from __future__ import annotations

import _random
import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .scheduler import Task

NEVER = 1 << 60
# How likely a random walk switches at the operation of a lock: more likely than elsewhere, within
# limits.
_SYNC_FACTOR, _SYNC_MAX = 4, 0.3


class Quiet:
    """Nobody is interrupted; when a thread cannot go on, the first one that can does."""

    def begin(self, step: int) -> None:
        """The threads of the program are about to start."""

    def next_step(self, step: int) -> int:
        """The next step, after `step`, at which `at_point` wants to be asked."""
        return NEVER

    def welcome(self, task: Task) -> None:
        """A task is new."""

    def at_point(self, step: int, current: Task, usual: Task, ready: list[Task]) -> Task:
        """A switch point in the code of the package. `usual` is `current`, unless that has run for
        so long that it is another's turn.
        """
        return usual

    def at_sync(self, step: int, current: Task, ready: list[Task]) -> Task:
        """An operation of a lock or a thread."""
        return current

    def at_block(self, step: int, ready: list[Task]) -> Task:
        """The thread whose turn it was waits, or has ended."""
        return ready[0]

    def demote(self, task: Task) -> None:
        """A task has run for very long while others could."""


class Walk(Quiet):
    """A random walk: at each point another thread goes on with probability `chance`."""

    def __init__(self, seed: int, chance: float) -> None:
        self._draw = _random.Random(seed).random
        self._chance = chance
        self._sync_chance = min(_SYNC_FACTOR * chance, _SYNC_MAX)

    def next_step(self, step: int) -> int:
        if self._chance >= 1:
            return step + 1
        return step + 1 + int(math.log(1 - self._draw()) / math.log(1 - self._chance))

    def at_point(self, step: int, current: Task, usual: Task, ready: list[Task]) -> Task:
        return self.at_block(step, ready)

    def at_sync(self, step: int, current: Task, ready: list[Task]) -> Task:
        return self.at_block(step, ready) if self._draw() < self._sync_chance else current

    def at_block(self, step: int, ready: list[Task]) -> Task:
        return ready[int(self._draw() * len(ready))]


class Priorities(Quiet):
    """PCT: random priorities, and `changes` steps among the next `length` at which the thread that
    runs gets the lowest.
    """

    def __init__(self, seed: int, changes: int, length: int) -> None:
        self._draw = _random.Random(seed).random
        steps = [1 + int(self._draw() * max(1, length)) for _ in range(changes)]
        self._changes = sorted(steps, reverse=True)
        self._lowest = 0.0
        self._since = 0

    def begin(self, step: int) -> None:
        self._since = step

    def next_step(self, step: int) -> int:
        while self._changes and self._since + self._changes[-1] <= step:
            self._changes.pop()
        return self._since + self._changes[-1] if self._changes else NEVER

    def welcome(self, task: Task) -> None:
        task.priority = 1 + self._draw()

    def at_point(self, step: int, current: Task, usual: Task, ready: list[Task]) -> Task:
        self.demote(current)
        return self.at_block(step, ready)

    def at_sync(self, step: int, current: Task, ready: list[Task]) -> Task:
        return self.at_block(step, ready)

    def at_block(self, step: int, ready: list[Task]) -> Task:
        best = ready[0]
        for task in ready:
            if task.priority > best.priority:
                best = task
        return best

    def demote(self, task: Task) -> None:
        self._lowest -= 1
        task.priority = self._lowest


class Given(Quiet):
    """A schedule written down: at some steps, counted from the start, a given task goes on."""

    def __init__(self, switches: list[tuple[int, int]]) -> None:
        self._switches = dict(switches)
        self._steps = sorted(self._switches)
        self._since = 0

    def begin(self, step: int) -> None:
        self._since = step

    def next_step(self, step: int) -> int:
        later = [at for at in self._steps if self._since + at > step]
        return self._since + later[0] if later else NEVER

    def at_point(self, step: int, current: Task, usual: Task, ready: list[Task]) -> Task:
        return self._choose(step, ready, usual)

    def at_sync(self, step: int, current: Task, ready: list[Task]) -> Task:
        return self._choose(step, ready, current)

    def at_block(self, step: int, ready: list[Task]) -> Task:
        return self._choose(step, ready, ready[0])

    def _choose(self, step: int, ready: list[Task], default: Task) -> Task:
        wanted = self._switches.get(step - self._since)
        return next((task for task in ready if task.number == wanted), default)


def strategy(name: str, *settings: Any) -> Quiet:
    """Make a strategy from what a request says: `("walk", seed, chance)`, `("pct", seed, changes,
    length)` or `("switches", [(step, task), ...])`.
    """
    kinds: dict[str, Any] = {"walk": Walk, "pct": Priorities, "switches": Given}
    return kinds[name](*settings)  # type: ignore[no-any-return]
