"""Visible tests of threads: small programs of calls, each run under many schedules.

A schedule decides after each access to shared data which thread goes on. A program fails when no
order of its calls explains what they returned, or when nobody can go on. `nox -s race -- 1` draws
other programs for as long as you like.
"""

from grader.testkit import LockSubject, MemorySubject, Workload, points

STORE = MemorySubject()
LOCK = LockSubject()
ONE_KEY = ("x",)
READS = ("get", "exists", "ttl", "deadline", "keys", "__len__", "dump")
WRITES = ("set", "delete", "setnx", "incr", "expire", "expire_at", "persist", "purge_expired")


@points(2, suite="concurrency", hint="one-step")
def test_no_increment_is_lost(races):
    """When threads call incr at once, every increment counts."""
    races.explore(STORE, aim=["incr", "incr"], keys=ONE_KEY, programs=3, partners=["incr", "get"])


@points(1, suite="concurrency", hint="one-step")
def test_setnx_has_one_winner(races):
    """When threads want the same absent key, one gets it."""
    partners = ["setnx", "get", "delete"]
    races.explore(STORE, aim=["setnx", "setnx"], keys=ONE_KEY, programs=3, partners=partners)


@points(1, suite="concurrency", hint="one-step")
def test_threads_may_mix_all_calls(races):
    """Whatever two threads call at once, some order of the calls explains what they returned."""
    for name in (*READS, *WRITES):
        wanted = {"programs": 1, "schedules": 20, "partners": [*WRITES, *READS]}
        races.explore(STORE, aim=[name], **wanted)


@points(1, suite="concurrency", hint="wake-up")
def test_readers_and_writers_come_and_go(races):
    """However readers and writers come, a writer is alone, and everybody gets in and out."""
    read = ("acquire_read", ()), ("pause", (1.0,)), ("release_read", ())
    write = ("acquire_write", ()), ("pause", (1.0,)), ("release_write", ())
    crowds = (write, read), (write, write), (read, write, read), (write, read, write)
    races.run(LOCK, *(Workload((), plans) for plans in crowds), schedules=40)
