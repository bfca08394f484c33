"""The durable store: its operations, batches, a failing disk, one store per folder."""

import itertools
import os
import threading

import pytest
from kvstore.entry import Entry, Op
from kvstore.errors import (
    InvalidKeyError,
    InvalidTTLError,
    InvalidValueError,
    LogFailedError,
    NotAnIntegerError,
    StoreClosedError,
    StoreLockedError,
)
from kvstore.store import Store
from store_kit import (
    DEADLINE_S,
    NS,
    FakeClock,
    HastyClock,
    fail,
    frames,
    in_threads,
    start_python,
)

# Operations.


def test_every_operation_survives_reopening(folder, clock):
    with Store.open(folder, clock=clock) as store:
        store.set("a", b"1")
        assert store.incr("a", 4) == 5
        assert store.setnx("b", b"x") is True
        assert store.setnx("b", b"y") is False
        store.set("gone", b"")
        assert store.delete("gone") is True
        assert store.delete("gone") is False
        assert store.expire("a", 10) is True
        assert store.expire_at("b", 1007 * NS) is True
        assert store.persist("b") is True
        assert store.incr("a") == 6
    with Store.open(folder, clock=clock) as store:
        assert store.dump() == ({"a": b"6", "b": b"x"}, {"a": 1010 * NS})
        assert store.ttl("a") == 10
        assert store.deadline("b") is None
        assert sorted(store.keys("[ab]")) == ["a", "b"]
        assert store.exists("b")
        assert len(store) == 2
        clock.now += 10
        assert store.get("a") is None
        assert store.purge_expired() == 1


def test_what_changes_nothing_is_not_logged(folder, clock):
    with Store.open(folder, clock=clock) as store:
        store.set("a", b"text")
        store.set("dead", b"1")
        store.expire("dead", 1)
        clock.now += 1
        before = len(frames(folder))
        store.delete("missing")
        store.setnx("a", b"2")
        store.expire("missing", 5)
        store.expire("dead", 5)
        store.persist("a")
        store.persist("dead")
        store.delete("dead")
        store.apply_batch([])
        store.apply_batch([("persist", "dead"), ("delete", "missing"), ("expire", "dead", 9)])
        store.purge_expired()
        store.get("a")
        with pytest.raises(NotAnIntegerError):
            store.incr("a")
        assert len(frames(folder)) == before


@pytest.mark.parametrize(
    ("operate", "error"),
    [
        (lambda store: store.set("", b""), InvalidKeyError),
        (lambda store: store.delete(["a"]), InvalidKeyError),
        (lambda store: store.get(1), InvalidKeyError),
        (lambda store: store.set("a", "text"), InvalidValueError),
        (lambda store: store.setnx("a", bytearray()), InvalidValueError),
        (lambda store: store.expire("a", float("nan")), InvalidTTLError),
        (lambda store: store.expire_at("a", 2**63), InvalidTTLError),
        (lambda store: store.incr("a", 2**63), NotAnIntegerError),
        (lambda store: store.apply_batch([("set", "b", b""), ("set", "", b"")]), InvalidKeyError),
        (lambda store: store.apply_batch([("set", "b", b""), ("sett", "c", b"")]), ValueError),
        (lambda store: store.apply_batch([("set", "b", b""), ("set", "c")]), ValueError),
        (lambda store: store.apply_batch([("set", "b", b""), "delete"]), ValueError),
        (lambda store: store.apply_batch([("delete", "a"), ("expire", "a", "1")]), InvalidTTLError),
    ],
)
def test_what_is_refused_changes_and_logs_nothing(folder, operate, error):
    with Store.open(folder) as store:
        store.set("a", b"1")
        with pytest.raises(error):
            operate(store)
        assert store.dump() == ({"a": b"1"}, {})
        assert len(frames(folder)) == 1


def test_an_expiry_in_the_past_is_logged_as_what_it_is(folder, clock):
    with Store.open(folder, clock=clock) as store:
        store.set("a", b"1")
        assert store.expire("a", 0) is True
        assert not store.exists("a")
        store.apply_batch([("set", "b", b"1"), ("expire", "b", -1)])
    assert [entry.op for frame in frames(folder) for entry in frame] == [
        Op.SET,
        Op.DELETE,
        Op.SET,
        Op.DELETE,
    ]


def test_entries_carry_the_time_of_the_write(folder, clock):
    with Store.open(folder, clock=clock) as store:
        store.set("a", b"1")
    assert frames(folder) == [[Entry(Op.SET, 1000 * NS, "a", b"1")]]


def test_incr_keeps_a_deadline_in_the_same_frame(folder, clock):
    with Store.open(folder, clock=clock) as store:
        store.set("a", b"1")
        store.expire("a", 5)
        store.incr("a")
    assert [entry.op for entry in frames(folder)[-1]] == [Op.SET, Op.EXPIRE]


def test_a_persist_counts_although_its_deadline_has_passed_since(folder, clock):
    with Store.open(folder, clock=clock) as store:
        store.set("a", b"1")
        store.expire("a", 5)
        store.persist("a")
        store.set("b", b"1")
        store.expire("b", 5)
        store.expire("b", 500)
    clock.now += 100
    with Store.open(folder, clock=clock) as store:
        assert store.dump() == ({"a": b"1", "b": b"1"}, {"b": 1500 * NS})


def test_a_key_that_died_stays_dead_when_its_name_is_used_again(folder, clock):
    with Store.open(folder, clock=clock) as store:
        store.set("n", b"5")
        store.expire("n", 1)
        clock.now += 1
        assert store.incr("n") == 1
        assert store.ttl("n") == -1
    with Store.open(folder, clock=clock) as store:
        assert store.dump() == ({"n": b"1"}, {})


def test_a_key_cannot_die_between_decision_and_change(folder):
    clock = HastyClock()
    operations = [
        lambda store, key: store.persist(key),
        lambda store, key: store.incr(key),
        lambda store, key: store.expire(key, 100),
        lambda store, key: store.setnx(key, b"7"),
        lambda store, key: store.delete(key),
        lambda store, key: store.apply_batch(
            [("persist", key), ("set", "x", b""), ("delete", key)]
        ),
    ]
    with Store.open(folder, sync="never", clock=clock) as store:
        for (number, operate), seconds in itertools.product(enumerate(operations), range(1, 40)):
            key = f"{number} {seconds}"
            store.set(key, b"1")
            store.expire(key, seconds)
            operate(store, key)
    stopped = FakeClock()
    stopped.now = clock.now + 1
    expected = store_dump_at(store, stopped)
    with Store.open(folder, clock=stopped) as reopened:
        assert reopened.dump() == expected


def store_dump_at(store, clock):
    """What a closed store holds in memory at an instant: the log must say the same."""
    items, deadlines = store._memory.dump()
    now = clock.now * NS
    dead = {key for key, deadline in deadlines.items() if deadline <= now}
    return (
        {key: value for key, value in items.items() if key not in dead},
        {key: deadline for key, deadline in deadlines.items() if key not in dead},
    )


# Batches.


def test_a_batch_is_one_frame_and_each_operation_sees_those_before_it(folder, clock):
    with Store.open(folder, clock=clock) as store:
        store.set("b", b"old")
        store.apply_batch(
            [
                ["set", "a", b"1"],
                ("expire", "a", 5),
                ("persist", "a"),
                ("delete", "b"),
                ("expire", "b", 5),
                ("set", "c", b"3"),
                ("expire", "c", 5),
            ]
        )
        assert store.dump() == ({"a": b"1", "c": b"3"}, {"c": 1005 * NS})
        assert len(frames(folder)) == 2
    with Store.open(folder, clock=clock) as store:
        assert store.dump() == ({"a": b"1", "c": b"3"}, {"c": 1005 * NS})


def test_no_reader_sees_a_part_of_a_batch(folder):
    keys = [f"key {number}" for number in range(20)]
    with Store.open(folder, sync="never") as store:
        store.apply_batch([("set", key, b"0") for key in keys])
        done = threading.Event()
        torn = []

        def write():
            for number in range(1, 200):
                store.apply_batch([("set", key, b"%d" % number) for key in keys])
            done.set()

        def read_all():
            while not done.is_set():
                if len(set(store.dump()[0].values())) != 1:
                    torn.append("dump")

        def read_each():
            while not done.is_set():
                seen = [int(store.get(key)) for key in keys]
                if seen != sorted(seen):  # a later read is never older
                    torn.append("get")

        in_threads(write, read_all, read_each)
        assert torn == []


def test_no_reader_sees_incr_without_its_deadline(folder):
    with Store.open(folder, sync="never") as store:
        store.set("n", b"0")
        store.expire("n", 1000)
        done = threading.Event()
        bare = []

        def write():
            for _ in range(500):
                store.incr("n")
            done.set()

        def read():
            while not done.is_set():
                if store.ttl("n") < 0:
                    bare.append(1)

        in_threads(write, read)
        assert bare == []


def test_threads_lose_nothing(folder):
    with Store.open(folder, sync="never") as store:

        def work():
            for _ in range(100):
                store.incr("n")

        in_threads(*[work] * 4)
        assert store.get("n") == b"400"
    with Store.open(folder) as store:
        assert store.get("n") == b"400"


# A failing disk.


def test_memory_changes_only_after_the_log(folder, monkeypatch):
    store = Store.open(folder)
    store.set("a", b"1")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="fire"):
            store.set("a", b"2")
    assert store.get("a") == b"1"
    for write in (lambda: store.set("b", b""), lambda: store.delete("a"), store.snapshot):
        with pytest.raises(LogFailedError):
            write()
    assert store.dump() == ({"a": b"1"}, {})
    store.close()
    with Store.open(folder) as store:
        assert store.get("a") in (b"1", b"2")  # a write that failed may have reached the disk


def test_close_says_that_the_last_fsync_failed_and_closes_all_the_same(folder, monkeypatch):
    store = Store.open(folder, sync="never")
    store.set("a", b"1")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="fire"):
            store.close()
    store.close()
    Store.open(folder).close()


# One store per folder.


def test_a_second_store_is_refused_in_this_process_and_in_another(folder):
    with Store.open(folder):
        with pytest.raises(StoreLockedError, match="open"):
            Store.open(folder)
        script = (
            "import sys\n"
            "from kvstore import Store, StoreLockedError\n"
            "try:\n"
            "    Store.open(sys.argv[1])\n"
            "except StoreLockedError:\n"
            "    print('locked')\n"
        )
        output, _ = start_python(script, folder).communicate(timeout=DEADLINE_S)
        assert output.strip() == b"locked"
    Store.open(folder).close()


def test_everything_is_refused_after_close_and_close_is_idempotent(folder):
    store = Store.open(folder)
    store.close()
    store.close()
    calls = [
        lambda: store.get("a"),
        lambda: store.set("a", b""),
        lambda: store.delete("a"),
        lambda: store.exists("a"),
        store.keys,
        lambda: len(store),
        lambda: store.setnx("a", b""),
        lambda: store.incr("a"),
        lambda: store.expire("a", 1),
        lambda: store.expire_at("a", 1),
        lambda: store.ttl("a"),
        lambda: store.persist("a"),
        lambda: store.deadline("a"),
        store.purge_expired,
        store.dump,
        lambda: store.apply_batch([]),
        store.snapshot,
    ]
    for call in calls:
        with pytest.raises(StoreClosedError):
            call()


@pytest.mark.parametrize(
    "options",
    [
        {"sync": "sometimes"},
        {"sync_interval": 0},
        {"sync_interval": float("nan")},
        {"snapshot_interval": -1},
    ],
)
def test_a_bad_option_is_refused_and_leaves_the_folder_free(folder, options):
    with pytest.raises(ValueError, match=r"sync|interval"):
        Store.open(folder, **options)
    Store.open(folder).close()
