"""The durable store: log before apply, recovery, batches, snapshots, one store per folder."""

import itertools
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import kvstore
import kvstore.store
import pytest
from kvstore.entry import Entry, Op
from kvstore.errors import (
    CorruptLogError,
    InvalidKeyError,
    InvalidTTLError,
    InvalidValueError,
    LogFailedError,
    NotAnIntegerError,
    StoreClosedError,
    StoreLockedError,
)
from kvstore.snapshot import snapshot_path
from kvstore.store import Recovery, Store
from kvstore.wal import WAL, list_segments, segment_path

NS = 1_000_000_000
DEADLINE_S = 20


class FakeClock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class HastyClock:
    """A second passes whenever somebody looks."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        self.now += 1
        return self.now


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data"


def frames(folder):
    """Every frame of every segment, in order."""
    found = []
    for _, path in list_segments(folder):
        with WAL(path, "never") as wal:
            found += wal.replay(is_last=False)
    return found


def numbers(folder):
    return [number for number, _ in list_segments(folder)]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def wait_until(condition):
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.001)


def in_threads(*actions):
    threads = [threading.Thread(target=action) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)
        assert not thread.is_alive()


def fail(*arguments, **options):
    raise OSError("disk on fire")


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


# Recovery.


def test_each_session_has_a_segment_and_recovery_is_told(folder):
    with Store.open(folder) as store:
        assert store.recovery == Recovery(None, 0, 0, 0, None, None)
        store.set("a", b"1")
        store.set("b", b"1")
    with Store.open(folder) as store:
        assert store.recovery == Recovery(None, 1, 2, 0, None, None)
        store.set("c", b"1")
    with Store.open(folder) as store:
        assert store.recovery == Recovery(None, 2, 3, 0, None, None)
    assert numbers(folder) == [1, 2, 3]


def test_a_torn_tail_is_cut_and_told(folder):
    with Store.open(folder) as store:
        store.set("a", b"1")
        store.set("b", b"1")
    path = segment_path(folder, 1)
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    with Store.open(folder) as store:
        assert store.dump()[0] == {"a": b"1"}
        half = len(data) // 2
        assert store.recovery == Recovery(None, 1, 1, half - 1, str(path), half)
    with Store.open(folder) as store:
        assert store.recovery.bytes_cut == 0


def test_the_last_segment_reaches_the_disk_before_the_next_one_begins(folder, monkeypatch):
    with Store.open(folder, sync="never") as store:
        store.set("a", b"1")
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_ino))
    Store.open(folder, sync="never").close()
    assert synced[0] == segment_path(folder, 1).stat().st_ino


def test_damage_in_an_earlier_segment_keeps_the_store_shut_and_the_folder_free(folder):
    for key in ("a", "b"):
        with Store.open(folder) as store:
            store.set(key, b"1")
    path = segment_path(folder, 1)
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    with pytest.raises(CorruptLogError) as caught:
        Store.open(folder)
    assert (caught.value.path, caught.value.offset) == (str(path), 0)
    assert path.read_bytes() == data[:-1]
    path.write_bytes(data)
    with Store.open(folder) as store:
        assert store.dump()[0] == {"a": b"1", "b": b"1"}


@pytest.mark.parametrize("missing", [1, 2])
def test_a_missing_segment_keeps_the_store_shut(folder, missing):
    for key in ("a", "b", "c"):
        with Store.open(folder) as store:
            store.set(key, b"1")
    path = segment_path(folder, missing)
    path.unlink()
    with pytest.raises(CorruptLogError, match="missing") as caught:
        Store.open(folder)
    assert (caught.value.path, caught.value.offset) == (str(path), 0)


def test_a_snapshot_without_its_segment_keeps_the_store_shut(folder):
    with Store.open(folder) as store:
        store.set("a", b"1")
        store.snapshot()
    segment_path(folder, 2).unlink()
    with pytest.raises(CorruptLogError, match="missing"):
        Store.open(folder)


def test_opening_removes_what_an_unfinished_write_left(folder):
    folder.mkdir()
    (folder / "snapshot-0000000002.kvsp.tmp").write_bytes(b"half")
    Store.open(folder).close()
    assert names(folder) == ["LOCK", "wal-0000000001.log"]


def test_a_killed_process_loses_nothing_that_was_acknowledged(folder):
    script = (
        "import itertools, sys\n"
        "from kvstore import Store\n"
        "store = Store.open(sys.argv[1], sync='never')\n"
        "for number in itertools.count():\n"
        "    store.apply_batch([('set', f'a{number}', b'x' * 100), ('set', f'b{number}', b'')])\n"
        "    print(number, flush=True)\n"
    )
    process = start_python(script, folder)
    try:
        acknowledged = [int(process.stdout.readline()) for _ in range(200)][-1]
    finally:
        process.kill()
        process.communicate()
    with Store.open(folder) as store:
        keys = set(store.keys())
        assert {f"{name}{number}" for name in "ab" for number in range(acknowledged + 1)} <= keys
        assert len(store.keys("a*")) == len(store.keys("b*"))


def start_python(script, *arguments):
    home = Path(kvstore.__file__).parents[1]
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(home)},
    )


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


# Snapshots.


def test_a_snapshot_takes_the_place_of_the_log_before_it(folder, clock):
    with Store.open(folder, clock=clock) as store:
        store.set("a", b"1")
        store.set("b", b"1")
        store.expire("b", 50)
        store.set("dead", b"1")
        store.expire("dead", 1)
        clock.now += 1
        store.snapshot()
        assert names(folder) == [
            "LOCK",
            "snapshot-0000000002.kvsp",
            "wal-0000000002.log",
        ]
        store.set("c", b"1")
    with Store.open(folder, clock=clock) as store:
        assert store.recovery == Recovery(2, 1, 1, 0, None, None)
        assert store.dump() == ({"a": b"1", "b": b"1", "c": b"1"}, {"b": 1050 * NS})
        store.snapshot()
    assert names(folder) == ["LOCK", "snapshot-0000000004.kvsp", "wal-0000000004.log"]


def test_a_damaged_snapshot_without_a_log_is_not_an_empty_store(folder, clock):
    with Store.open(folder, clock=clock) as store:
        store.set("a", b"1")
        store.snapshot()
    for _number, path in list_segments(folder):
        path.unlink()
    snapshot_path(folder, 2).write_bytes(b"KVSP")
    with pytest.raises(CorruptLogError, match="segment 1 of the log is missing"):
        Store.open(folder, clock=clock)


def test_an_old_snapshot_goes_even_when_its_segment_is_gone_already(folder, clock):
    with Store.open(folder, clock=clock) as store:
        store.set("a", b"1")
        store.snapshot()
        shutil.copy(snapshot_path(folder, 2), snapshot_path(folder, 1))
        store.snapshot()
    assert [path.name for path in folder.glob("snapshot-*")] == ["snapshot-0000000003.kvsp"]


def test_a_clock_set_back_does_not_revive_what_a_snapshot_left_out(folder, clock):
    with Store.open(folder, clock=clock) as store:
        store.set("a", b"1")
        store.expire("a", 5)
        clock.now += 5
        store.snapshot()
        clock.now -= 5
        assert store.persist("a") is False
        expected = store.dump()
    with Store.open(folder, clock=clock) as store:
        assert store.dump() == expected


def test_a_snapshot_that_saves_nothing_does_no_harm(folder, monkeypatch):
    monkeypatch.setattr(kvstore.store, "write_snapshot", lambda *arguments: None)
    monkeypatch.setattr(kvstore.store, "latest_snapshot", lambda data_dir: None)
    with Store.open(folder) as store:
        for number in range(3):
            store.set(f"{number}", b"")
            store.snapshot()
    with Store.open(folder) as store:
        assert sorted(store.keys()) == ["0", "1", "2"]
        assert store.recovery.segments_replayed == 4


def test_a_snapshot_that_fails_loses_nothing_and_the_next_one_makes_up_for_it(folder, monkeypatch):
    with Store.open(folder) as store:
        store.set("a", b"1")
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", fail)
            with pytest.raises(OSError, match="fire"):
                store.snapshot()
        store.set("b", b"1")
        assert numbers(folder) == [1, 2]
        shutil.copytree(folder, folder.with_name("copy"))
        store.snapshot()
        assert numbers(folder) == [3]
    for home in (folder, folder.with_name("copy")):
        with Store.open(home) as store:
            assert store.dump()[0] == {"a": b"1", "b": b"1"}


def test_a_damaged_snapshot_is_passed_over_as_long_as_the_log_is_there(folder):
    with Store.open(folder) as store:
        store.set("a", b"1")
        store.snapshot()
        store.set("b", b"1")
    snapshot_path(folder, 3).write_bytes(b"KVSP, but not really")
    with Store.open(folder) as store:
        assert store.recovery.snapshot_number == 2
        assert store.dump()[0] == {"a": b"1", "b": b"1"}
    snapshot_path(folder, 2).write_bytes(b"")
    with pytest.raises(CorruptLogError, match="segment 1"):
        Store.open(folder)


def test_snapshots_among_writes_are_consistent(folder):
    with Store.open(folder, sync="never") as store:

        def write():
            for number in range(100):
                store.apply_batch([("set", "a", b"%d" % number), ("set", "b", b"%d" % number)])
                store.incr("n")

        def save():
            for _ in range(5):
                store.snapshot()
                items = kvstore.load_snapshot(kvstore.latest_snapshot(folder)[1])[0]
                assert items.get("a") == items.get("b")

        in_threads(write, write, save)
    with Store.open(folder) as store:
        assert store.dump()[0] == {"a": b"99", "b": b"99", "n": b"200"}


def test_close_waits_for_a_snapshot(folder, monkeypatch):
    writing, go_on = threading.Event(), threading.Event()
    real = kvstore.store.write_snapshot

    def slow(*arguments):
        writing.set()
        assert go_on.wait(DEADLINE_S)
        real(*arguments)

    monkeypatch.setattr(kvstore.store, "write_snapshot", slow)
    store = Store.open(folder)
    store.set("a", b"1")
    saver = threading.Thread(target=store.snapshot)
    saver.start()
    assert writing.wait(DEADLINE_S)
    store.set("b", b"1")  # a snapshot under way holds up no writer
    closer = threading.Thread(target=store.close)
    closer.start()
    with pytest.raises(StoreLockedError):
        Store.open(folder)
    go_on.set()
    saver.join(DEADLINE_S)
    closer.join(DEADLINE_S)
    with Store.open(folder) as store:
        assert store.recovery.snapshot_number == 2
        assert len(store) == 2


# Work in the background.


def test_snapshots_are_taken_in_the_background_when_something_changed(folder):
    with Store.open(folder, snapshot_interval=0.01) as store:
        store.set("a", b"1")
        wait_until(lambda: numbers(folder) == [2])
        store.set("b", b"1")
        wait_until(lambda: numbers(folder) == [3])
    with Store.open(folder, snapshot_interval=0.001) as store:
        assert store.recovery.snapshot_number == 3
        began = time.monotonic()
        wait_until(lambda: time.monotonic() > began + 0.02)
        assert numbers(folder) == [3, 4]  # nothing changed: nothing saved


def test_a_snapshot_that_fails_in_the_background_is_told_and_tried_again(folder, monkeypatch):
    with Store.open(folder, snapshot_interval=0.001) as store:
        with monkeypatch.context() as patch:
            patch.setattr(kvstore.store, "write_snapshot", fail)
            store.set("a", b"1")
            wait_until(lambda: store.last_snapshot_error is not None)
            assert "fire" in str(store.last_snapshot_error)
        wait_until(lambda: store.last_snapshot_error is None)
        assert kvstore.latest_snapshot(folder) is not None


def test_an_idle_log_is_synced_in_the_background(folder, monkeypatch):
    synced = threading.Event()
    with Store.open(folder, sync="interval", sync_interval=0.01) as store:
        store.set("a", b"1")
        monkeypatch.setattr(os, "fsync", lambda handle: synced.set())
        store.set("b", b"1")
        assert synced.wait(DEADLINE_S)


def test_a_sync_that_fails_in_the_background_is_told_by_the_next_write_and_by_close(
    folder, monkeypatch
):
    def fail_in_background(handle):
        if threading.current_thread() is not threading.main_thread():
            fail()

    store = Store.open(folder, sync="interval", sync_interval=0.01)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail_in_background)
        with pytest.raises(LogFailedError):
            wait_until(lambda: store.set("a", b"1"))  # again and again, until it raises
    with pytest.raises(LogFailedError, match="background"):
        store.close()
    Store.open(folder).close()
