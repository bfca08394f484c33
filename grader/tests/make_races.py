"""Failures of several threads as the race finder hands them over, for the tests of the reports."""

from typing import Any

from grader.outcome import (
    Comparison,
    Failure,
    Frame,
    Held,
    Interleaving,
    Moment,
    Outcome,
    Step,
    Wait,
)
from grader.tests.make_outcomes import outcome

MEMORY = "memory.py"


def lost_update(**fields: Any) -> Failure:
    """Two threads read a counter before either wrote it."""
    read = "number = int(self._items.get(key, b'0')) + by"
    write = "self._items[key] = b'%d' % number"
    moments = (
        Moment(0, "call", "store.incr('n')"),
        Moment(0, "line", read, MEMORY, 83, ("number = 42",)),
        Moment(1, "call", "store.incr('n')", hurts=True),
        Moment(1, "line", read, MEMORY, 83, ("number = 42",)),
        Moment(1, "line", write, MEMORY, 86),
        Moment(1, "return", "42"),
        Moment(0, "line", write, MEMORY, 86, hurts=True),
        Moment(0, "return", "42"),
    )
    race = Interleaving(
        threads=("A", "B"),
        before=(Step("store.set('n', b'41')"),),
        moments=moments,
        after=(Step("store.get('n')", "b'42'"),),
        diagnosis="Both threads read 41 before either wrote: incr is not atomic.",
        schedules=37,
        replay="r1.incr-incr.7d41c09f",
        **fields,
    )
    return Failure(
        "two increments of 41 left 42",
        comparison=Comparison("==", "b'43'", "b'42'"),
        interleaving=race,
    )


def torn_read() -> Failure:
    """A reader of several keys sees one batch of two writers half."""
    put = "self._items[key] = value"
    moments = (
        Moment(0, "call", "store.apply_batch([('set', 'a', b'1'), ('set', 'b', b'1')])"),
        Moment(0, "line", "for operation in operations:", "store.py", 141),
        Moment(0, "line", put, MEMORY, 52, ("key = 'a'", "value = b'1'")),
        Moment(2, "call", "store.dump()", hurts=True),
        Moment(
            2,
            "line",
            "items = {key: entry.value for key, entry in self._items.items() if entry.live(now)}",
            MEMORY,
            118,
            ("items = {'a': b'1', 'b': b'0'}",),
        ),
        Moment(2, "return", "({'a': b'1', 'b': b'0'}, {})"),
        Moment(1, "call", "store.set('a', b'2')"),
        Moment(1, "wait", "with self._lock.writing():", "store.py", 88),
        Moment(0, "line", put, MEMORY, 52, ("key = 'b'", "value = b'1'")),
        Moment(0, "return", "None"),
        Moment(1, "line", put, MEMORY, 52, ("key = 'a'", "value = b'2'")),
        Moment(1, "return", "None"),
    )
    race = Interleaving(
        threads=("writer", "late writer", "reader"),
        before=(Step("store.apply_batch([('set', 'a', b'0'), ('set', 'b', b'0')])"),),
        moments=moments,
        after=(Step("store.dump()", "({'a': b'2', 'b': b'1'}, {})"),),
        diagnosis=(
            "A dump saw 'a' as the batch left it and 'b' as it was before: "
            "a reader can see half of a batch."
        ),
        schedules=1204,
        replay="r1.batch-dump.03aa5e71",
    )
    return Failure("no order of the calls explains what dump returned", interleaving=race)


def deadlock() -> Failure:
    """Two threads take two locks in opposite orders."""
    first, second = "with self._lock.writing():", "with self._log_lock:"
    at_memory = Frame("store.py", 61, "Store.set", first)
    at_log = Frame("store.py", 132, "Store.snapshot", second)
    moments = (
        Moment(0, "call", "store.set('k', b'1')"),
        Moment(0, "line", second, "store.py", 60),
        Moment(1, "call", "store.snapshot()", hurts=True),
        Moment(1, "line", first, "store.py", 131),
        Moment(1, "wait", second, "store.py", 132),
        Moment(0, "wait", first, "store.py", 61),
    )
    waits = (
        Wait(
            0,
            "store.set('k', b'1')",
            "self._lock (RWLock), to write",
            (at_memory,),
            (Held("self._log_lock (Lock)", Frame("store.py", 60, "Store.set", second)),),
        ),
        Wait(
            1,
            "store.snapshot()",
            "self._log_lock (Lock)",
            (at_log,),
            (
                Held(
                    "self._lock (RWLock), to write",
                    Frame("store.py", 131, "Store.snapshot", first),
                ),
            ),
        ),
    )
    race = Interleaving(
        threads=("A", "B"),
        before=(),
        moments=moments,
        after=(),
        diagnosis="Deadlock: set takes _log_lock, then _lock; snapshot the other way round.",
        schedules=5,
        replay="r1.set-snapshot.55e0b7a2",
        waits=waits,
    )
    return Failure("two calls wait for each other forever", interleaving=race)


def latent() -> Failure:
    """A lost update that needs a switch within one line."""
    line = "self._count += 1"
    race = Interleaving(
        threads=("A", "B"),
        before=(),
        moments=(
            Moment(0, "call", "store.set('a', b'')"),
            Moment(0, "line", line, MEMORY, 71, ("self._count = 0",)),
            Moment(1, "call", "store.set('b', b'')", hurts=True),
            Moment(1, "line", line, MEMORY, 71, ("self._count = 0",)),
            Moment(1, "return", "None"),
            Moment(0, "line", line, MEMORY, 71, hurts=True),
            Moment(0, "return", "None"),
        ),
        after=(Step("len(store)", "1"),),
        diagnosis="Both threads read 0 before either wrote: the count of keys is not atomic.",
        schedules=1,
        replay="r1.set-set.9b2f11c4",
        latent=True,
    )
    return Failure(
        "two sets of new keys left a length of 1",
        comparison=Comparison("==", "2", "1"),
        interleaving=race,
    )


def race_outcome(name: str, failure: Failure, stage: int = 1, **fields: Any) -> Outcome:
    """A test of concurrency worth 2 points that failed so."""
    return outcome(stage, name, "concurrency", 2.0, "failed", failure=failure, **fields)
