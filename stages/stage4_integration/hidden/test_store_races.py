"""Hidden tests of store.py: what a few threads do to one store at once, under many schedules.

Each schedule ends by closing the store and opening it again. What is wrong is whatever no order of
the calls explains, and a log that amounts to something else than memory held.
"""

from grader.testkit import FolderSubject, StoreSubject, Workload, points

STORE = StoreSubject()
ONE_KEY = ("x",)
WRITES = ("set", "delete", "setnx", "incr", "expire_at", "persist")
SCHEDULES = 25
FAR_NS = 4_000_000_000_000_000_000  # a deadline that nobody lives to see
THERE = "apply_batch", ((("delete", "here"), ("set", "there", b"1")),)
BACK = "apply_batch", ((("set", "here", b"1"), ("delete", "there")),)


def _both(value):
    return "apply_batch", ((("set", "left", value), ("set", "right", value)),)


CHANGES = _both(b"1"), _both(b"2")


@points(3, suite="concurrency", hint="writers-take-turns")
def test_the_log_is_in_the_order_of_memory(races):
    """Where threads write the same key, what is last in the log is what memory ends with."""
    for write in ("set", "delete", "expire_at"):
        wanted = {"programs": 2, "schedules": SCHEDULES, "keys": ONE_KEY}
        races.explore(STORE, aim=[write, "set"], partners=WRITES, **wanted)


@points(2, suite="concurrency", hint="writers-take-turns")
def test_looking_and_writing_are_one_step(races):
    """Of threads that setnx, delete or count up the same key, each sees what the other left."""
    for write in ("setnx", "delete", "incr", "persist"):
        wanted = {"programs": 2, "schedules": SCHEDULES, "keys": ONE_KEY}
        races.explore(STORE, aim=[write, write], partners=["set", "delete"], **wanted)


@points(3, suite="concurrency", hint="half-a-batch")
def test_looking_around_sees_whole_batches(races):
    """keys, len and dump see all of a batch or nothing."""
    for look in (("keys", ("*",)), ("__len__", ())):
        before = (("set", ("here", b"1")),)
        races.run(STORE, Workload(before, ((THERE, BACK), (look, look))), schedules=120)
    dump = ("dump", ())
    races.run(STORE, Workload((_both(b"0"),), (CHANGES, (dump, dump))), schedules=120)


@points(2, suite="concurrency", hint="half-a-batch")
def test_single_reads_see_whole_batches(races):
    """Who has read one key of a batch finds the batch's other keys as well."""
    for keys in (("left", "right", "left"), ("right", "left")):
        reads = tuple(("get", (key,)) for key in keys)
        races.run(STORE, Workload((_both(b"0"),), (CHANGES, reads)), schedules=120)


@points(1, suite="concurrency", hint="half-a-batch")
def test_a_purge_may_meet_a_batch(races):
    """A batch and a purge at the same time do not wait for each other."""
    plans = (_both(b"1"),), (("purge_expired", ()),)
    races.run(STORE, Workload((), plans), schedules=60)


@points(1, suite="concurrency", hint="writers-take-turns")
def test_deadlines_fit_what_was_there(races):
    """What expire and ttl answer fits the key that they met, be it set or deleted meanwhile."""
    mortal = ("set", ("x", b"1")), ("expire_at", ("x", FAR_NS))
    looks = Workload(mortal, ((("ttl", ("x",)),), (("delete", ("x",)),)))
    sets = Workload((), ((("expire", ("x", 100)),), (("set", ("x", b"1")),)))
    races.run(STORE, looks, sets, schedules=120)


@points(2, suite="concurrency", hint="half-a-batch")
def test_an_increment_never_shows_a_key_without_its_deadline(races):
    """While incr runs on a key with a deadline, nobody finds the key without one."""
    before = ("set", ("n", b"0")), ("expire_at", ("n", FAR_NS))
    for look in ("deadline", "ttl"):
        plans = (("incr", ("n", 1)),) * 2, ((look, ("n",)),) * 4
        races.run(STORE, Workload(before, plans), schedules=160)


@points(3, suite="concurrency", hint="close-the-store")
def test_a_close_among_writes_loses_none(races):
    """A write that races with close is kept, or refused with `StoreClosedError`."""
    for write in ("set", "incr", "apply_batch"):
        wanted = {"programs": 2, "schedules": SCHEDULES, "partners": ["set", "get"]}
        races.explore(STORE, aim=["close", write], **wanted)


@points(1, suite="concurrency", hint="close-the-store")
def test_many_threads_may_close(races):
    """Threads that close a store at once all succeed, and the folder is free."""
    closes = (("close", ()),), (("set", ("x", b"1")), ("close", ())), (("close", ()),)
    races.run(STORE, Workload((), closes), schedules=60)


@points(1, suite="concurrency", hint="close-the-store")
def test_a_close_waits_for_no_sync_in_the_background(races):
    """The thread that syncs an idle log and a close do not wait for each other."""
    store = StoreSubject(options=(("sync", "interval"), ("sync_interval", 1.0)))
    pause, write = ("pause", (1.0,)), ("set", ("x", b"1"))
    plans = (write, pause, write), (pause, ("close", ()))
    races.run(store, Workload((), plans), schedules=60)


@points(2, suite="concurrency", hint="one-store-a-folder")
def test_one_of_many_openers_wins(races):
    """Of threads that open one folder at once, one gets it, the others `StoreLockedError`."""
    races.run(FolderSubject(), Workload((), ((("open", ()),),) * 3), schedules=60)


@points(2, suite="concurrency", hint="writers-take-turns")
def test_any_mix_of_calls(races):
    """Whatever three threads call, some order explains it, and the log agrees."""
    for write in (*WRITES, "purge_expired", "apply_batch"):
        wanted = {"programs": 1, "schedules": SCHEDULES, "threads": 3}
        races.explore(STORE, aim=[write], partners=[*WRITES, "get", "dump"], **wanted)
