"""The store with snapshots: the log becomes short, and nothing is lost."""

from grader.testkit import eventually, formats, points, random_key, random_value


def _names(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != "LOCK")


@points(1, suite="persistence", hint="snapshot-reopen")
def test_a_store_comes_back_from_its_snapshot(kv, data_dir, rng):
    """After a snapshot, reopening loads it and replays no frame."""
    items = {random_key(rng): random_value(rng) for _ in range(3)}
    with kv.Store.open(data_dir) as store:
        for key, value in items.items():
            store.set(key, value)
        store.snapshot()
    with kv.Store.open(data_dir) as store:
        assert store.dump() == (items, {})
        assert store.recovery.snapshot_number == 2
        assert store.recovery.frames_replayed == 0


@points(1, suite="persistence", hint="retire")
def test_a_snapshot_replaces_the_log_before_it(kv, data_dir):
    """snapshot() begins segment 2 and writes snapshot 2; then segment 1 is removed."""
    with kv.Store.open(data_dir) as store:
        store.set("colour", b"green")
        store.snapshot()
        assert _names(data_dir) == ["snapshot-0000000002.kvsp", "wal-0000000002.log"]


@points(1, suite="persistence", hint="snapshot-reopen")
def test_writes_after_a_snapshot_survive(kv, data_dir, rng):
    """What is written after the snapshot is replayed on top of it."""
    before, after = random_value(rng), random_value(rng)
    store = kv.Store.open(data_dir)
    store.set("before", before)
    store.snapshot()
    store.set("after", after)
    kv.kill()
    with kv.Store.open(data_dir) as store:
        assert store.dump() == ({"before": before, "after": after}, {})
        assert store.recovery.snapshot_number == 2
        assert store.recovery.frames_replayed == 1


@points(1, suite="persistence", hint="snapshot-interval")
def test_a_snapshot_interval_takes_snapshots_by_itself(kv, data_dir):
    """With a snapshot_interval a changed store gets its snapshot without being asked."""
    with kv.Store.open(data_dir, snapshot_interval=0.01) as store:
        store.set("colour", b"green")
        path = data_dir / formats.snapshot_name(2)
        eventually(path.exists, "a snapshot by itself")
        assert kv.load_snapshot(path) == ({"colour": b"green"}, {})
