"""Visible tests of store.py: each is also an example of what the store promises."""

from pathlib import Path

from grader.testkit import formats, points, random_key, random_value
from grader.testkit.formats import DELETE, EXPIRE, SET


def _log(data_dir):
    """Every frame in the folder, in order, its entries as (op, key, value)."""
    paths = sorted(data_dir.glob("wal-*.log"))
    return [
        [(op, key, value) for op, _timestamp, key, value in frame]
        for path in paths
        for frame in formats.read_frames(path)
    ]


@points(1, suite="correctness", hint="one-way-in")
def test_a_store_answers_as_the_memory_does(kv, data_dir):
    """What was set is there, what was deleted is not."""
    store = kv.Store.open(data_dir)
    store.set("colour", b"green")
    store.set("shape", b"round")
    assert store.delete("shape") is True
    assert store.get("colour") == b"green"
    assert store.keys() == ["colour"]
    assert len(store) == 1


@points(1, suite="persistence", hint="opening")
def test_values_are_there_after_reopening(kv, data_dir, rng):
    """A store that is closed and opened again holds what it held."""
    key, value = random_key(rng), random_value(rng)
    store = kv.Store.open(data_dir)
    store.set(key, value)
    store.close()
    assert kv.Store.open(data_dir).get(key) == value


@points(1, suite="persistence", hint="opening")
def test_an_acknowledged_write_survives_a_kill(kv, data_dir, rng):
    """Once set has returned, even `kill -9` does not lose the value."""
    value = random_value(rng)
    kv.Store.open(data_dir).set("key", value)
    kv.kill()
    assert kv.Store.open(data_dir).get("key") == value


@points(1, suite="correctness", hint="one-way-in")
def test_each_write_is_one_frame_of_the_log(kv, data_dir, rng):
    """Each set and each delete adds one frame with one entry to the log."""
    value = random_value(rng)
    store = kv.Store.open(data_dir)
    store.set("a", value)
    store.delete("a")
    assert _log(data_dir) == [[(SET, "a", value)], [(DELETE, "a", b"")]]


@points(1, suite="correctness", hint="log-nothing")
def test_deleting_a_missing_key_logs_nothing(kv, data_dir):
    """Deleting a key that is not there returns False and adds nothing to the log."""
    store = kv.Store.open(data_dir)
    assert store.delete("nobody") is False
    assert _log(data_dir) == []


@points(1, suite="correctness", hint="absolute-deadlines")
def test_the_log_holds_deadlines_not_durations(kv, data_dir, clock):
    """`expire(key, 10)` logs the absolute deadline in unix nanoseconds, eight bytes big-endian."""
    store = kv.Store.open(data_dir, clock=clock)
    store.set("a", b"1")
    store.expire("a", 10)
    deadline = formats.deadline(clock.now_ns + 10_000_000_000)
    assert _log(data_dir)[1:] == [[(EXPIRE, "a", deadline)]]


@points(1, suite="persistence", hint="absolute-deadlines")
def test_a_deadline_survives_reopening(kv, data_dir, clock):
    """Time goes on while the store is closed: of 10 seconds, 7 are left after 3."""
    store = kv.Store.open(data_dir, clock=clock)
    store.set("a", b"1")
    store.expire("a", 10)
    store.close()
    clock.advance(3)
    assert kv.Store.open(data_dir, clock=clock).ttl("a") == 7.0


@points(2, suite="persistence", hint="log-before-apply")
def test_a_write_that_cannot_be_logged_does_not_happen(kv, data_dir):
    """When the fsync fails, set raises, and readers still see the old value."""
    store = kv.Store.open(data_dir)
    store.set("a", b"old")
    kv.disk().fail_next("fsync")
    with kv.raises("OSError"):
        store.set("a", b"new")
    assert store.get("a") == b"old"


@points(1, suite="correctness", hint="batches")
def test_a_batch_is_one_frame(kv, data_dir):
    """All changes of a batch are logged in one frame, in their order."""
    store = kv.Store.open(data_dir)
    store.apply_batch([("set", "a", b"1"), ("set", "b", b"2"), ("delete", "a")])
    expected = [[(SET, "a", b"1"), (SET, "b", b"2"), (DELETE, "a", b"")]]
    assert _log(data_dir) == expected
    assert store.dump() == ({"b": b"2"}, {})


@points(1, suite="correctness", hint="batches")
def test_a_bad_batch_changes_nothing(kv, data_dir):
    """One bad operation refuses the whole batch, in memory and in the log."""
    store = kv.Store.open(data_dir)
    with kv.raises("ValueError"):
        store.apply_batch([("set", "a", b"1"), ("frobnicate", "a")])
    assert store.dump() == ({}, {})
    assert _log(data_dir) == []


@points(2, suite="persistence", hint="recovery-facts")
def test_a_torn_tail_is_cut_and_said(kv, data_dir):
    """Half a frame at the end of the log is cut off, and `recovery` says how much and where."""
    whole = formats.frame((SET, 1, "a", b"1"))
    path = data_dir / formats.segment_name(1)
    path.write_bytes(whole + formats.frame((SET, 2, "b", b"2"))[:10])
    kv.note("the log ends with the first 10 bytes of a frame")
    store = kv.Store.open(data_dir)
    assert store.keys() == ["a"]
    found = store.recovery
    assert (found.frames_replayed, found.bytes_cut, found.cut_offset) == (1, 10, len(whole))
    assert Path(found.cut_path).name == path.name


@points(1, suite="persistence", hint="one-segment-a-session")
def test_each_session_writes_its_own_segment(kv, data_dir):
    """The first session logs to segment 1, the second to segment 2."""
    for key in ("first", "second"):
        store = kv.Store.open(data_dir)
        store.set(key, b"")
        store.close()
    keys = {
        path.name: [frame[0][2] for frame in formats.read_frames(path)]
        for path in data_dir.glob("wal-*.log")
    }
    assert keys == {formats.segment_name(1): ["first"], formats.segment_name(2): ["second"]}


@points(1, suite="persistence", hint="damaged-log")
def test_damage_in_an_earlier_segment_is_an_error(kv, data_dir):
    """Only the end of the last segment may be torn: half a frame before it is `CorruptLogError`."""
    damaged, last = (data_dir / formats.segment_name(number) for number in (1, 2))
    damaged.write_bytes(formats.frame((SET, 1, "a", b"1"))[:-1])
    last.write_bytes(formats.frame((SET, 2, "b", b"2")))
    kv.note("segment 1 lacks its last byte; segment 2 is whole")
    with kv.raises("CorruptLogError") as raised:
        kv.Store.open(data_dir)
    assert Path(raised.attribute("path")).name == damaged.name


@points(1, suite="persistence", hint="one-store-a-folder")
def test_a_folder_has_one_store_at_a_time(kv, data_dir):
    """A second opener gets `StoreLockedError`, until the first one closes."""
    store = kv.Store.open(data_dir)
    with kv.raises("StoreLockedError"):
        kv.Store.open(data_dir)
    store.close()
    again = kv.Store.open(data_dir)
    assert again.keys() == []


@points(1, suite="correctness", hint="close-the-store")
def test_a_closed_store_refuses(kv, data_dir):
    """After close, which may be called again, every operation raises `StoreClosedError`."""
    store = kv.Store.open(data_dir)
    store.close()
    store.close()
    with kv.raises("StoreClosedError"):
        store.set("a", b"1")
    with kv.raises("StoreClosedError"):
        store.get("a")
