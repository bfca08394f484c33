"""The store with its snapshots: what survives, what goes, and in which order."""

from grader.testkit import eventually, formats, points, random_key, random_value

_SNAPSHOT = "the snapshot gets its name"
_FOLDER = "the folder is synced"
_REMOVED = "the old segment is removed"


def _names(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != "LOCK")


def _files(*numbers):
    """The names of snapshots and segments with these pairs of numbers; None for no such file."""
    snapshots = [formats.snapshot_name(number) for number, _ in numbers if number]
    return sorted(snapshots + [formats.segment_name(number) for _, number in numbers if number])


def _facts(store):
    found = store.recovery
    return found.snapshot_number, found.segments_replayed, found.frames_replayed


def _damage(path):
    """Change one byte in the middle of a file, whoever owns it."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.unlink()
    path.write_bytes(data)


def _story(events):
    """What happened on the disk from the renaming of snapshot 2 on, each kind of step once."""
    steps = []
    for event in events:
        if (event.operation, event.name) == ("rename", formats.snapshot_name(2)):
            steps.append(_SNAPSHOT)
        elif (event.operation, event.folder) == ("fsync", True) and steps:
            steps.append(_FOLDER)
        elif (event.operation, event.name) == ("unlink", formats.segment_name(1)):
            steps.append(_REMOVED)
    return list(dict.fromkeys(steps))


@points(2, suite="persistence", hint="snapshot-reopen")
def test_everything_survives_a_snapshot_and_a_kill(kv, data_dir, clock, rng):
    """Values, numbers, deadlines and deletions are in the snapshot; the old log is not missed."""
    store = kv.Store.open(data_dir, clock=clock)
    keys = [random_key(rng) for _ in range(20)]
    kv.call_many([(store.set, (key, random_value(rng))) for key in keys], "20 times store.set")
    kv.call_many([(store.delete, (key,)) for key in keys[:5]], "5 times store.delete")
    store.incr("visits", 41)
    store.expire(keys[5], 100)
    store.apply_batch([("set", "left", b"1"), ("set", "right", b"2"), ("expire", "left", 50)])
    before = store.dump()
    store.snapshot()
    kv.kill()
    store = kv.Store.open(data_dir, clock=clock)
    assert store.dump() == before
    assert _names(data_dir) == _files((2, 2), (None, 3))


@points(1, suite="persistence", hint="snapshot-reopen")
def test_recovery_tells_what_it_read(kv, data_dir):
    """Recovery counts the snapshot, and the segments and frames after it."""
    store = kv.Store.open(data_dir)
    store.set("a", b"1")
    store.snapshot()
    store.set("b", b"2")
    store.set("c", b"3")
    store.close()
    store = kv.Store.open(data_dir)
    store.set("d", b"4")
    kv.kill()
    assert _facts(kv.Store.open(data_dir)) == (2, 2, 3)


@points(2, suite="persistence", hint="retire")
def test_the_old_log_goes_only_when_the_snapshot_is_durable(kv, data_dir):
    """The snapshot gets its name, the folder is synced, and only then segment 1 is removed."""
    store = kv.Store.open(data_dir)
    store.set("a", b"1")
    disk = kv.disk()
    store.snapshot()
    assert _story(disk.events()) == [_SNAPSHOT, _FOLDER, _REMOVED]


@points(1, suite="persistence", hint="retire")
def test_the_old_segment_is_on_disk_before_the_new_one_exists(kv, data_dir):
    """Only the last segment may be torn, so the old one is synced first, under any policy."""
    store = kv.Store.open(data_dir, sync="never")
    store.set("a", b"1")
    size = (data_dir / formats.segment_name(1)).stat().st_size
    disk = kv.disk()
    store.snapshot()
    fsyncs = [event for event in disk.events() if event.operation == "fsync"]
    assert fsyncs[0] == ("fsync", formats.segment_name(1), size, False)
    assert _names(data_dir) == _files((2, 2))


@points(2, suite="persistence", hint="failed-snapshot")
def test_a_failed_snapshot_loses_nothing(kv, data_dir, rng):
    """When a snapshot cannot be written, the log stays, and the next snapshot works."""
    value, later = random_value(rng), random_value(rng)
    store = kv.Store.open(data_dir)
    store.set("a", value)
    kv.disk().fail_next("rename")
    with kv.raises("OSError"):
        store.snapshot()
    store.set("b", later)
    kv.kill()
    store = kv.Store.open(data_dir)
    assert store.dump() == ({"a": value, "b": later}, {})
    store.snapshot()
    number, _path = kv.latest_snapshot(data_dir)
    assert _names(data_dir) == _files((number, number))
    kv.kill()
    assert kv.Store.open(data_dir).dump() == ({"a": value, "b": later}, {})


@points(1, suite="persistence", hint="retire")
def test_a_second_snapshot_takes_the_place_of_the_first(kv, data_dir, rng):
    """After two snapshots only the newer one and its segment are left, and the data is whole."""
    items = {random_key(rng): random_value(rng) for _ in range(4)}
    store = kv.Store.open(data_dir)
    for key, value in items.items():
        store.set(key, value)
        store.snapshot()
    assert _names(data_dir) == _files((5, 5))
    kv.kill()
    store = kv.Store.open(data_dir)
    assert (store.dump(), _facts(store)) == ((items, {}), (5, 1, 0))


@points(1, suite="persistence", hint="retire")
def test_a_snapshot_covers_all_earlier_sessions(kv, data_dir):
    """Each session has a segment of its own; a snapshot in the third one removes them all."""
    for key in ("a", "b"):
        with kv.Store.open(data_dir) as store:
            store.set(key, b"1")
    with kv.Store.open(data_dir) as store:
        store.set("c", b"1")
        store.snapshot()
        assert _names(data_dir) == _files((4, 4))
    with kv.Store.open(data_dir) as store:
        assert store.dump() == ({"a": b"1", "b": b"1", "c": b"1"}, {})


@points(1, suite="persistence", hint="snapshot-reopen")
def test_an_empty_store_can_be_snapshotted(kv, data_dir):
    """A store that became empty stays empty: its snapshot holds nothing."""
    store = kv.Store.open(data_dir)
    store.set("a", b"1")
    store.delete("a")
    store.snapshot()
    assert kv.load_snapshot(data_dir / formats.snapshot_name(2)) == ({}, {})
    store.close()
    store = kv.Store.open(data_dir)
    assert (store.dump(), _facts(store)) == (({}, {}), (2, 1, 0))


@points(1, suite="persistence", hint="snapshot-reopen")
def test_a_key_deleted_after_the_snapshot_does_not_come_back(kv, data_dir):
    """The log is replayed on top of the snapshot, also where it takes something away."""
    store = kv.Store.open(data_dir)
    store.set("keep", b"1")
    store.set("gone", b"2")
    store.snapshot()
    store.delete("gone")
    store.close()
    store = kv.Store.open(data_dir)
    assert (store.dump(), _facts(store)) == (({"keep": b"1"}, {}), (2, 1, 1))


@points(1, suite="persistence", hint="deadlines-in-snapshots")
def test_deadlines_survive_a_snapshot(kv, data_dir, clock):
    """A key keeps its absolute deadline through snapshot and reopening, to the nanosecond."""
    store = kv.Store.open(data_dir, clock=clock)
    deadline = clock.now_ns + 100_000_000_001
    store.set("a", b"1")
    store.expire_at("a", deadline)
    store.snapshot()
    store.close()
    store = kv.Store.open(data_dir, clock=clock)
    assert (store.deadline("a"), _facts(store)) == (deadline, (2, 1, 0))


@points(1, suite="persistence", hint="deadlines-in-snapshots")
def test_a_dead_key_is_not_in_the_snapshot(kv, data_dir, clock):
    """What nobody can see any more is not saved."""
    store = kv.Store.open(data_dir, clock=clock)
    store.set("dead", b"1")
    store.set("alive", b"2")
    store.expire("dead", 5)
    clock.advance(5)
    store.snapshot()
    assert kv.load_snapshot(data_dir / formats.snapshot_name(2)) == ({"alive": b"2"}, {})


@points(1, suite="persistence", hint="deadlines-in-snapshots")
def test_a_key_that_died_after_the_snapshot_stays_dead(kv, data_dir, clock):
    """The snapshot holds the key with its deadline; once that has passed, nobody sees it."""
    store = kv.Store.open(data_dir, clock=clock)
    store.set("a", b"1")
    store.expire("a", 5)
    store.snapshot()
    clock.advance(6)
    store.close()
    store = kv.Store.open(data_dir, clock=clock)
    assert (store.dump(), _facts(store)) == (({}, {}), (2, 1, 0))


@points(2, suite="persistence", hint="deadlines-in-snapshots")
def test_a_persist_after_the_snapshot_counts_though_the_deadline_has_passed(kv, data_dir, clock):
    """A deadline of the snapshot that the log takes away does not count, however late it is."""
    store = kv.Store.open(data_dir, clock=clock)
    store.set("a", b"1")
    store.expire("a", 5)
    store.snapshot()
    store.persist("a")
    clock.advance(6)
    store.close()
    store = kv.Store.open(data_dir, clock=clock)
    assert (store.dump(), _facts(store)) == (({"a": b"1"}, {}), (2, 1, 1))


@points(1, suite="persistence", hint="fall-back")
def test_a_crash_before_the_rename_leaves_the_old_snapshot(kv, data_dir):
    """Half a temporary file is removed at the next start; the older snapshot and its log count."""
    store = kv.Store.open(data_dir)
    store.set("a", b"1")
    store.snapshot()
    store.set("b", b"2")
    kv.kill()
    kv.note("the crash left half of snapshot 3 under its temporary name")
    half = formats.snapshot({"a": b"1", "b": b"2"})[:20]
    (data_dir / f"{formats.snapshot_name(3)}.tmp").write_bytes(half)
    store = kv.Store.open(data_dir)
    assert (store.dump(), _facts(store)) == (({"a": b"1", "b": b"2"}, {}), (2, 1, 1))
    assert _names(data_dir) == _files((2, 2), (None, 3))


@points(2, suite="persistence", hint="fall-back")
def test_segments_before_the_snapshot_are_not_replayed(kv, data_dir):
    """Old segments that a crash left behind are passed over, whatever they hold."""
    kv.note("the folder holds snapshot 3, its segment, and an older log, damaged in parts")
    old = formats.frame((formats.SET, 1, "deleted", b"1"), (formats.SET, 1, "a", b"old"))
    (data_dir / formats.segment_name(1)).write_bytes(old)
    (data_dir / formats.segment_name(2)).write_bytes(b"damaged" + old)
    (data_dir / formats.snapshot_name(3)).write_bytes(formats.snapshot({"a": b"new"}))
    (data_dir / formats.segment_name(3)).write_bytes(formats.frame((formats.SET, 2, "b", b"1")))
    store = kv.Store.open(data_dir)
    assert (store.dump(), _facts(store)) == (({"a": b"new", "b": b"1"}, {}), (3, 1, 1))


@points(1, suite="persistence", hint="retire")
def test_the_next_snapshot_removes_what_a_crash_left(kv, data_dir):
    """Older segments and snapshots that survived a crash go with the next snapshot."""
    kv.note("the folder holds snapshots 1 and 2 and segments 1 and 2")
    for number in (1, 2):
        (data_dir / formats.snapshot_name(number)).write_bytes(formats.snapshot({"a": b"1"}))
        (data_dir / formats.segment_name(number)).write_bytes(b"")
    with kv.Store.open(data_dir) as store:
        store.snapshot()
        assert _names(data_dir) == _files((4, 4))


@points(2, suite="persistence", hint="fall-back")
def test_a_damaged_snapshot_falls_back_to_the_one_before(kv, data_dir):
    """With the newest snapshot damaged, an older one and its segments give the same data."""
    kv.note("the folder holds snapshot 2, segments 2 and 3, and a damaged snapshot 3")
    (data_dir / formats.snapshot_name(2)).write_bytes(formats.snapshot({"a": b"1"}, {"a": 2**62}))
    (data_dir / formats.segment_name(2)).write_bytes(formats.frame((formats.SET, 1, "b", b"2")))
    (data_dir / formats.segment_name(3)).write_bytes(formats.frame((formats.SET, 1, "c", b"3")))
    newest = formats.snapshot({"a": b"1", "b": b"2"}, {"a": 2**62})
    (data_dir / formats.snapshot_name(3)).write_bytes(newest[:-1] + b"?")
    store = kv.Store.open(data_dir)
    items = {"a": b"1", "b": b"2", "c": b"3"}
    assert (store.dump(), _facts(store)) == ((items, {"a": 2**62}), (2, 2, 2))


@points(2, suite="persistence", hint="fall-back")
def test_a_damaged_only_snapshot_is_an_error_and_not_an_empty_store(kv, data_dir):
    """When the data is lost, the store says so, and touches nothing."""
    with kv.Store.open(data_dir) as store:
        store.set("a", b"1")
        store.snapshot()
    assert _names(data_dir) == _files((2, 2))
    kv.note("one byte of snapshot 2 was changed")
    _damage(data_dir / formats.snapshot_name(2))
    with kv.raises("CorruptLogError", "CorruptSnapshotError"):
        kv.Store.open(data_dir)
    assert _names(data_dir) == _files((2, 2))


@points(1, suite="persistence", hint="fall-back")
def test_a_gap_after_the_snapshot_is_an_error(kv, data_dir):
    """Segments must follow the snapshot without a gap; with the missing one back, all is well."""
    (data_dir / formats.snapshot_name(2)).write_bytes(formats.snapshot({"a": b"1"}))
    for number in (2, 4):
        frame = formats.frame((formats.SET, number, f"key-{number}", b"1"))
        (data_dir / formats.segment_name(number)).write_bytes(frame)
    with kv.raises("CorruptLogError"):
        kv.Store.open(data_dir)
    kv.note("segment 3 is put back")
    (data_dir / formats.segment_name(3)).write_bytes(b"")
    assert _facts(kv.Store.open(data_dir)) == (2, 3, 2)


@points(1, suite="persistence", hint="snapshot-interval")
def test_an_idle_store_takes_no_further_snapshots(kv, data_dir):
    """When nothing has changed since the last snapshot, a snapshot_interval does nothing."""
    for name in ("idle", "busy"):
        (data_dir / name).mkdir(mode=0o777)
    idle = kv.Store.open(data_dir / "idle", snapshot_interval=0.01)
    idle.set("a", b"1")
    eventually((data_dir / "idle" / formats.snapshot_name(2)).exists, "a snapshot by itself")
    busy = kv.Store.open(data_dir / "busy", sync="never", snapshot_interval=0.01)

    def _busy_has_many():
        busy.set("a", b"1")
        return max(_names(data_dir / "busy")) >= formats.segment_name(8)

    eventually(_busy_has_many, "six snapshots of a busy store")
    assert _names(data_dir / "idle") == _files((2, 2))


@points(1, suite="persistence", hint="snapshot-interval")
def test_a_store_with_a_long_interval_closes_at_once(kv, data_dir):
    """close() does not wait for the next snapshot to be due."""
    store = kv.Store.open(data_dir, snapshot_interval=3_600)
    store.set("a", b"1")
    store.snapshot()
    store.close()
    assert _names(data_dir) == _files((2, 2))
