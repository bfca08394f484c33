"""Visible tests of clients that send commands at once: small programs, each run under many
schedules.

A schedule decides after each access to shared data which client's thread goes on. `nox -s race --
6` draws other programs for as long as you like.
"""

from grader.testkit import DispatcherSubject, points

CLIENTS = DispatcherSubject()


@points(2, suite="concurrency", hint="one-call")
def test_commands_of_clients_take_turns(races):
    """Of clients that send INCRBY, SETNX or DEL at once, each sees what the others left."""
    partners = ["set", "get", "incr"]
    for write in ("incr", "setnx", "delete", "persist"):
        wanted = {"programs": 1, "keys": ("x",), "partners": partners, "moves_clock": False}
        races.explore(CLIENTS, aim=[write, write], **wanted)
