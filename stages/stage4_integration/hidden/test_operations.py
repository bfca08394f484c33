"""Hidden tests of store.py: what each operation answers, logs, and refuses."""

from grader.testkit import formats, points, random_key, random_value
from grader.testkit.formats import DELETE, EXPIRE, SET

_SECOND = 1_000_000_000  # ns


def _log(data_dir):
    """Every frame in the folder, in order, its entries as (op, key, value)."""
    paths = sorted(data_dir.glob("wal-*.log"))
    return [
        [(op, key, value) for op, _timestamp, key, value in frame]
        for path in paths
        for frame in formats.read_frames(path)
    ]


@points(1, suite="correctness", hint="one-way-in")
def test_conditional_writes_tell_what_they_did(kv, data_dir):
    """setnx and incr answer as in memory, and change what they say."""
    store = kv.Store.open(data_dir)
    assert (store.setnx("a", b"1"), store.setnx("a", b"2")) == (True, False)
    assert (store.incr("a"), store.incr("a", -5), store.incr("new", 7)) == (2, -3, 7)
    assert store.dump() == ({"a": b"-3", "new": b"7"}, {})
    assert sorted(store.keys("?")) == ["a"]


@points(1, suite="correctness", hint="absolute-deadlines")
def test_deadlines_tell_what_they_did(kv, data_dir, clock):
    """expire, expire_at, ttl, deadline, persist and dump agree about a key's deadline."""
    store = kv.Store.open(data_dir, clock=clock)
    store.set("a", b"1")
    later = clock.now_ns + 20 * _SECOND
    assert (store.expire("a", 5), store.ttl("a")) == (True, 5.0)
    assert (store.expire_at("a", later), store.ttl("a")) == (True, 20.0)
    assert store.deadline("a") == later
    assert store.dump() == ({"a": b"1"}, {"a": later})
    assert (store.persist("a"), store.persist("a"), store.ttl("a")) == (True, False, -1.0)
    assert (store.expire("b", 5), store.ttl("b"), store.deadline("b")) == (False, -2.0, None)


@points(1, suite="correctness", hint="absolute-deadlines")
def test_a_key_dies_at_its_deadline(kv, data_dir, clock):
    """From the instant of its deadline on no operation sees a key, and purging frees it once."""
    store = kv.Store.open(data_dir, clock=clock)
    store.set("dies", b"1")
    store.set("stays", b"2")
    store.expire("dies", 10)
    clock.advance(9)
    assert (store.exists("dies"), len(store)) == (True, 2)
    clock.advance(1)
    assert (store.exists("dies"), len(store), store.get("dies")) == (False, 1, None)
    assert (store.purge_expired(), store.purge_expired()) == (1, 0)
    assert store.keys() == ["stays"]


@points(2, suite="correctness", hint="one-way-in")
def test_every_write_logs_what_it_changed(kv, data_dir, clock, rng):
    """set, setnx, incr, expire, expire_at, persist and delete each log one frame, byte for byte."""
    key, value = random_key(rng), random_value(rng)
    deadline = clock.now_ns + 60 * _SECOND
    store = kv.Store.open(data_dir, clock=clock)
    store.set(key, value)
    store.setnx("n", b"41")
    store.incr("n")
    store.expire("n", 60)
    store.expire_at(key, deadline + 1)
    store.persist("n")
    store.delete(key)
    assert _log(data_dir) == [
        [(SET, key, value)],
        [(SET, "n", b"41")],
        [(SET, "n", b"42")],
        [(EXPIRE, "n", formats.deadline(deadline))],
        [(EXPIRE, key, formats.deadline(deadline + 1))],
        [(EXPIRE, "n", b"")],
        [(DELETE, key, b"")],
    ]


@points(1, suite="correctness", hint="one-way-in")
def test_entries_carry_the_time_in_nanoseconds(kv, data_dir):
    """The timestamp of an entry is a unix time in nanoseconds, in every kind of entry."""
    store = kv.Store.open(data_dir)
    store.set("a", b"1")
    store.expire("a", 100)
    store.delete("a")
    segments = [formats.read_frames(path) for path in data_dir.glob("wal-*.log")]
    rows = [row for frames in segments for frame in frames for row in frame]
    digits = [len(str(timestamp)) for _op, timestamp, _key, _value in rows]
    assert digits == [19, 19, 19]


@points(2, suite="correctness", hint="absolute-deadlines")
def test_an_increment_keeps_the_deadline_in_one_frame(kv, data_dir, clock):
    """incr on a key with a deadline logs SET and EXPIRE together, for SET alone would clear it."""
    store = kv.Store.open(data_dir, clock=clock)
    store.set("n", b"9")
    store.expire("n", 30)
    assert (store.incr("n"), store.ttl("n")) == (10, 30.0)
    deadline = formats.deadline(clock.now_ns + 30 * _SECOND)
    assert _log(data_dir)[2:] == [[(SET, "n", b"10"), (EXPIRE, "n", deadline)]]


@points(2, suite="correctness", hint="log-nothing")
def test_what_changes_nothing_logs_nothing(kv, data_dir, clock):
    """A write that loses, fails or finds no key leaves the log as it was."""
    store = kv.Store.open(data_dir, clock=clock)
    store.set("text", b"ten")
    store.set("big", b"9223372036854775807")
    before = _log(data_dir)
    assert store.setnx("text", b"other") is False
    with kv.raises("NotAnIntegerError"):
        store.incr("text")
    with kv.raises("NotAnIntegerError"):
        store.incr("big")
    assert (store.expire("nobody", 9), store.expire("nobody", -9)) == (False, False)
    assert store.expire_at("nobody", clock.now_ns + 1) is False
    assert (store.persist("nobody"), store.persist("text")) == (False, False)
    assert _log(data_dir) == before
    assert store.dump() == ({"text": b"ten", "big": b"9223372036854775807"}, {})


@points(1, suite="correctness", hint="log-nothing")
def test_a_dead_key_is_missing_to_the_log_too(kv, data_dir, clock):
    """Deleting, expiring, persisting or purging a key that has died logs nothing."""
    store = kv.Store.open(data_dir, clock=clock)
    store.set("a", b"1")
    store.expire("a", 10)
    before = _log(data_dir)
    clock.advance(10)
    assert (store.delete("a"), store.expire("a", 5), store.persist("a")) == (False, False, False)
    store.purge_expired()
    assert _log(data_dir) == before


@points(2, suite="correctness", hint="log-nothing")
def test_bad_keys_and_values_are_refused_before_the_log(kv, data_dir):
    """A bad key or value raises its error in every write, and neither log nor memory shows it."""
    store = kv.Store.open(data_dir)
    for key in ("", "x" * (formats.KEY_BYTES_MAX + 1), "\ud800", b"bytes", 7, None):
        with kv.raises("InvalidKeyError"):
            store.set(key, b"1")
        with kv.raises("InvalidKeyError"):
            store.setnx(key, b"1")
        with kv.raises("InvalidKeyError"):
            store.incr(key)
        with kv.raises("InvalidKeyError"):
            store.delete(key)
        with kv.raises("InvalidKeyError"):
            store.expire(key, 10)
    for value in ("text", 1, None):
        with kv.raises("InvalidValueError"):
            store.set("a", value)
        with kv.raises("InvalidValueError"):
            store.setnx("b", value)
    assert (_log(data_dir), store.dump()) == ([], ({}, {}))


@points(1, suite="correctness", hint="log-nothing")
def test_bad_deadlines_are_refused_before_the_log(kv, data_dir, clock):
    """A deadline that is not finite or needs over 64 bits is refused and logs nothing."""
    store = kv.Store.open(data_dir, clock=clock)
    store.set("a", b"1")
    before = _log(data_dir)
    for seconds in (float("nan"), float("inf"), float("-inf"), 1e300):
        with kv.raises("InvalidTTLError"):
            store.expire("a", seconds)
    with kv.raises("InvalidTTLError"):
        store.expire_at("a", 2**63)
    assert (_log(data_dir), store.ttl("a")) == (before, -1.0)


@points(1, suite="correctness", hint="batches")
def test_a_batch_sees_what_it_did_before(kv, data_dir, clock):
    """In a batch each operation finds, and logs, what those before it left to do."""
    store = kv.Store.open(data_dir, clock=clock)
    store.set("old", b"0")
    deadline = clock.now_ns + 10 * _SECOND
    store.apply_batch([
        ("set", "a", b"1"), ("expire", "a", 10), ("delete", "old"), ("expire", "old", 10),
        ("set", "b", b"2"), ("expire", "b", 10), ("persist", "b"),
        ("set", "c", b"3"), ("delete", "c"), ("expire", "c", 5),
    ])  # fmt: skip
    assert store.dump() == ({"a": b"1", "b": b"2"}, {"a": deadline})
    assert [(op, key) for op, key, _value in _log(data_dir)[-1]] == [
        (SET, "a"), (EXPIRE, "a"), (DELETE, "old"), (SET, "b"), (EXPIRE, "b"), (EXPIRE, "b"),
        (SET, "c"), (DELETE, "c"),
    ]  # fmt: skip


@points(2, suite="correctness", hint="batches")
def test_a_bad_operation_in_the_middle_undoes_the_batch(kv, data_dir, clock):
    """Whatever is wrong with one operation of a batch, none of the others happens or is logged."""
    store = kv.Store.open(data_dir, clock=clock)
    store.set("a", b"old")
    before = _log(data_dir)
    bad = {
        "ValueError": ("incr", "a"),
        "InvalidKeyError": ("delete", ""),
        "InvalidValueError": ("set", "c", "text"),
        "InvalidTTLError": ("expire", "a", float("nan")),
    }
    for error, operation in bad.items():
        with kv.raises(error):
            store.apply_batch([("set", "a", b"new"), operation, ("set", "d", b"4")])
    assert (_log(data_dir), store.dump()) == (before, ({"a": b"old"}, {}))


@points(1, suite="correctness", hint="batches")
def test_a_batch_that_changes_nothing_logs_nothing(kv, data_dir):
    """An empty batch, and one that only deletes missing keys, add no frame."""
    store = kv.Store.open(data_dir)
    store.set("a", b"1")
    before = _log(data_dir)
    store.apply_batch([])
    store.apply_batch([("delete", "nobody"), ("persist", "a"), ("expire", "nobody", 10)])
    assert (_log(data_dir), store.dump()) == (before, ({"a": b"1"}, {}))


@points(2, suite="correctness", hint="close-the-store")
def test_after_close_every_operation_refuses(kv, data_dir):
    """Reads, writes, batches and snapshots of a closed store raise `StoreClosedError`."""
    store = kv.Store.open(data_dir)
    store.set("a", b"1")
    store.close()
    calls = [
        (store.set, ("a", b"2")), (store.get, ("a",)), (store.delete, ("a",)),
        (store.exists, ("a",)), (store.keys, ()), (store.setnx, ("a", b"2")),
        (store.incr, ("n",)), (store.expire, ("a", 5)), (store.expire_at, ("a", 5)),
        (store.ttl, ("a",)), (store.persist, ("a",)), (store.deadline, ("a",)),
        (store.purge_expired, ()), (store.dump, ()), (store.snapshot, ()),
        (store.apply_batch, ([("set", "a", b"2")],)),
    ]  # fmt: skip
    for method, args in calls:
        with kv.raises("StoreClosedError"):
            method(*args)
    with kv.raises("StoreClosedError"):
        len(store)
    assert _log(data_dir) == [[(SET, "a", b"1")]]


@points(1, suite="correctness", hint="close-the-store")
def test_a_with_block_closes_the_store(kv, data_dir):
    """After its with block a store is closed, and its folder free for the next opener."""
    with kv.Store.open(data_dir) as store:
        store.set("a", b"1")
    with kv.raises("StoreClosedError"):
        store.get("a")
    assert kv.Store.open(data_dir).get("a") == b"1"


@points(1, suite="correctness", hint="one-store-a-folder")
def test_an_open_that_fails_keeps_no_lock(kv, data_dir):
    """An unknown sync policy is a `ValueError`, and the folder can be opened right after it."""
    with kv.raises("ValueError") as _kept_alive:
        kv.Store.open(data_dir, sync="sometimes")
    store = kv.Store.open(data_dir)
    store.set("a", b"1")
    assert store.get("a") == b"1"
