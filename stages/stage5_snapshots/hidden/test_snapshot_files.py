"""Snapshots among other files: written so that a crash does no harm, and found again."""

import struct

from grader.testkit import formats, points, random_value

_NAME = "snapshot-0000000007.kvsp"


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


def _loaded(kv, folder):
    """What the folder's only file holds, if it has the name of the snapshot."""
    assert _names(folder) == [_NAME]
    return kv.load_snapshot(folder / _NAME)


@points(1, suite="persistence", hint="atomic-file")
def test_the_folder_is_synced_after_the_rename(kv, data_dir):
    """A new name is durable once its folder is fsynced: file, rename, folder, in this order."""
    disk = kv.disk()
    kv.write_snapshot(data_dir / _NAME, {"a": b"1"}, {})
    steps = [(event.operation, event.folder) for event in disk.events()]
    assert steps[-3:] == [("fsync", False), ("rename", False), ("fsync", True)]


@points(1, suite="persistence", hint="atomic-file")
def test_all_bytes_are_flushed_before_the_fsync(kv, data_dir, rng):
    """At the fsync the operating system has every byte: none waits in a buffer of yours."""
    value = random_value(rng, 100_000)
    disk = kv.disk()
    kv.write_snapshot(data_dir / _NAME, {"a": value}, {"a": 5})
    sizes = [
        event.size for event in disk.events() if event.operation == "fsync" and not event.folder
    ]
    assert sizes[-1:] == [len(formats.snapshot({"a": value}, {"a": 5}))]


@points(1, suite="persistence", hint="atomic-file")
def test_a_new_snapshot_takes_the_place_of_the_old_one(kv, data_dir):
    """Writing to a name that exists replaces the file as a whole, also by a shorter one."""
    (data_dir / _NAME).write_bytes(formats.snapshot({"old": bytes(500)}))
    kv.write_snapshot(data_dir / _NAME, {"new": b"1"}, {})
    assert _loaded(kv, data_dir) == ({"new": b"1"}, {})


@points(1, suite="persistence", hint="atomic-file")
def test_what_a_killed_process_left_does_no_harm(kv, data_dir):
    """A half-written temporary file from an earlier crash is overwritten, not continued."""
    kv.note("an earlier process died and left 1,000 bytes in the temporary file")
    (data_dir / f"{_NAME}.tmp").write_bytes(b"half a snapshot " * 60)
    kv.write_snapshot(data_dir / _NAME, {"new": b"1"}, {})
    assert _loaded(kv, data_dir) == ({"new": b"1"}, {})


@points(2, suite="persistence", hint="failed-snapshot")
def test_a_failed_fsync_leaves_the_old_snapshot(kv, data_dir):
    """When the disk refuses the bytes, the old snapshot stays, and no temporary file does."""
    kv.write_snapshot(data_dir / _NAME, {"old": b"1"}, {})
    kv.disk().fail_next("fsync")
    with kv.raises("OSError"):
        kv.write_snapshot(data_dir / _NAME, {"new": b"2"}, {})
    assert _loaded(kv, data_dir) == ({"old": b"1"}, {})


@points(1, suite="persistence", hint="failed-snapshot")
def test_a_failed_rename_leaves_the_old_snapshot(kv, data_dir):
    """When the rename fails, the old snapshot stays, and no temporary file does."""
    kv.write_snapshot(data_dir / _NAME, {"old": b"1"}, {})
    kv.disk().fail_next("rename")
    with kv.raises("OSError"):
        kv.write_snapshot(data_dir / _NAME, {"new": b"2"}, {})
    assert _loaded(kv, data_dir) == ({"old": b"1"}, {})


@points(1, suite="correctness", hint="latest-snapshot")
def test_numbers_of_eleven_digits_come_after_those_of_ten(kv, data_dir):
    """Snapshots are ordered by their numbers, not by their names."""
    for number in (10_000_000_000, 9_999_999_999, 2):
        (data_dir / formats.snapshot_name(number)).write_bytes(formats.snapshot({}))
    number, _path = kv.latest_snapshot(data_dir)
    assert number == 10_000_000_000


@points(1, suite="correctness", hint="latest-snapshot")
def test_other_names_are_not_snapshots(kv, data_dir):
    """Copies, temporary files and other people's files are passed over, whatever they hold."""
    whole = formats.snapshot({"a": b"1"})
    (data_dir / formats.snapshot_name(2)).write_bytes(whole)
    for name in (
        "snapshot-0000000009.kvsp.tmp",
        "snapshot-0000000009.kvsp.bak",
        "old-snapshot-0000000009.kvsp",
        "snapshot-00000000a9.kvsp",
        "snapshot-00000_0009.kvsp",
        "snapshot-0000000009.log",
        "wal-0000000009.kvsp",
        "snapshot-.kvsp",
    ):
        (data_dir / name).write_bytes(whole)
    number, _path = kv.latest_snapshot(data_dir)
    assert number == 2


@points(2, suite="persistence", hint="latest-snapshot")
def test_damaged_snapshots_are_passed_over_and_kept(kv, data_dir):
    """Cut, flipped, foreign or empty: the next one is tried, and nothing is deleted."""
    whole = formats.snapshot({"a": b"1"})
    lying = struct.pack(">I", 2**32 - 1)
    damaged = [whole[:-1], whole.replace(b"a", b"b"), b"not a snapshot at all", b"", lying * 20]
    (data_dir / formats.snapshot_name(4)).write_bytes(whole)
    (data_dir / formats.snapshot_name(3)).write_bytes(whole)
    for number, data in enumerate(damaged, 5):
        (data_dir / formats.snapshot_name(number)).write_bytes(data)
    before = _names(data_dir)
    number, path = kv.latest_snapshot(data_dir)
    assert number == 4
    assert kv.load_snapshot(path) == ({"a": b"1"}, {})
    assert _names(data_dir) == before


@points(1, suite="persistence", hint="latest-snapshot")
def test_without_an_intact_snapshot_there_is_none(kv, data_dir):
    """When the only snapshot is damaged, the answer is None and not an error."""
    path = data_dir / formats.snapshot_name(2)
    path.write_bytes(formats.snapshot({"a": b"1"}))
    number, _path = kv.latest_snapshot(data_dir)
    assert number == 2
    path.write_bytes(formats.snapshot({"a": b"1"}).replace(b"a", b"b"))
    kv.note("one byte of the snapshot was changed")
    assert kv.latest_snapshot(data_dir) is None
