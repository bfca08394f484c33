"""The verdict on a history: could one thread have done the same, each call at an instant between
its beginning and its end?

Invariant: a history is only ever called right if an order was found, and wrong if there is none; a
search that reached its limit is "unknown".
Not here: the search itself, and what the operations mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from grader.oracle.history import Call, precedes, seen_until
from grader.oracle.locks import Holders, lock_step
from grader.oracle.model import NS_PER_SECOND, Record, agrees
from grader.oracle.operations import OPERATIONS, READS
from grader.oracle.search import Model, search
from grader.oracle.whole import State

S = TypeVar("S")
LIMIT = 100_000
"""How many configurations a search looks at before it gives up, if nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Verdict(Generic[S]):
    """What a history was found to be.

    `kind` is "ok": some order explains it; "violated": none does; or "unknown": the search gave up,
    which is never a pass. If violated: `calls` are the shortest part of the history, from its
    beginning on, that no order explains (of one key, if `key` names it; calls that came back later
    stand there without a result); `order` is the longest explanation of a part of them, `unplaced`
    are the calls that came back and have no place in it, and `state` is what it ends in.
    """

    kind: Literal["ok", "violated", "unknown"]
    calls: tuple[Call, ...] = ()
    key: str | None = None
    order: tuple[Call, ...] = ()
    unplaced: tuple[Call, ...] = ()
    state: S | None = None


def check_store(
    history: Sequence[Call], start: State | None = None, *, limit: int = LIMIT
) -> Verdict[State]:
    """Check the calls on a store that began in a known state; empty, if none is given.

    Unless a call is about the whole store or moves the clock, keys are checked one by one, and the
    order of overlapping calls of one thread on different keys is not looked at. `limit` counts
    configurations, for each key (or the whole store) anew. Raises `KeyError` for an operation that
    is not in the table. Deadlines are judged by the clock in `start`: under a real one, leave out
    `ttl` and `deadline`, and let all deadlines lie far ahead.
    """
    start = State() if start is None else start
    if start.is_closed or not all(OPERATIONS[call.name].is_local for call in history):
        return _judge(history, _model_of_store(history, start), limit)
    by_key: dict[str, list[Call]] = {}
    for call in history:
        by_key.setdefault(call.args[0], []).append(call)
    is_known = True
    for key, calls in by_key.items():
        of_key = _judge(calls, _model_of_key(start.find(key), start.now_ns), limit)
        if of_key.kind == "violated":
            state = start.put(key, of_key.state)
            return Verdict("violated", of_key.calls, key, of_key.order, of_key.unplaced, state)
        is_known = is_known and of_key.kind == "ok"
    return Verdict("ok" if is_known else "unknown")


def check_lock(history: Sequence[Call], *, limit: int = LIMIT) -> Verdict[Holders]:
    """Check the calls on a readers-writer lock that nobody held at first."""
    return _judge(history, Model(Holders(), lock_step, _only_looked), limit)


def _judge(history: Sequence[Call], model: Model[S], limit: int) -> Verdict[S]:
    found = search(history, model, limit=limit)
    if found.is_explained is not False:
        return Verdict("ok" if found.is_explained else "unknown")
    calls = _shortest_violation(history, model, limit)
    found = search(calls, model, limit=limit)
    unplaced = tuple(call for call in found.left if call.returned is not None)
    return Verdict("violated", tuple(calls), None, found.order, unplaced, found.state)


def _shortest_violation(history: Sequence[Call], model: Model[S], limit: int) -> list[Call]:
    """Return what was seen until the first return that no order explains.

    What no order explains is not mended by what happens later; so that return can be found by
    halving.
    """
    instants = sorted({call.returned for call in history if call.returned is not None})
    low, high = 0, len(instants) - 1
    while low < high:
        middle = (low + high) // 2
        part = seen_until(history, instants[middle])
        if search(part, model, limit=limit).is_explained is False:
            high = middle
        else:
            low = middle + 1
    return seen_until(history, instants[high])


def _only_looked(call: Call) -> bool:
    """Return True if a call changed nothing: it only reads, was refused, or found nothing to do."""
    if call.returned is None:
        return False
    return call.name in READS or call.result is False or bool(call.errors)


def _model_of_key(record: Record | None, now_ns: int) -> Model[Record | None]:
    """What the calls on one key do, while the clock stands still."""

    def step(record: Record | None, call: Call) -> tuple[Record | None, ...]:
        act = OPERATIONS[call.name].on_key
        assert act is not None, f"{call.name} is not an operation on one key"
        expected, after = act(record, now_ns, *call.args[1:])
        if not agrees(call, expected):
            return ()
        return (after if after is None or after.outlives(now_ns) else None,)

    return Model(record, step, _only_looked)


def _model_of_store(history: Sequence[Call], start: State) -> Model[State]:
    """What the calls on a whole store do."""
    readings = _clock_readings(history, start.now_ns)

    def step(state: State, call: Call) -> list[State]:
        operation = OPERATIONS[call.name]
        outcomes = [
            operation.act(state, call.args, clock_ns)
            for clock_ns in readings.get(id(call), (state.now_ns,))
        ]
        return [after for expected, after in outcomes if agrees(call, expected)]

    return Model(start, step, _only_looked)


def _clock_readings(history: Sequence[Call], now_ns: int) -> dict[int, list[int]]:
    """For each call (by `id`) during which the clock moves, and which computes with the time: every
    time that it may have read.
    """
    leaps = [call for call in history if call.name == "advance"]
    readings = {}
    for call in history:
        if not leaps or not OPERATIONS[call.name].reads_clock:
            continue
        times = {now_ns}
        for leap in leaps:
            moved = {time + leap.args[0] * NS_PER_SECOND for time in times}
            if precedes(leap, call):
                times = moved
            elif not precedes(call, leap):
                times |= moved
        readings[id(call)] = sorted(times)
    return readings
