"""Hidden tests of snapshot.py: what a power cut leaves of snapshots and of the log beside them."""

from grader.testkit import formats, points, random_key, random_value
from grader.testkit.histories_on_disk import SnapshotFile, StoreHistory


def _key(rng):
    return random_key(rng, 2)


def _value(rng):
    return random_value(rng, 3)


@points(3, suite="persistence", hint="snapshot-power-cut")
def test_a_snapshot_loses_nothing_wherever_the_power_is_cut(power, rng):
    """All writes survive a power cut before, during and after a snapshot."""
    a, b, c = _key(rng), _key(rng), _key(rng)
    history = [
        *(("set", (a, _value(rng))), ("set", (b, _value(rng))), ("snapshot", ())),
        *(("delete", (a,)), ("set", (c, _value(rng)))),
    ]
    power.explore(StoreHistory(), history, every_byte=False)


@points(2, suite="persistence", hint="snapshot-power-cut")
def test_a_second_snapshot_replaces_the_first(power, rng):
    """A second snapshot, after deletes, brings nothing back, and loses nothing."""
    a, b = _key(rng), _key(rng)
    history = [
        *(("set", (a, _value(rng))), ("snapshot", ()), ("delete", (a,))),
        *(("set", (b, _value(rng))), ("snapshot", ())),
    ]
    power.explore(StoreHistory(), history, every_byte=False)


@points(2, suite="persistence", hint="snapshot-power-cut")
def test_deadlines_in_snapshots_survive_a_power_cut(power, rng):
    """Deadlines of a snapshot are there after a power cut as they were."""
    a, b = _key(rng), _key(rng)
    history = [
        *(("set", (a, b"1")), ("expire", (a, 3000)), ("snapshot", ()), ("persist", (a,))),
        *(("set", (b, b"2")), ("expire", (b, 4000))),
    ]
    power.explore(StoreHistory(), history, every_byte=False)


@points(2, suite="persistence", hint="snapshot-power-cut")
def test_a_lazy_store_is_whole_once_its_snapshot_is(power, rng):
    """With sync="never", all that was there when snapshot() returned survives a power cut."""
    history = [("set", (_key(rng), b"1")), ("set", (_key(rng), b"2")), ("snapshot", ())]
    power.explore(
        StoreHistory(sync="never"), [*history, ("set", (_key(rng), b"3"))], every_byte=False
    )


@points(2, suite="persistence", hint="snapshot-power-cut")
def test_a_snapshot_file_is_the_old_one_or_the_new_one(power, rng):
    """write_snapshot over an older file: wherever the power is cut, one of both is there whole."""
    old, new = {_key(rng): _value(rng)}, {_key(rng): _value(rng), "b": b""}
    power.explore(
        SnapshotFile(start={key: (value, None) for key, value in old.items()}),
        [("write", (new, {"b": 2 * 10**18}))],
        files={formats.snapshot_name(2): formats.snapshot(old)},
    )


@points(2, suite="persistence", hint="failed-snapshot")
def test_a_segment_that_could_not_be_begun_is_not_in_the_way(power, rng):
    """A snapshot cannot begin its segment, the store goes on, and then the power is cut."""
    history = [("snapshot", ()), ("set", (_key(rng), b"1")), ("snapshot", ())]
    for number in (2, 3):  # of a new store, the fsyncs that may be those of the new segment
        power.explore(
            StoreHistory(), history, faults=[("fsync", number, 1, "EIO", 0)], every_byte=False
        )
