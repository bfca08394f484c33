"""Hidden tests of memory.py: what a few threads do at once, under many schedules.

Each test names the operations that it is about; the programs in which they meet others are drawn.
What is wrong is whatever no order of the calls explains, an exception that no call may raise, and
threads that wait for each other for ever.
"""

from grader.testkit import MemorySubject, Workload, dead_key, points

STORE = MemorySubject()
ONE_KEY = ("x",)
FAR_NS = 4_000_000_000_000_000_000  # a deadline that nobody lives to see
WRITES = ("set", "delete", "setnx", "incr", "expire_at", "persist")


@points(2, suite="concurrency", hint="one-step")
def test_incr_loses_no_update(races):
    """Increments of two threads add up."""
    races.explore(STORE, aim=["incr", "incr"], keys=ONE_KEY, partners=["incr", "get"])


@points(2, suite="concurrency", hint="one-step")
def test_incr_and_other_writes_take_turns(races):
    """An increment never puts back what another write has changed or removed."""
    partners = ["set", "delete", "setnx", "expire_at", "persist"]
    races.explore(STORE, aim=["incr"], keys=ONE_KEY, partners=partners)


@points(2, suite="concurrency", hint="one-step")
def test_looking_and_storing_are_one_step(races):
    """Looking whether a key is there and storing it are one step."""
    races.explore(STORE, aim=["setnx"], keys=ONE_KEY, partners=["setnx", "set", "delete"])


@points(1, suite="concurrency", hint="one-step")
def test_looking_and_removing_are_one_step(races):
    """Of two threads that delete a key, one is told that it was there."""
    races.explore(STORE, aim=["delete"], keys=ONE_KEY, partners=["delete", "set", "setnx"])


@points(2, suite="concurrency", hint="one-record")
def test_expire_changes_no_value(races):
    """A deadline that is set while others write never brings an old value back."""
    races.explore(STORE, aim=["expire_at"], keys=ONE_KEY, partners=["set", "delete", "incr"])
    races.explore(STORE, aim=["expire_at", "expire_at"], programs=4, keys=ONE_KEY)


@points(1, suite="concurrency", hint="one-record")
def test_persist_changes_no_value(races):
    """Taking a deadline away never brings an old value back, and only one thread does it."""
    races.explore(STORE, aim=["persist"], keys=ONE_KEY, partners=["persist", "set", "expire_at"])


@points(1, suite="concurrency", hint="one-record")
def test_value_and_deadline_change_together(races):
    """Who reads a key while others write finds a value and a deadline that belong together."""
    partners = ["incr", "expire_at", "set", "persist"]
    races.explore(STORE, aim=["deadline", "dump"], programs=4, keys=ONE_KEY, partners=partners)
    before = ("set", ("x", b"0")), ("expire_at", ("x", FAR_NS))
    counting = ("incr", ("x", 1)), ("incr", ("x", 1))
    looking = ("ttl", ("x",)), ("deadline", ("x",))
    removing = (("delete", ("x",)),)
    programs = (counting, looking), (removing, looking[:1])
    races.run(STORE, *(Workload(before, plans) for plans in programs))


@points(1, suite="concurrency", hint="one-record")
def test_a_key_that_is_overwritten_is_always_there(races):
    """Who reads a key that is only ever overwritten finds the old value or the new one."""
    for write in (("set", ("x", b"new")), ("expire_at", ("x", FAR_NS)), ("incr", ("x", 1))):
        plans = (write, write), (("get", ("x",)), ("exists", ("x",)))
        races.run(STORE, Workload((("set", ("x", b"1")),), plans), schedules=160)


@points(2, suite="concurrency", hint="one-instant")
def test_looking_around_survives_changes(races):
    """keys, len and dump walk through the map while others add and remove keys."""
    for look in ("keys", "__len__", "dump"):
        races.explore(STORE, aim=[look], programs=3, partners=["set", "delete", "setnx"])


@points(2, suite="concurrency", hint="one-instant")
def test_looking_around_shows_one_instant(races):
    """What keys, len and dump show was all there at one instant: a marker that moves from key to
    key is always somewhere.
    """
    before = tuple(("set", (key, b"1")) for key in ("here", "p", "q"))
    moving = ("set", ("there", b"1")), ("delete", ("here",))
    for look in (("keys", ("*",)), ("__len__", ()), ("dump", ())):
        races.run(STORE, Workload(before, (moving, (look,))), schedules=160)
        races.explore(STORE, aim=[look[0]], programs=2, calls=3, partners=["set", "delete"])


@points(2, suite="concurrency", hint="one-step")
def test_a_purge_takes_no_fresh_value(races):
    """A key that is written again while a purge is under way keeps its new value."""
    partners = ["set", "setnx", "incr", "persist"]
    races.explore(STORE, aim=["purge_expired"], programs=4, keys=ONE_KEY, partners=partners)


@points(1, suite="concurrency", hint="one-instant")
def test_a_purge_disturbs_nobody_who_looks(races):
    """Purges beside one another, and beside keys, len and dump, raise nothing and hide nothing."""
    before = (("set", ("y", b"alive")), *dead_key("x"))
    purge = (("purge_expired", ()),)
    for look in (("keys", ("*",)), ("__len__", ()), ("dump", ()), *purge):
        races.run(STORE, Workload(before, (purge, (look,))))


@points(1, suite="concurrency", hint="one-step")
def test_a_dead_key_that_is_looked_at_takes_nothing_along(races):
    """A key that was dead and is set again is not removed by who saw it dead."""
    for reader in ("get", "exists", "ttl"):
        for writer, *value in (("set", b"new"), ("setnx", b"new"), ("incr",)):
            plans = ((reader, ("x",)),), ((writer, ("x", *value)), ("get", ("x",)))
            races.run(STORE, Workload(dead_key("x"), plans), schedules=40)


@points(2, suite="concurrency", hint="two-counts")
def test_no_two_calls_wait_for_each_other(races):
    """Whatever two threads call, both return: no lock is taken twice, none is kept."""
    for write in WRITES:
        races.explore(STORE, aim=[write, "purge_expired"], programs=1)


@points(2, suite="concurrency", hint="one-step")
def test_any_mix_of_calls(races):
    """Three threads with any calls: there is always an order that explains what they returned."""
    for write in WRITES:
        races.explore(STORE, aim=[write], programs=2, threads=3, partners=[*WRITES, "get", "dump"])
