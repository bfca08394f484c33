"""Random histories on disk, longer than those of tests, drawn from the oracle's workloads.

Not here: on which package they are tried. Invariant: no call of a history is one that raises, for a
history that does is not explored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import Random

from grader.benchmarks.powercuts.drawn import trial_of
from grader.oracle.history import Op
from grader.oracle.model import Raises
from grader.oracle.operations import OPERATIONS
from grader.oracle.whole import State
from grader.oracle.workload import Workload, workloads
from grader.powercuts.case import Trial
from grader.powercuts.subject import Policy
from grader.testkit.formats import DELETE, EXPIRE, SET, deadline
from grader.testkit.histories_on_disk import LogHistory, SnapshotFile, StoreHistory

CALLS = 12
POLICIES: tuple[Policy, ...] = ("always", "never", "interval")
FOLDERS = ("", "new", "new/deeper")
INTERVAL_SECONDS = 4.0
WRITES = ("set", "delete", "setnx", "incr", "expire", "expire_at", "persist", "apply_batch")
_KEYS = ("a", "b", "ключ")
_REOPENED, _CLOSED = 0.5, 0.3  # of all histories
_THREADS = 3  # a workload's plans, which are made one history
_FAR_NS = 2 * 10**18
_NEVER_SYNCED_BY_TIME: tuple[tuple[str, object], ...] = (("sync_interval", 10_000.0),)


def trials(stage: int, policy: Policy, rng: Random, calls: int = CALLS) -> Iterator[Trial]:
    """One history of each sort that a stage knows, of about so many calls."""
    if stage == 3:
        log = LogHistory(sync=policy, interval=INTERVAL_SECONDS)
        yield trial_of(log, log_history(rng, calls), interval=INTERVAL_SECONDS)
        return
    inside = rng.choice(FOLDERS)
    store = StoreHistory(sync=policy, inside=inside, options=_NEVER_SYNCED_BY_TIME)
    yield trial_of(store, store_history(rng, calls, snapshots=stage > 4))
    if stage > 4 and policy == "always":
        yield trial_of(SnapshotFile(), snapshot_history(rng, max(1, calls // 4)))


def store_history(rng: Random, calls: int, *, snapshots: bool) -> list[Op]:
    """Writes of a workload, its threads' calls mixed; among them snapshots, and the store is closed
    and opened again.
    """
    drawn = workloads(
        rng,
        aim=rng.sample(WRITES, _THREADS),
        count=1,
        threads=_THREADS,
        calls=calls // _THREADS,
        keys=_KEYS,
        partners=WRITES,
        moves_clock=False,
    )
    history = list(_one_after_the_other(next(drawn), rng))[:calls]
    for _ in range(rng.randint(1, 2) if snapshots else 0):
        history.insert(rng.randint(0, len(history)), ("snapshot", ()))
    if rng.random() < _REOPENED:
        place = rng.randint(0, len(history))
        history[place:place] = [("close", ()), ("reopen", ())]
    if rng.random() < _CLOSED:
        history.append(("close", ()))
    return without_refused(history)


def _one_after_the_other(workload: Workload, rng: Random) -> Iterator[Op]:
    yield from workload.before
    plans = [list(plan) for plan in workload.plans]
    while left := [plan for plan in plans if plan]:
        yield rng.choice(left).pop(0)


def without_refused(history: Iterable[Op]) -> list[Op]:
    """Leave out the calls that would raise, and those that only look."""
    state, kept = State(), []
    for op in history:
        operation = OPERATIONS[op[0]]
        answer, after = operation.act(state, op[1], state.now_ns)
        if operation.writes and not isinstance(answer, Raises):
            state = after
            kept.append(op)
    return kept


def log_history(rng: Random, calls: int) -> list[Op]:
    """Appends of one to three entries, with syncs and passing time among them."""
    return [_log_op(rng) for _ in range(calls)]


def _log_op(rng: Random) -> Op:
    chance = rng.random()
    if chance < 0.15:
        return "sync", ()
    if chance < 0.35:
        return "advance", (rng.choice((0.5, 1.5, 3.0, 4.0, 5.0)),)
    return "append", tuple(_row(rng) for _ in range(rng.randint(1, 3)))


def _row(rng: Random) -> tuple[int, int, str, bytes]:
    kind, key = rng.choice((SET, DELETE, EXPIRE)), rng.choice(_KEYS)
    value = {SET: rng.randbytes(rng.randint(0, 5)), DELETE: b"", EXPIRE: deadline(_FAR_NS)}[kind]
    return kind, rng.randrange(10**18), key, value


def snapshot_history(rng: Random, calls: int) -> list[Op]:
    """The same file, written so many times."""
    return [("write", (items, _deadlines(rng, items))) for items in _items(rng, calls)]


def _items(rng: Random, count: int) -> Iterator[dict[str, bytes]]:
    for _ in range(count):
        keys = rng.sample(_KEYS, rng.randint(0, len(_KEYS)))
        yield {key: rng.randbytes(rng.randint(0, 4)) for key in keys}


def _deadlines(rng: Random, items: dict[str, bytes]) -> dict[str, int]:
    return {key: _FAR_NS + rng.randrange(100) for key in items if rng.random() < 0.4}
