"""What the oracle takes the operations to mean: of one key, of a whole store, of a lock."""

import itertools
import random

import pytest

from grader.course import REFERENCE_DIR
from grader.oracle.history import Call
from grader.oracle.linearizable import check_lock, check_store
from grader.oracle.model import NS_PER_SECOND, Record
from grader.oracle.operations import OPERATIONS, state_after
from grader.oracle.whole import START_NS, State
from grader.oracle.workload import last_looks, workloads
from grader.remote.failures import RemoteError
from grader.remote.handle import Method
from grader.testkit.clock import Clock

CLOSED = ("StoreClosedError", "KVStoreError", "Exception")
NUMBER = ("NotAnIntegerError", "KVStoreError", "ValueError", "Exception")
TTL = ("InvalidTTLError", "KVStoreError", "ValueError", "Exception")
MAX = 2**63 - 1
LATER = START_NS + 7 * NS_PER_SECOND


def one_by_one(*steps, start=None):
    """Check calls made one after the other; each is (what came back, name, arguments)."""
    history = []
    for at, (outcome, name, *args) in enumerate(steps):
        is_error = isinstance(outcome, tuple) and isinstance(outcome[0], str)
        result, raises = (None, outcome) if is_error else (outcome, ())
        history.append(Call(0, name, tuple(args), 10 * at, 10 * at + 1, result, raises))
    return check_store(history, start)


def test_every_operation_on_one_key():
    verdict = one_by_one(
        (None, "get", "x"), (False, "exists", "x"), (False, "delete", "x"), (-2, "ttl", "x"),
        (False, "persist", "x"), (None, "deadline", "x"), (False, "expire_at", "x", LATER),
        (True, "setnx", "x", b"5"), (False, "setnx", "x", b"6"), (b"5", "get", "x"),
        (7, "incr", "x", 2), (8, "incr", "x"), (b"8", "get", "x"), (-1.0, "ttl", "x"),
        (True, "expire_at", "x", LATER), (7.0, "ttl", "x"), (LATER, "deadline", "x"),
        (7, "incr", "x", -1), (LATER, "deadline", "x"),
        (True, "persist", "x"), (False, "persist", "x"), (b"7", "get", "x"),
        (True, "expire", "x", 7), (LATER, "deadline", "x"), (None, "set", "x", b"9"),
        (None, "deadline", "x"), (True, "expire", "x", 0), (None, "get", "x"),
        (TTL, "expire", "x", float("nan")), (TTL, "expire", "x", 1e300),
        (TTL, "expire_at", "x", MAX + 1), (True, "setnx", "x", b"1"), (True, "delete", "x"),
    )  # fmt: skip
    assert verdict.kind == "ok", verdict


@pytest.mark.parametrize("text", [b"", b" 1", b"+1", b"01", b"-0", b"1_0", b"x", b"%d" % (MAX + 1)])
def test_incr_takes_decimal_text_and_nothing_else(text):
    start = State().put("x", Record(text, LATER))
    steps = (NUMBER, "incr", "x", 1), (text, "get", "x"), (LATER, "deadline", "x")
    assert one_by_one(*steps, start=start).kind == "ok"
    assert one_by_one((1, "incr", "x", 1), start=start).kind == "violated"


@pytest.mark.parametrize(("value", "by"), [(MAX, 1), (-MAX - 1, -1), (0, MAX + 1)])
def test_incr_stays_within_64_bits(value, by):
    start = State().put("x", Record(b"%d" % value))
    assert one_by_one((NUMBER, "incr", "x", by), start=start).kind == "ok"
    assert one_by_one((value + by, "incr", "x", by), start=start).kind == "violated"


def test_every_operation_on_a_whole_store():
    start = state_after(
        State(),
        [("set", ("x", b"1")), ("set", ("y", b"2")), ("expire_at", ("y", LATER))],
    )
    both = ({"x": b"1", "y": b"2"}, {"y": LATER})
    verdict = one_by_one(
        (2, "__len__"), (["y", "x"], "keys"), (["y"], "keys", "y*"), (both, "dump"),
        (None, "apply_batch", [("set", "z", b"3"), ("delete", "x"), ("persist", "y")]),
        (["y", "z"], "keys", "*"), (None, "deadline", "y"),
        (("ValueError", "Exception"), "apply_batch", [("delete", "y"), ("incr", "y", 1)]),
        (TTL, "apply_batch", [("delete", "y"), ("expire", "z", float("inf"))]),
        (b"2", "get", "y"), (None, "apply_batch", [("expire", "z", 5)]), (None, "advance", 5),
        (["y"], "keys"), (1, "__len__"), (1, "purge_expired"), (0, "purge_expired"),
        (None, "snapshot"), (None, "close"), (None, "close"),
        start=start,
    )  # fmt: skip
    assert verdict.kind == "ok", verdict


def test_a_dead_key_is_seen_by_nobody_and_purged_at_most_once():
    start = state_after(
        State(),
        [("set", ("y", b"1")), ("set", ("x", b"1")), ("expire", ("x", 5)), ("advance", (5,))],
    )
    unseen = [(None, "get", "x"), (False, "delete", "x"), (1, "__len__"), (["y"], "keys")]
    for counts, kind in {
        (1, 0): "ok", (0, 0): "ok", (1, 1): "violated", (2, 0): "violated", (None, 0): "violated",
    }.items():  # fmt: skip
        purges = [(count, "purge_expired") for count in counts]
        assert one_by_one(*unseen, *purges, start=start).kind == kind, counts
    fresh = (True, "setnx", "x", b"2"), (0, "purge_expired"), (b"2", "get", "x")
    assert one_by_one(*fresh, start=start).kind == "ok"
    gone = (True, "setnx", "x", b"2"), (0, "purge_expired"), (None, "get", "x")
    assert one_by_one(*gone, start=start).kind == "violated"


def test_a_closed_store_refuses_everything_until_it_is_opened_again():
    alive = {"close", "advance", "reopen"}
    for name in OPERATIONS.keys() - alive:
        args = ("x", b"1")[: len(OPERATIONS[name].arguments)]
        closed = State(is_closed=True)
        assert one_by_one((CLOSED, name, *args), start=closed).kind == "ok", name
        assert one_by_one((None, name, *args), start=closed).kind == "violated", name
    steps = (None, "set", "x", b"1"), (None, "close"), (None, "advance", 1), (None, "reopen")
    assert one_by_one(*steps, (b"1", "get", "x")).kind == "ok"


def test_a_write_that_meets_close_happens_or_is_refused():
    closing = Call(0, "close", (), 0, 9)
    refused, done = (
        Call(1, "set", ("x", b"1"), 1, 8, None, CLOSED),
        Call(1, "set", ("x", b"1"), 1, 8),
    )
    for write, kinds in ((refused, ("ok", "violated")), (done, ("violated", "ok"))):
        for value, kind in zip((None, b"1"), kinds, strict=True):
            look = Call(2, "get", ("x",), 20, 21, value)
            history = [closing, write, Call(2, "reopen", (), 10, 11), look]
            assert check_store(history).kind == kind, (write, value)


def test_a_pattern_that_the_model_does_not_know_is_refused():
    with pytest.raises(ValueError, match=r"use \* and \? only"):
        one_by_one(([], "keys", "[ab]"))


@pytest.mark.parametrize(
    ("leap", "deadlines"),
    [
        ((1, 2), {100, 110}),  # the clock moves during the call, which lasts from 0 to 5
        ((5, 6), {100, 110}),
        ((-1, 0), {100, 110}),
        ((6, 7), {100}),
        ((-2, -1), {110}),
    ],
)
def test_expire_counts_from_any_instant_of_the_call(leap, deadlines):
    """Its deadline and its effect may lie at different instants, while the clock moves."""
    start = State().put("x", Record(b"1"))
    for seconds in (90, 100, 105, 110, 120):
        history = [
            Call(0, "expire", ("x", 100), 0, 5, result=True),
            Call(1, "advance", (10,), *leap),
            Call(1, "deadline", ("x",), 8, 9, START_NS + seconds * NS_PER_SECOND),
        ]
        kind = "ok" if seconds in deadlines else "violated"
        assert check_store(history, start).kind == kind, seconds


def test_ttl_is_what_is_left_at_some_instant():
    start = State().put("x", Record(b"1", START_NS + 100 * NS_PER_SECOND))
    for left, kind in ((100.0, "ok"), (90, "ok"), (90.0000001, "ok"), (95.0, "violated")):
        history = [Call(0, "ttl", ("x",), 0, 5, left), Call(1, "advance", (10,), 1, 2)]
        assert check_store(history, start).kind == kind, left


# The model against the reference, which knows nothing of it.


@pytest.fixture
def reference(kv_of):
    return kv_of(
        **{
            name: (REFERENCE_DIR / f"{name}.py").read_text("utf-8")
            for name in ("rwlock", "memory", "entry", "wal", "snapshot", "store")
        }
    )


IN_MEMORY = [
    name
    for name in OPERATIONS
    if name not in ("apply_batch", "snapshot", "close", "reopen", "advance")
]


@pytest.mark.parametrize("aim", [IN_MEMORY, [*IN_MEMORY, "apply_batch", "snapshot"]])
def test_the_reference_does_what_the_model_says(reference, tmp_path, aim):
    for number, program in enumerate(
        workloads(random.Random(5), aim=aim, count=15, threads=2, calls=12)
    ):
        clock = Clock(reference.session)
        if "snapshot" in aim:
            folder = str(tmp_path / "work" / "data" / str(number))
            store = reference.Store.open(folder, sync="never", clock=clock)
        else:
            store = reference.MemoryStore(clock=clock)
        history = []
        for name, args in (*program.before, *itertools.chain(*program.plans), *last_looks(program)):
            act = clock.advance if name == "advance" else Method(store, name)
            history.append(_made(10 * len(history), name, args, act))
        assert check_store(history).kind == "ok", program
        assert not any(call.errors for call in history if call.name != "incr")


def _made(at, name, args, act):
    try:
        return Call(0, name, args, at, at + 1, act(*args))
    except RemoteError as error:
        return Call(0, name, args, at, at + 1, None, error.names)


# A readers-writer lock.

MISUSE = ("LockError", "RuntimeError", "Exception")
READ, FREE, WRITE, UNDO = "acquire_read", "release_read", "acquire_write", "release_write"


def lock_calls(*rows):
    """Calls made one after the other, each by a thread, and whether it was refused."""
    return [
        Call(thread, name, (), 10 * at, 10 * at + 1, None, MISUSE if refused else ())
        for at, (thread, name, refused) in enumerate(rows)
    ]


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        ([(0, READ, False), (1, READ, False), (0, FREE, False), (1, FREE, False)], "ok"),
        ([(0, WRITE, False), (0, UNDO, False), (1, WRITE, False)], "ok"),
        ([(0, WRITE, False), (1, WRITE, False)], "violated"),
        ([(0, WRITE, False), (1, READ, False)], "violated"),
        ([(0, READ, False), (1, WRITE, False)], "violated"),
        ([(0, READ, False), (1, READ, False), (0, FREE, False), (2, WRITE, False)], "violated"),
        ([(0, READ, False), (0, READ, True), (0, WRITE, True), (0, FREE, False)], "ok"),
        ([(0, WRITE, False), (0, READ, True), (0, WRITE, True), (0, UNDO, False)], "ok"),
        ([(0, READ, False), (0, READ, False)], "violated"),
        ([(0, WRITE, False), (0, WRITE, False)], "violated"),
        ([(0, FREE, True), (0, UNDO, True)], "ok"),
        ([(0, FREE, False)], "violated"),
        ([(0, UNDO, False)], "violated"),
        ([(0, READ, True)], "violated"),
        ([(0, READ, False), (1, FREE, True), (0, UNDO, True), (0, FREE, False)], "ok"),
        ([(0, WRITE, False), (1, UNDO, False)], "violated"),
    ],
)
def test_who_may_hold_a_lock(rows, kind):
    verdict = check_lock(lock_calls(*rows))
    assert verdict.kind == kind
    assert verdict.kind == "ok" or verdict.calls == tuple(lock_calls(*rows))


def test_an_acquire_takes_effect_once_it_is_allowed():
    writer = lock_calls((0, WRITE, False), (0, UNDO, False))
    assert check_lock([*writer, Call(1, READ, (), 5, 30)]).kind == "ok"
    assert check_lock([*writer, Call(1, READ, (), 5, 6)]).kind == "violated"
    assert check_lock([*writer[:1], Call(1, READ, (), 5, None)]).kind == "ok"


def test_a_lock_has_four_operations():
    with pytest.raises(ValueError, match="no operation 'acquire'"):
        check_lock([Call(0, "acquire", (), 0, 1)])
