"""Hidden tests of wal.py: what a power cut leaves of a log, and what a replay makes of that."""

from grader.testkit import formats, points, random_key, random_value
from grader.testkit.formats import DELETE, SET
from grader.testkit.histories_on_disk import LogHistory


def _row(rng, size=3):
    return (SET, rng.randrange(10**18), random_key(rng, 2), random_value(rng, size))


def _append(*rows):
    return ("append", rows)


@points(3, suite="persistence", hint="power-cut")
def test_what_append_returned_from_survives_a_power_cut(power, rng):
    """With "always", every append that returned is there after a power cut, and a frame is never
    there in part.
    """
    a, b, c = (_row(rng) for _ in range(3))
    power.explore(LogHistory(), [_append(a), _append(b, (DELETE, 5, a[2], b"")), _append(c)])


@points(2, suite="persistence", hint="power-cut")
def test_a_log_goes_on_behind_a_torn_tail(power, rng):
    """A log that was opened on a torn tail cuts it for good before it writes behind it."""
    a, b, torn = (_row(rng) for _ in range(3))
    found = formats.frame(a) + formats.frame(torn)[:-2]
    start = {"frame 1": [a]}
    power.explore(LogHistory(start=start), [_append(b)], files={formats.segment_name(1): found})


@points(2, suite="persistence", hint="never-and-interval")
def test_sync_and_close_cover_what_never_left_to_do(power, rng):
    """With "never", a power cut takes only what no sync() and no close() covered, from the end."""
    a, b, c = (_row(rng, 1) for _ in range(3))
    power.explore(LogHistory(sync="never"), [_append(a), _append(b), ("sync", ()), _append(c)])
    power.explore(LogHistory(sync="never"), [_append(a), ("close", ())])


@points(2, suite="persistence", hint="never-and-interval")
def test_interval_loses_no_more_than_the_interval(power, rng):
    """With "interval", a power cut takes only appends of the last interval."""
    a, b, c, d = (_row(rng, 1) for _ in range(4))
    history = [
        *(_append(a), ("advance", (3.0,)), _append(b), ("advance", (1.0,)), _append(c)),
        *(("advance", (3.5,)), _append(d)),
    ]
    power.explore(LogHistory(sync="interval", interval=4.0), history, interval=4.0)
