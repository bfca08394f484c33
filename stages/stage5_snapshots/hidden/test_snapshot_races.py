"""Hidden tests of snapshots among writers, under many schedules.

Each schedule ends by closing the store and opening it again, from its snapshot and its log.
"""

from grader.testkit import (
    IdleSubject,
    LeftSubject,
    SnapshotSubject,
    StoreSubject,
    Workload,
    points,
)

STORE = StoreSubject()
OFTEN = StoreSubject(options=(("snapshot_interval", 0.5),))
SCHEDULES = 20


def _both(value):
    return "apply_batch", ((("set", "left", value), ("set", "right", value)),)


@points(3, suite="concurrency", hint="consistent-cut")
def test_a_snapshot_never_holds_half_a_batch(races):
    """A snapshot shows one instant: of a batch that another thread applies, it has all or none."""
    plans = (_both(b"1"), _both(b"2")), (("snapshot", ()),)
    races.run(SnapshotSubject(), Workload((_both(b"0"),), plans), schedules=200)


@points(3, suite="concurrency", hint="consistent-cut")
def test_no_write_falls_between_the_snapshot_and_the_log(races):
    """What threads write during a snapshot is in the snapshot or in the segment after it."""
    for write in ("set", "delete", "incr", "expire_at"):
        wanted = {"programs": 2, "schedules": SCHEDULES, "keys": ("x",)}
        races.explore(STORE, aim=["snapshot", write], partners=["set"], **wanted)


@points(2, suite="concurrency", hint="consistent-cut")
def test_threads_may_take_snapshots_at_once(races):
    """Snapshots that are taken at the same time, and beside a write, lose nothing."""
    snapshot, write = ("snapshot", ()), ("set", ("x", b"new"))
    before = ("set", ("x", b"old")), ("set", ("y", b"1"))
    programs = ((snapshot,), (snapshot,)), ((snapshot, write), (snapshot,), (write, snapshot))
    races.run(STORE, *(Workload(before, plans) for plans in programs), schedules=40)


@points(1, suite="concurrency", hint="consistent-cut")
def test_a_snapshot_may_meet_a_close(races):
    """A snapshot that races with close is taken, or refused; nothing is lost."""
    for partner in ("set", "apply_batch"):
        wanted = {"programs": 2, "schedules": SCHEDULES, "partners": [partner]}
        races.explore(STORE, aim=["snapshot", "close"], **wanted)


@points(2, suite="concurrency", hint="snapshot-interval")
def test_snapshots_by_themselves_lose_no_write(races):
    """While a snapshot_interval takes one snapshot after the other, every write is kept."""
    pause = ("pause", (0.5,))
    plans = (
        (("set", ("x", b"1")), pause, ("set", ("x", b"2"))),
        (pause, ("incr", ("n", 1)), pause, ("set", ("y", b"3"))),
    )
    races.run(OFTEN, Workload((), plans), schedules=80)


@points(1, suite="concurrency", hint="snapshot-interval")
def test_what_is_written_during_a_snapshot_is_in_the_next(races):
    """A write during a snapshot is a change since that snapshot, so another one follows."""
    idle = IdleSubject(options=(("snapshot_interval", 0.5),))
    pause = ("pause", (0.5,))
    writes = [("set", (key, b"1")) for key in "xyz"]
    plans = (writes[0], pause, writes[1]), (pause, writes[2])
    races.run(idle, Workload((), plans), schedules=60)


@points(1, suite="concurrency", hint="consistent-cut")
def test_close_waits_for_a_snapshot_under_way(races):
    """Once close has returned, nothing in the folder changes any more."""
    plans = (("snapshot", ()),), (("close", ()),)
    races.run(LeftSubject(), Workload((("set", ("x", b"0")),), plans), schedules=60)
