"""Visible tests of threads that share one store: small programs, each run under many schedules.

A schedule decides after each access to shared data which thread goes on. In the end the store is
closed and opened again: what the log amounts to must be what memory held. `nox -s race -- 4` draws
other programs for as long as you like.
"""

from grader.testkit import StoreSubject, points

STORE = StoreSubject()
ONE_KEY = ("n",)
WRITES = ("set", "delete", "setnx", "incr", "expire_at", "persist", "apply_batch")


@points(2, suite="concurrency", hint="writers-take-turns")
def test_no_increment_is_lost(races):
    """Threads that increment one key miss no number, in memory and after reopening."""
    wanted = {"programs": 3, "schedules": 20, "keys": ONE_KEY, "partners": ["incr", "get"]}
    races.explore(STORE, aim=["incr", "incr"], **wanted)


@points(2, suite="concurrency", hint="half-a-batch")
def test_no_reader_sees_half_a_batch(races):
    """While a batch sets or deletes several keys, every dump shows all of it or nothing."""
    wanted = {"programs": 3, "schedules": 20, "partners": ["apply_batch", "dump"]}
    races.explore(STORE, aim=["apply_batch", "dump"], **wanted)


@points(1, suite="concurrency", hint="writers-take-turns")
def test_threads_may_mix_all_writes(races):
    """Whatever two threads write at once, the log and memory agree on it."""
    for name in WRITES:
        wanted = {"programs": 1, "schedules": 20, "partners": [*WRITES, "get"]}
        races.explore(STORE, aim=[name], **wanted)
