"""Visible tests of snapshots among writers: small programs, each run under many schedules.

A schedule decides after each access to shared data which thread goes on. In the end the store is
closed and opened again, from its snapshot and its log. `nox -s race -- 5` draws other programs for
as long as you like.
"""

from grader.testkit import StoreSubject, points

STORE = StoreSubject()


@points(2, suite="concurrency", hint="consistent-cut")
def test_a_snapshot_among_writes_loses_none(races):
    """What threads write while a snapshot is taken is there after reopening."""
    for write in ("set", "incr", "apply_batch", "delete"):
        wanted = {"programs": 1, "schedules": 20, "keys": ("x",), "partners": ["set", "incr"]}
        races.explore(STORE, aim=["snapshot", write], **wanted)
