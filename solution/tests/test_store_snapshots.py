"""Snapshots of a store, and what it does in the background."""

import os
import shutil
import threading
import time

import kvstore
import kvstore.store
import pytest
from kvstore.errors import (
    CorruptLogError,
    LogFailedError,
    StoreLockedError,
)
from kvstore.snapshot import snapshot_path
from kvstore.store import Recovery, Store
from kvstore.wal import list_segments
from store_kit import DEADLINE_S, NS, fail, in_threads, names, numbers, wait_until

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
