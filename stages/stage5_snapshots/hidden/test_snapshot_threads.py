"""Snapshots while other threads write."""

from grader.testkit import eventually, formats, points, random_value


def _names(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != "LOCK")


def _own_writes(store, rng, name, count):
    """Writes to keys that nobody else writes to."""
    return [(store.set, (f"{name}-{number}", random_value(rng))) for number in range(count)]


def _fill(kv, store, rng, count):
    kv.call_many(_own_writes(store, rng, "filler", count), f"{count} times store.set")


def _on_disk(kv, folder):
    """What the newest snapshot and the SETs of the segments after it amount to."""
    number, path = kv.latest_snapshot(folder)
    items, _deadlines = kv.load_snapshot(path)
    for frame in formats.read_frames(folder / formats.segment_name(number)):
        items.update({key: value for _op, _timestamp, key, value in frame})
    return items


@points(3, suite="concurrency", hint="consistent-cut")
def test_a_snapshot_never_holds_half_a_batch(kv, data_dir, rng):
    """A snapshot shows one instant: of a batch that other threads apply, it has all or nothing."""
    store = kv.Store.open(data_dir, sync="never")
    store.set("left", b"")
    _fill(kv, store, rng, 20)
    plans = []
    for _ in range(2):
        values = [random_value(rng) for _ in range(25)]
        batches = [[("set", "left", value), ("set", "right", value)] for value in values]
        plans.append([(store.apply_batch, (batch,)) for batch in batches])
    store.set("right", b"")
    reader = []
    for number in range(2, 8):
        path = data_dir / formats.snapshot_name(number)
        reader += [(store.snapshot, ()), (kv.snapshot.load_snapshot, (path,))]
    history = kv.at_once(*plans, reader, seed=rng.randrange(2**30))
    for loaded in kv.results(history):
        if loaded is not None:  # neither a batch nor a snapshot returns anything
            assert loaded[0]["left"] == loaded[0]["right"]


@points(3, suite="concurrency", hint="consistent-cut")
def test_no_write_falls_between_the_snapshot_and_the_log(kv, data_dir, rng):
    """What threads write during a snapshot is in the snapshot or in the segment after it."""
    for number in range(6):
        store = kv.Store.open(data_dir / f"store-{number}", sync="never")
        writers = [_own_writes(store, rng, name, 6) for name in "xyz"]
        snapshot = [(store.exists, ("x",))] * number + [(store.snapshot, ())]
        kv.results(kv.at_once(*writers, snapshot, seed=rng.randrange(2**30)))
        assert _on_disk(kv, data_dir / f"store-{number}") == store.dump()[0]


@points(2, suite="concurrency", hint="consistent-cut")
def test_threads_may_take_snapshots_at_once(kv, data_dir, rng):
    """Snapshots taken at the same time leave one of them, whole, and its segment."""
    kv.note("the folder holds the empty segments of 100 earlier sessions")
    for number in range(1, 101):
        (data_dir / formats.segment_name(number)).write_bytes(b"")
    store = kv.Store.open(data_dir, sync="never")
    store.set("a", b"1")
    plans = [[(store.snapshot, ())] * 2 for _ in range(4)]
    kv.results(kv.at_once(*plans, seed=rng.randrange(2**30)))
    number, path = kv.latest_snapshot(data_dir)
    assert _names(data_dir) == [formats.snapshot_name(number), formats.segment_name(number)]
    assert kv.load_snapshot(path) == ({"a": b"1"}, {})


@points(2, suite="concurrency", hint="snapshot-interval")
def test_snapshots_by_themselves_lose_no_write(kv, data_dir, rng):
    """While a snapshot_interval takes one snapshot after the other, every write survives a kill."""
    store = kv.Store.open(data_dir, sync="never", snapshot_interval=0.002)
    for round_number in range(2):
        plans = [_own_writes(store, rng, f"{round_number}{name}", 10) for name in "xyz"]
        kv.results(kv.at_once(*plans, seed=rng.randrange(2**30)))
    last = formats.snapshot_name(3)
    eventually(
        lambda: any(last <= name < "wal" for name in _names(data_dir)),
        "a second snapshot by itself",
    )
    before = store.dump()
    kv.kill()
    store = kv.Store.open(data_dir)
    assert store.dump() == before
