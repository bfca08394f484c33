"""What the operations on a whole store mean, when one runs after the other.

A dead record stays in the state until it is overwritten or purged, for `purge_expired` counts what
it frees. It returns *at most* the number of dead records: a store may free a dead key earlier, when
somebody comes across it.

Invariants: `State.records` is sorted by key, so that equal states are equal tuples. The clock never
goes back. Not here: operations on one key (`model`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from grader.oracle import model
from grader.oracle.model import NS_PER_SECOND, KeyStep, Raises, Record, Within

START_NS = 1_700_000_000 * NS_PER_SECOND
"""What a manual clock says at the start, if nobody says otherwise: unix nanoseconds."""


class State(NamedTuple):
    """A whole store, and its clock in unix nanoseconds. `State()` is empty."""

    now_ns: int = START_NS
    records: tuple[tuple[str, Record], ...] = ()
    is_closed: bool = False

    def find(self, key: str) -> Record | None:
        """Return what a key holds; None if it is absent or dead."""
        for name, record in self.records:
            if name == key:
                return record if record.outlives(self.now_ns) else None
        return None

    def put(self, key: str, record: Record | None) -> State:
        """Return the state in which a key holds this; None removes it."""
        rest = [item for item in self.records if item[0] != key]
        if record is not None:
            rest.append((key, record))
            rest.sort()
        return self._replace(records=tuple(rest))

    def live(self) -> list[tuple[str, Record]]:
        """Return all keys that are not dead, and what they hold, sorted by key."""
        return [item for item in self.records if item[1].outlives(self.now_ns)]


@dataclass(frozen=True, slots=True)
class AnyOrder:
    """What a call must give back is a list of these strings, in any order. They are sorted."""

    members: tuple[str, ...]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, AnyOrder):
            return self.members == other.members
        return (
            isinstance(other, list)
            and all(isinstance(member, str) for member in other)
            and tuple(sorted(other)) == self.members
        )

    def __hash__(self) -> int:
        return hash(self.members)


StoreStep = Callable[..., tuple[Any, State]]
"""`step(state, clock_ns, *arguments) -> (what comes back, state)`."""


def keys(state: State, _clock_ns: int, pattern: str = "*") -> tuple[AnyOrder, State]:
    """Every key that matches; of Redis's patterns the model knows `*` and `?`."""
    if "[" in pattern or "\\" in pattern:
        raise ValueError(f"the model knows no pattern such as {pattern!r}: use * and ? only")
    return AnyOrder(tuple(key for key, _ in state.live() if fnmatchcase(key, pattern))), state


def length(state: State, _clock_ns: int) -> tuple[int, State]:
    """The number of live keys."""
    return len(state.live()), state


def dump(state: State, _clock_ns: int) -> tuple[tuple[dict[str, bytes], dict[str, int]], State]:
    """Values by key, and deadlines by key."""
    live = state.live()
    deadlines = {key: held.deadline_ns for key, held in live if held.deadline_ns is not None}
    return ({key: held.value for key, held in live}, deadlines), state


def purge_expired(state: State, _clock_ns: int) -> tuple[Within, State]:
    """Dead records go; at most so many were there."""
    live = state.live()
    return Within(0, len(state.records) - len(live)), state._replace(records=tuple(live))


def snapshot(state: State, _clock_ns: int) -> tuple[None, State]:
    """To memory it does nothing."""
    return None, state


def close(state: State, _clock_ns: int) -> tuple[None, State]:
    """From now on everything is refused, except closing again."""
    return None, state._replace(is_closed=True)


def reopen(state: State, _clock_ns: int) -> tuple[None, State]:
    """The test opens the folder again: what was there when it was closed is there."""
    return None, state._replace(is_closed=False)


def advance(state: State, _clock_ns: int, seconds: int) -> tuple[None, State]:
    """The clock goes on by whole seconds. It is the test's own, and no operation of a store."""
    return None, state._replace(now_ns=state.now_ns + seconds * NS_PER_SECOND)


_IN_A_BATCH: dict[str, KeyStep] = {
    "set": model.set_,
    "delete": model.delete,
    "expire": model.expire,
    "persist": model.persist,
}


def apply_batch(
    state: State, clock_ns: int, operations: Iterable[Sequence[Any]]
) -> tuple[Raises | None, State]:
    """All of the operations at one instant, or an error and none of them.

    The model lets all of a batch's `expire` see the same clock. Where a clock moves meanwhile, a
    batch must therefore hold only one.
    """
    after = state
    for name, *arguments in operations:
        if name not in _IN_A_BATCH:
            return Raises("ValueError"), state
        expected, after = on_key(_IN_A_BATCH[name], after, clock_ns, *arguments)
        if isinstance(expected, Raises):
            return expected, state
    return None, after


def on_key(
    step: KeyStep, state: State, clock_ns: int, key: str, *arguments: Any
) -> tuple[Any, State]:
    """Let an operation on one key act on a whole store."""
    seen = state.find(key)
    expected, record = step(seen, clock_ns, *arguments)
    return expected, (state if record is seen else state.put(key, record))
