"""The table of a store's operations: the checker and the generator both read it.

A new operation is covered by its step in `model` or `whole`, and one line here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from grader.oracle import model, whole
from grader.oracle.arguments import Draw
from grader.oracle.history import Op
from grader.oracle.model import KeyStep, Raises
from grader.oracle.whole import State, StoreStep

Holding = Literal["nothing", "number", "text", "lasting", "dead"]
"""What a key may hold before a program begins: "lasting" has a deadline far away, "dead" one that
has passed, and it was not purged."""

_PRESENT_OR_NOT: tuple[Holding, ...] = ("number", "nothing")
_FILLING: tuple[Holding, ...] = ("nothing", "nothing", "number", "dead")
_TIMED: tuple[Holding, ...] = ("lasting", "lasting", "number", "dead", "nothing")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its name, how each argument is drawn, whether it changes anything, and what it
    means on one key (its first argument) or on the whole store.

    `holdings` are what a key should hold before, for the operation to be worth watching; some stand
    there twice to be had more often. `reads_clock`: it computes with the time of some instant of
    the call. `outlives_close`: it works on a closed store.
    """

    name: str
    arguments: tuple[Callable[[Draw], Any], ...] = ()
    writes: bool = False
    on_key: KeyStep | None = None
    on_store: StoreStep | None = None
    holdings: tuple[Holding, ...] = _PRESENT_OR_NOT
    reads_clock: bool = False
    outlives_close: bool = False

    @property
    def is_local(self) -> bool:
        """Return True if the operation touches one key."""
        return self.on_key is not None

    def act(self, state: State, args: Sequence[Any], clock_ns: int) -> tuple[Any, State]:
        """Return what a call must give back and the state after it.

        `clock_ns` is the time that it computes with, if it does; what is dead is decided by the
        state's own.
        """
        if state.is_closed and not self.outlives_close:
            return Raises("StoreClosedError"), state
        if self.on_key is not None:
            return whole.on_key(self.on_key, state, clock_ns, *args)
        assert self.on_store is not None, f"nobody says what {self.name} means"
        return self.on_store(state, clock_ns, *args)


_KEY, _VALUE = Draw.key, Draw.value

_TABLE = (
    Operation("get", (_KEY,), on_key=model.get, holdings=("number", "nothing", "dead")),
    Operation("exists", (_KEY,), on_key=model.exists, holdings=("number", "nothing", "dead")),
    Operation("ttl", (_KEY,), on_key=model.ttl, holdings=_TIMED, reads_clock=True),
    Operation("deadline", (_KEY,), on_key=model.deadline, holdings=_TIMED),
    Operation("set", (_KEY, _VALUE), writes=True, on_key=model.set_, holdings=_TIMED),
    Operation("delete", (_KEY,), writes=True, on_key=model.delete),
    Operation(
        "setnx",
        (_KEY, _VALUE),
        writes=True,
        on_key=model.setnx,
        holdings=_FILLING,
    ),
    Operation(
        "incr",
        (_KEY, Draw.increment),
        writes=True,
        on_key=model.incr,
        holdings=("number", "number", "nothing", "lasting", "text", "dead"),
    ),
    Operation(
        "expire",
        (_KEY, Draw.seconds),
        writes=True,
        on_key=model.expire,
        holdings=_TIMED,
        reads_clock=True,
    ),
    Operation(
        "expire_at", (_KEY, Draw.deadline_ns), writes=True, on_key=model.expire_at, holdings=_TIMED
    ),
    Operation("persist", (_KEY,), writes=True, on_key=model.persist, holdings=_TIMED),
    Operation("keys", (Draw.pattern,), on_store=whole.keys, holdings=_FILLING),
    Operation("__len__", on_store=whole.length, holdings=_FILLING),
    Operation("dump", on_store=whole.dump, holdings=_TIMED),
    Operation(
        "apply_batch", (Draw.batch,), writes=True, on_store=whole.apply_batch, reads_clock=True
    ),
    Operation(
        "purge_expired",
        writes=True,
        on_store=whole.purge_expired,
        holdings=("dead", "dead", "lasting"),
    ),
    Operation("snapshot", writes=True, on_store=whole.snapshot),
    Operation("close", writes=True, on_store=whole.close, outlives_close=True),
    Operation("reopen", writes=True, on_store=whole.reopen, outlives_close=True),
    Operation(
        "advance",
        (Draw.leap,),
        writes=True,
        on_store=whole.advance,
        holdings=_TIMED,
        outlives_close=True,
    ),
)

OPERATIONS = {operation.name: operation for operation in _TABLE}
"""Every operation by its name. Two of them are the test's own: "advance" moves the clock, and
"reopen" opens a closed store again."""

READS = frozenset(operation.name for operation in _TABLE if not operation.writes)
"""The names of the operations that change nothing."""


def state_after(start: State, calls: Iterable[Op]) -> State:
    """Return the state that calls lead to, one after the other, whatever they give back."""
    state = start
    for name, args in calls:
        _, state = OPERATIONS[name].act(state, args, state.now_ns)
    return state
