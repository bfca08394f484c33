"""Hidden tests of wal.py: threads that append to one log, under many schedules."""

from grader.testkit import LogSubject, Workload, formats, points

ROW = (formats.SET, 1, "whole", b"frame")
TORN = formats.frame((formats.SET, 2, "torn", b"frame"))[:-1]


def _append(*rows):
    return "append", rows


@points(3, suite="concurrency", hint="log-threads")
def test_batches_of_threads_do_not_mix(races):
    """Frames of several entries stay whole, each stands there once, in the order of the calls."""
    plans = (_append(1, 2), _append(3)), (_append(4, 5), _append(6))
    for sync in ("always", "never", "interval"):
        races.run(LogSubject(sync), Workload((), plans), schedules=60)


@points(3, suite="concurrency", hint="log-threads")
def test_threads_that_find_a_torn_tail_cut_it_once(races):
    """When threads make the first appends after a crash, no new frame is cut with the tail."""
    plans = (_append(1), _append(2)), (_append(3),), (_append(4),)
    found = LogSubject(intact=(ROW,), torn=TORN)
    races.run(found, Workload((), plans), Workload((), plans[:2]), schedules=80)


@points(1, suite="concurrency", hint="log-threads")
def test_close_waits_for_an_append_under_way(races):
    """If a thread closes while others append, just the appends that returned are logged."""
    closing = (("close", ()),)
    for sync in ("always", "never"):
        races.run(LogSubject(sync), Workload((), ((_append(1),), closing)), schedules=120)
        two = ((_append(1), _append(2)), (_append(3),), (("sync", ()), *closing))
        races.run(LogSubject(sync), Workload((), two), schedules=40)
