"""Hidden tests of store.py: every wrong bit, missing and strange segments, disks that fail."""

from itertools import combinations, permutations

from grader.testkit import formats, points, random_key, random_value
from grader.testkit.damage import flips, truncations
from grader.testkit.damaged import (
    recover_damaged,
    refuse_to_open,
    require_refusals,
)
from grader.testkit.formats import DELETE, EXPIRE, SET, segment_name
from grader.testkit.histories_on_disk import StoreHistory

EVERY = 10**6
FAR_NS = 4_000_000_000_000_000_000  # a deadline that nobody lives to see


def _row(rng, size=1):
    return (SET, rng.randrange(10**18), random_key(rng, 1), random_value(rng, size))


def _with_each(files, changes):
    """The folder with each changed version of each file."""
    return [
        (f"{name}: {what}", {**files, name: changed})
        for name, data in files.items()
        for what, changed in changes(data)
    ]


def _segments(rng, count):
    """So many segments; each sets a key of its own, and all of them one more."""
    return {
        segment_name(number): formats.frame((SET, number, f"k{number}", random_value(rng, 2)))
        + formats.frame((SET, number, "latest", b"%d" % number))
        for number in range(1, count + 1)
    }


@points(3, suite="persistence", hint="store-bit-rot")
def test_every_wrong_bit_of_a_segment_is_noticed(power, rng):
    """Whichever bit is wrong: only in the last frame of the last segment it is cut, and said."""
    files = {segment_name(number): formats.frame(_row(rng)) for number in (1, 2)}
    recover_damaged(power, _with_each(files, flips))


@points(2, suite="persistence", hint="store-bit-rot")
def test_a_segment_can_end_after_any_byte(power, rng):
    """Wherever a segment ends: the last one is cut, and `recovery` says so; no other one is."""
    a, b = _row(rng), _row(rng)
    deadline = (EXPIRE, 7, b[2], formats.deadline(FAR_NS))
    first = formats.frame(a) + formats.frame(b, deadline)
    last = formats.frame((DELETE, 8, a[2], b"")) + formats.frame(_row(rng))
    files = {segment_name(1): first, segment_name(2): last}
    recover_damaged(power, _with_each(files, truncations))


@points(2, suite="persistence", hint="damaged-log")
def test_whichever_segments_are_missing_it_is_noticed(power, rng):
    """Of four segments only the first ones may be there alone; any gap is an error."""
    files = _segments(rng, 4)
    some = [names for count in range(1, 4) for names in combinations(files, count)]
    recover_damaged(
        power,
        [(f"only {', '.join(names)}", {name: files[name] for name in names}) for names in some],
    )


@points(1, suite="persistence", hint="store-bit-rot")
def test_swapped_segments_are_replayed_by_their_names(power, rng):
    """The name says which segment comes when; one that is torn may only be the last."""
    files = _segments(rng, 3)
    names = [*files]
    files[names[2]] = files[names[2]][:-1]
    swapped = [dict(zip(names, order, strict=True)) for order in permutations(files.values())]
    recover_damaged(power, [("three segments have each other's names", one) for one in swapped])


@points(1, suite="persistence", hint="store-bit-rot")
def test_a_foreign_file_under_a_segments_name_is_damage(power, rng):
    """What is no log is an error before the last segment, and as the last one cut, and said."""
    files = _segments(rng, 3)
    foreign = [("a text", b"Dear log,\nall is well.\n"), ("a snapshot", formats.snapshot({}))]
    recover_damaged(power, _with_each(files, lambda _log: foreign))


@points(2, suite="persistence", hint="store-bit-rot")
def test_intact_frames_under_other_names_are_not_read(power, rng):
    """Only names that fit in full are segments: copies and near misses add nothing."""
    files, foreign = _segments(rng, 2), formats.frame((SET, 9, "foreign", b"1"))
    names = [
        *("wal-3.log", "wal-000000003.log", "wal-0000000003.log.bak"),
        *("wal-0000000003.log~", "copy of wal-0000000003.log", "wal-0000000003_log"),
        *("wal-+000000003.log", "wal-000_000_03.log", "wal-000000000x.log", "wal-٠٠٠٠٠٠٠٠٠٣.log"),
    ]
    folders = [(f"there is {name!r} as well", {**files, name: foreign}) for name in names]
    recover_damaged(power, folders)


@points(2, suite="persistence", hint="store-full-disk")
def test_a_folder_that_is_read_only_is_left_as_it_is(power, rng):
    """Opening it raises `OSError`, and nothing in it has changed."""
    whole = _segments(rng, 2)
    torn = {name: data[:-1] if name == segment_name(2) else data for name, data in whole.items()}
    folders = [whole, torn, {**whole, "LOCK": b""}, {**torn, "LOCK": b""}]
    operations = ("create", "write", "truncate", "rename", "unlink", "mkdir")
    faults = [(operation, 1, EVERY, "EROFS", 0) for operation in operations]
    refuse_to_open(power, [("the disk is read-only", folder) for folder in folders], faults)


@points(2, suite="persistence", hint="store-full-disk")
def test_opening_on_a_full_disk_removes_nothing(power, rng):
    """Where there is no room for a new segment, opening raises `OSError`; the log is as it was."""
    folder = {**_segments(rng, 2), "LOCK": b""}
    refuse_to_open(power, [("the disk is full", folder)], [("create", 1, EVERY, "ENOSPC", 0)])


def _writes(rng):
    """Each logs something, whatever became of those before."""
    a, b, c = (random_value(rng, 3) for _ in range(3))
    return [
        ("set", ("a", a)),
        ("apply_batch", ([("set", "b", b), ("delete", "a"), ("expire", "b", 5000)],)),
        ("set", ("c", c)),
    ]


@points(2, suite="persistence", hint="store-full-disk")
def test_a_full_disk_takes_no_write_that_returned(power, rng):
    """The disk takes 40 bytes of a frame and is full: that batch is there wholly or not at all."""
    history = _writes(rng)
    runs = power.explore_faults(StoreHistory(), history, "write", "ENOSPC", times=EVERY, taken=40)
    require_refusals(history, runs)


@points(2, suite="persistence", hint="store-full-disk")
def test_room_that_comes_back_does_not_mend_a_store(power, rng):
    """When one write fails, later ones raise `LogFailedError`: nothing goes behind half a frame."""
    history = _writes(rng)
    runs = power.explore_faults(StoreHistory(), history, "write", "ENOSPC", times=2, taken=5)
    require_refusals(history, runs)


@points(2, suite="persistence", hint="log-before-apply")
def test_after_any_failed_fsync_the_store_refuses_and_has_lost_nothing(power, rng):
    """Whichever fsync fails, while opening or later: what returned is there when it is opened."""
    history = _writes(rng)
    require_refusals(history, power.explore_faults(StoreHistory(), history, "fsync", "EIO"))
