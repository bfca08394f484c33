"""Hidden tests of store.py: the folder's lock, its other files, and what reaches the disk when."""

import sys
from contextlib import contextmanager, suppress

from grader.testkit import eventually, formats, points, random_value


@contextmanager
def _locked_elsewhere(path):
    """Hold a file as another process does: with the locks of the operating system."""
    with path.open("ab") as file:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with suppress(OSError):  # where the two kinds exclude each other, one is enough
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _contents(folder):
    """The bytes of every file in the folder but the lock's."""
    files = (path for path in folder.iterdir() if path.is_file() and path.name != "LOCK")
    return {path.name: path.read_bytes() for path in files}


def _size(data_dir, number):
    """The size of a segment in bytes."""
    path = data_dir / formats.segment_name(number)
    assert path.is_file(), f"there should be a file {path.name}"
    return path.stat().st_size


def _synced_sizes(disk, number):
    """The sizes that a segment had when it was fsynced, since the last look."""
    name = formats.segment_name(number)
    return [e.size for e in disk.events() if e.operation == "fsync" and e.name == name]


@points(1, suite="persistence", hint="opening")
def test_open_makes_the_folder(kv, data_dir):
    """A folder that does not exist is made, and what is written there is kept."""
    folder = data_dir / "new"
    store = kv.Store.open(folder)
    store.set("a", b"1")
    store.close()
    assert kv.Store.open(folder).get("a") == b"1"


@points(1, suite="persistence", hint="one-store-a-folder")
def test_another_process_keeps_the_folder_too(kv, data_dir):
    """While another process holds LOCK, opening raises `StoreLockedError`; afterwards it works."""
    with _locked_elsewhere(data_dir / "LOCK"):
        kv.note("another process locks the file LOCK")
        with kv.raises("StoreLockedError"):
            kv.Store.open(data_dir)
    kv.note("the other process ends")
    assert kv.Store.open(data_dir).keys() == []


@points(1, suite="persistence", hint="one-store-a-folder")
def test_a_killed_process_leaves_no_lock(kv, data_dir):
    """The lock dies with its process; the LOCK file that stays behind is no lock."""
    kv.Store.open(data_dir).set("a", b"1")
    kv.kill()
    (data_dir / "LOCK").write_bytes(b"4711\n")
    kv.note("LOCK holds the number of a process")
    assert kv.Store.open(data_dir).get("a") == b"1"


@points(2, suite="persistence", hint="one-store-a-folder")
def test_a_refused_opener_changes_nothing(kv, data_dir):
    """Who gets `StoreLockedError` has touched no file, and the first store goes on undisturbed."""
    store = kv.Store.open(data_dir)
    store.set("a", b"1")
    (data_dir / "snapshot-0000000002.kvsp.tmp").write_bytes(b"under way")
    kv.note("the first store is just writing a snapshot's temporary file")
    before = _contents(data_dir)
    for _ in range(2):
        with kv.raises("StoreLockedError"):
            kv.Store.open(data_dir)
    assert _contents(data_dir) == before
    store.set("b", b"2")
    store.close()
    assert sorted(kv.Store.open(data_dir).keys()) == ["a", "b"]


@points(1, suite="persistence", hint="opening")
def test_foreign_files_are_left_alone(kv, data_dir, rng):
    """Opening removes stale `*.tmp` files, and does not touch what is not the store's."""
    foreign = {
        name: random_value(rng)
        for name in ("notes.txt", "wal-copy.log", "wal-0000000009.log.bak", "tmp", "a.tmp.txt")
    }
    for name, content in foreign.items():
        (data_dir / name).write_bytes(content)
    (data_dir / "snapshot-0000000003.kvsp.tmp").write_bytes(b"half")
    kv.note(f"the folder holds {', '.join(foreign)} and snapshot-0000000003.kvsp.tmp")
    store = kv.Store.open(data_dir)
    store.set("a", b"1")
    store.close()
    after = _contents(data_dir)
    after.pop(formats.segment_name(1), None)
    assert after == foreign


@points(2, suite="persistence", hint="sync-in-the-store")
def test_always_puts_each_write_on_the_disk(kv, data_dir):
    """With sync="always" each write has fsynced all of its frame when it returns."""
    store = kv.Store.open(data_dir, sync="always")
    disk = kv.disk()
    sizes = []
    for method, args in [
        (store.set, ("a", b"1")),
        (store.incr, ("n",)),
        (store.apply_batch, ([("set", "b", b"2"), ("set", "c", b"3"), ("delete", "a")],)),
        (store.expire, ("b", 50)),
        (store.delete, ("c",)),
    ]:
        method(*args)
        sizes.append((_synced_sizes(disk, 1)[-1:], [_size(data_dir, 1)]))
    assert [synced for synced, _ in sizes] == [size for _, size in sizes]


@points(2, suite="persistence", hint="sync-in-the-store")
def test_never_leaves_the_disk_to_close(kv, data_dir):
    """With sync="never" no write fsyncs, yet a kill loses nothing; close fsyncs it all."""
    store = kv.Store.open(data_dir, sync="never")
    disk = kv.disk()
    store.set("a", b"1")
    store.apply_batch([("set", "b", b"2"), ("set", "c", b"3")])
    assert _synced_sizes(disk, 1) == []
    kv.kill()
    store = kv.Store.open(data_dir, sync="never")
    assert sorted(store.keys()) == ["a", "b", "c"]
    disk = kv.disk()
    store.set("d", b"4")
    store.close()
    assert _synced_sizes(disk, 2)[-1:] == [_size(data_dir, 2)]


@points(2, suite="persistence", hint="sync-in-the-store")
def test_an_idle_log_is_synced_in_time(kv, data_dir):
    """With sync="interval" the last writes before a pause reach the disk by themselves."""
    store = kv.Store.open(data_dir, sync="interval", sync_interval=0.1)
    disk = kv.disk()
    kv.call_many([(store.set, (key, b"1")) for key in "abc"], "store.set, three times")
    size = _size(data_dir, 1)
    eventually(lambda: size in _synced_sizes(disk, 1), "an fsync of the whole log")
    assert len(store) == 3


@points(1, suite="persistence", hint="sync-in-the-store")
def test_close_does_not_wait_for_the_interval(kv, data_dir):
    """With an interval of an hour, close puts the last writes on the disk at once, and returns."""
    store = kv.Store.open(data_dir, sync="interval", sync_interval=3600)
    disk = kv.disk()
    store.set("a", b"1")
    store.set("b", b"2")
    store.close()
    assert _synced_sizes(disk, 1)[-1:] == [_size(data_dir, 1)]


@points(2, suite="persistence", hint="log-before-apply")
def test_no_kind_of_write_happens_unlogged(kv, data_dir, clock):
    """When the fsync fails, no write and no part of a batch is to be seen."""
    writes = {
        "delete": ("a",), "setnx": ("b", b"2"), "incr": ("a", 5), "expire": ("a", 10),
        "apply_batch": ([("set", "b", b"2"), ("delete", "a")],),
    }  # fmt: skip
    for name, args in writes.items():
        store = kv.Store.open(data_dir / name, clock=clock)
        store.set("a", b"1")
        kv.disk().fail_next("fsync")
        with kv.raises("OSError"):
            getattr(store, name)(*args)
        assert (store.dump(), store.ttl("a")) == (({"a": b"1"}, {}), -1.0)


@points(2, suite="persistence", hint="log-before-apply")
def test_after_a_failed_fsync_only_reopening_helps(kv, data_dir):
    """After a failed fsync writes raise `LogFailedError` and reads go on, until reopening."""
    store = kv.Store.open(data_dir)
    store.set("a", b"1")
    kv.disk().fail_next("fsync", "ENOSPC")
    with kv.raises("OSError"):
        store.set("b", b"2")
    for method, args in [
        (store.set, ("c", b"3")),
        (store.delete, ("a",)),
        (store.apply_batch, ([("set", "d", b"4")],)),
    ]:
        with kv.raises("LogFailedError"):
            method(*args)
    assert (store.get("a"), store.keys()) == (b"1", ["a"])
    kv.kill()
    store = kv.Store.open(data_dir)
    assert (store.get("a"), store.exists("c"), store.exists("d")) == (b"1", False, False)
    store.set("e", b"5")
    assert store.get("e") == b"5"


@points(1, suite="persistence", hint="close-the-store")
def test_a_close_that_fails_has_closed(kv, data_dir):
    """When the last fsync fails, close raises `OSError`; store and folder are let go anyway."""
    store = kv.Store.open(data_dir, sync="never")
    store.set("a", b"1")
    kv.disk().fail_next("fsync")
    with kv.raises("OSError") as _kept_alive:
        store.close()
    with kv.raises("StoreClosedError"):
        store.get("a")
    assert kv.Store.open(data_dir).get("a") == b"1"
