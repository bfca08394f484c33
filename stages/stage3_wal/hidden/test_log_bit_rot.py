"""Hidden tests of wal.py: every wrong bit, every missing end, and disks that are full or fail."""

from grader.testkit import formats, points, random_key, random_value
from grader.testkit.damage import flips, truncations
from grader.testkit.damaged import replay_damaged, require_refusals
from grader.testkit.formats import DELETE, SET
from grader.testkit.histories_on_disk import LogHistory


def _row(rng, size=1):
    return (SET, rng.randrange(10**18), random_key(rng, 1), random_value(rng, size))


def _log(rng):
    """Two frames, the second of two entries."""
    row = _row(rng)
    return formats.frame(row) + formats.frame((DELETE, 1, row[2], b""), _row(rng))


def _appends(rng):
    """Three frames, and an fsync in between."""
    a, b, c = (("append", (_row(rng, 4),)) for _ in range(3))
    return [a, b, ("sync", ()), c]


@points(3, suite="persistence", hint="bit-rot")
def test_every_wrong_bit_of_a_log_is_noticed(power, rng):
    """Whichever bit is wrong: an error before the last frame, a cut in it, and never silence."""
    replay_damaged(power, flips(_log(rng)))


@points(1, suite="persistence", hint="bit-rot")
def test_a_wrong_bit_in_an_earlier_segment_is_an_error(power, rng):
    """With is_last=False no frame is cut for a wrong bit, not even the last one."""
    log, bit = _log(rng), rng.randrange(8)
    replay_damaged(power, [*flips(log)][bit::8], is_last=False)


@points(2, suite="persistence", hint="bit-rot")
def test_a_log_can_end_after_any_byte(power, rng):
    """Wherever the file ends: its whole frames are there, the rest is cut, if it is the last."""
    log = _log(rng)
    replay_damaged(power, truncations(log))
    replay_damaged(power, truncations(log), is_last=False)


@points(2, suite="persistence", hint="full-disk")
def test_a_full_disk_takes_nothing_that_was_acknowledged(power, rng):
    """The disk is full after 5 bytes of a frame: what append returned from before is there."""
    power.explore_faults(LogHistory(), _appends(rng), "write", "ENOSPC", times=10**6, taken=5)


@points(2, suite="persistence", hint="full-disk")
def test_nothing_is_written_behind_half_a_frame(power, rng):
    """The disk is full after 5 bytes, and then has room again: the log refuses all the same."""
    history = _appends(rng)
    runs = power.explore_faults(LogHistory(), history, "write", "ENOSPC", times=2, taken=5)
    require_refusals(history, runs)


@points(2, suite="persistence", hint="failed-fsync")
def test_after_any_failed_fsync_the_log_refuses_and_has_lost_nothing(power, rng):
    """Whichever fsync fails: what returned before is there, and nothing returns afterwards."""
    history = _appends(rng)
    require_refusals(history, power.explore_faults(LogHistory(), history, "fsync", "EIO"))
