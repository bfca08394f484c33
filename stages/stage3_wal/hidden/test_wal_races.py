"""Hidden tests of wal.py: threads that append to one log, under many schedules."""

from grader.testkit import FailingLogSubject, LogSubject, Workload, formats, points

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
    """If threads close while others append, just the appends that returned are logged."""
    append, close = _append(1), ("close", ())
    for sync in ("always", "never"):
        programs = ((append,), (close,)), ((append, close), (close,))
        races.run(LogSubject(sync), *(Workload((), plans) for plans in programs), schedules=100)
        three = ((append, _append(2)), (_append(3),), (("sync", ()), close))
        races.run(LogSubject(sync), Workload((), three), schedules=40)


@points(2, suite="concurrency", hint="sync-policy")
def test_nothing_is_taken_for_synced_that_is_not(races):
    """What is written while another thread's fsync is under way is synced later."""
    one, two, sync = _append(1), _append(2), ("sync", ())
    programs = ((one,), (two,)), ((one, two), (sync,)), ((one, two), (sync, ("close", ())))
    for policy in ("always", "never"):
        races.run(LogSubject(policy), *(Workload((), plans) for plans in programs), schedules=80)


@points(1, suite="concurrency", hint="failed-fsync")
def test_nobody_appends_behind_a_failed_fsync(races):
    """A thread that waited while another one's fsync failed is refused as well."""
    plans = (_append(1),), (_append(2), _append(3))
    races.run(FailingLogSubject(), Workload((), plans), schedules=60)


@points(1, suite="concurrency", hint="log-replay")
def test_a_replay_cuts_off_no_new_frame(races):
    """A frame that is appended while a replay reaches the torn tail is not cut off with it."""
    replay = ("replay", ()), ("next", ()), ("next", ())
    found = LogSubject(intact=(ROW,), torn=TORN)
    races.run(found, Workload((), ((_append(1),), replay)), schedules=100)
