"""Hidden tests of snapshot.py: every wrong bit, snapshots that are lost or lead nowhere, and
snapshots during which the disk fails.
"""

from grader.testkit import formats, points, random_key, random_value
from grader.testkit.damage import flips, truncations
from grader.testkit.damaged import load_damaged, recover_damaged
from grader.testkit.formats import SET, segment_name, snapshot_name
from grader.testkit.histories_on_disk import SnapshotFile, StoreHistory

EVERY = 10**6
FAR_NS = 4_000_000_000_000_000_000  # a deadline that nobody lives to see


def _segment(number):
    return formats.frame((SET, number, f"k{number}", b"%d" % number))


def _folder(snapshots, segments):
    """A data folder with snapshots by their numbers, and segments with these."""
    files = {snapshot_name(number): data for number, data in snapshots.items()}
    return files | {segment_name(number): _segment(number) for number in segments}


def _small(rng):
    key = random_key(rng, 1)
    return formats.snapshot({key: random_value(rng, 1)}, {key: FAR_NS}, rng.randrange(10**18))


@points(3, suite="persistence", hint="snapshot-bit-rot")
def test_every_wrong_bit_of_a_snapshot_is_noticed(power, rng):
    """Whichever bit is wrong, the snapshot is an error with its path, and is no `latest` one."""
    load_damaged(power, flips(_small(rng)))


@points(1, suite="persistence", hint="snapshot-bit-rot")
def test_a_snapshot_that_ends_early_names_its_file_and_a_place_in_it(power, rng):
    """Wherever the file ends, it is an error with the file's path and an offset in the file."""
    load_damaged(power, truncations(_small(rng)))


@points(2, suite="persistence", hint="snapshot-bit-rot")
def test_a_damaged_snapshot_costs_nothing_where_there_is_another_way(power, rng):
    """With an older snapshot, or none, and all segments since, the data is all there."""
    older, newer, bit = _small(rng), _small(rng), rng.randrange(8)
    damaged = [*[*flips(newer)][bit::8], *[*truncations(newer)][::3]]
    with_older = [(what, _folder({2: older, 3: data}, (2, 3, 4))) for what, data in damaged]
    with_none = [(what, _folder({3: data}, (1, 2, 3))) for what, data in damaged[::4]]
    recover_damaged(power, [*with_older, *with_none])


@points(2, suite="persistence", hint="snapshot-bit-rot")
def test_a_damaged_snapshot_is_never_an_emptier_store(power, rng):
    """Where the segments before it are gone, a damaged snapshot is an error that names a file."""
    small, bit = _small(rng), rng.randrange(8)
    damaged = [*[*flips(small)][bit::8], ("it is empty", b""), ("it is a text", b"Dear diary,\n")]
    damaged.append(("it is intact", small))
    recover_damaged(power, [(what, _folder({3: data}, (3, 4))) for what, data in damaged])


@points(2, suite="persistence", hint="snapshot-bit-rot")
def test_a_snapshot_from_the_future_needs_its_own_segment(power, rng):
    """A snapshot with a higher number than any segment means that the log since is lost."""
    future = {5: _small(rng)}
    folders = {"segments 1 and 2": (1, 2), "segment 4": (4,), "segments 6 and 7": (6, 7)}
    alone = [(f"snapshot 5, {what}", _folder(future, some)) for what, some in folders.items()]
    whole = [("snapshot 5, segments 1, 2 and 5", _folder(future, (1, 2, 5)))]
    recover_damaged(power, [*alone, ("snapshot 5 alone", _folder(future, ())), *whole])


@points(1, suite="persistence", hint="latest-snapshot")
def test_intact_snapshots_under_other_names_are_not_loaded(power, rng):
    """Only names that fit in full are snapshots: copies and near misses count for nothing."""
    names = [
        *("snapshot-3.kvsp", "snapshot-000000003.kvsp"),
        *("snapshot-0000000003.kvsp~", "copy of snapshot-0000000003.kvsp"),
        *("snapshot-+000000003.kvsp", "snapshot-000_000_03.kvsp", "snapshot-٠٠٠٠٠٠٠٠٠٣.kvsp"),
    ]
    files, foreign = _folder({2: _small(rng)}, (2, 3)), formats.snapshot({"foreign": b"1"})
    recover_damaged(
        power, [(f"there is {name!r} as well", {**files, name: foreign}) for name in names]
    )


def _store(rng):
    """A store that has a snapshot, the folder that it lies in, and a history with another one."""
    value = random_value(rng, 2)
    files = {
        "LOCK": b"",
        snapshot_name(2): formats.snapshot({"a": value, "c": b""}),
        segment_name(2): formats.frame((SET, 2, "b", value)),
    }
    start = {"a": (value, None), "b": (value, None), "c": (b"", None)}
    history = [("delete", ("c",)), ("snapshot", ()), ("set", ("d", value))]
    return StoreHistory(start=start), files, history


@points(3, suite="persistence", hint="snapshot-every-step")
def test_a_snapshot_that_fails_at_any_step_loses_nothing(power, rng):
    """A file cannot be made, renamed or removed: all that was there, or returned, is there."""
    store, files, history = _store(rng)
    for operation in ("create", "rename", "unlink"):
        power.explore_faults(store, history, operation, "EIO", files=files)


@points(2, suite="persistence", hint="snapshot-every-step")
def test_an_fsync_that_fails_during_a_snapshot_loses_nothing(power, rng):
    """Whichever fsync fails, of file or folder: all that was there, or returned, is there."""
    store, files, history = _store(rng)
    power.explore_faults(store, history, "fsync", "EIO", files=files)


@points(2, suite="persistence", hint="snapshot-full-disk")
def test_no_room_for_a_snapshot_costs_nothing(power, rng):
    """The disk is full in the middle of a snapshot, or before it: what returned is there."""
    store, files, history = _store(rng)
    power.explore_faults(store, history, "write", "ENOSPC", times=2, taken=20, files=files)
    power.explore_faults(store, history, "create", "ENOSPC", times=EVERY, files=files)


@points(2, suite="persistence", hint="snapshot-full-disk")
def test_no_room_for_a_new_snapshot_leaves_the_old_one(power, rng):
    """Whichever write or fsync of `write_snapshot` fails, the old file or the new one is whole."""
    old = {"a": random_value(rng, 2)}
    subject = SnapshotFile(start={key: (value, None) for key, value in old.items()})
    history = [("write", ({"b": random_value(rng, 2)}, {"b": FAR_NS}))]
    files = {snapshot_name(2): formats.snapshot(old)}
    power.explore_faults(subject, history, "write", "ENOSPC", times=EVERY, taken=20, files=files)
    power.explore_faults(subject, history, "fsync", "EIO", files=files)
