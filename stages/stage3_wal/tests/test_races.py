"""Visible tests of threads that share one log: small programs, each run under many schedules.

A schedule decides after each access to shared data which thread goes on; in the end the file is
read. `nox -s race -- 3` tries more schedules for as long as you like.
"""

from grader.testkit import LogSubject, Workload, formats, points

ROW = (formats.SET, 1, "whole", b"frame")


def _append(*rows):
    return "append", rows


@points(2, suite="concurrency", hint="log-threads")
def test_threads_that_append_at_once_tear_no_frame(races):
    """When threads append at once, every frame is in the file, whole and once."""
    two = (_append(1), _append(2, 3)), (_append(4, 5), _append(6))
    races.run(LogSubject("never"), Workload((), two), schedules=60)
    three = (_append(1),), (_append(2),), (_append(3, 4),)
    races.run(LogSubject("always"), Workload((), three), schedules=60)


@points(1, suite="concurrency", hint="log-threads")
def test_a_log_with_frames_takes_more_from_all_threads(races):
    """Threads that append to a log from an earlier session leave its frames as they are."""
    plans = (_append(1), ("sync", ())), (_append(2),)
    found = LogSubject("interval", intact=(ROW,))
    races.run(found, Workload((), plans), schedules=60)
