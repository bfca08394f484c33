"""Hidden tests of commands.py: the dispatchers of several clients at once, under many schedules."""

from grader.testkit import DispatcherSubject, points

CLIENTS = DispatcherSubject()
ONE_KEY = ("x",)


@points(3, suite="concurrency", hint="one-call")
def test_a_command_is_one_call_of_the_store(races):
    """INCRBY, SETNX and DEL through several dispatchers are one step each."""
    for write in ("incr", "setnx", "delete"):
        wanted = {"programs": 3, "keys": ONE_KEY, "partners": ["set", "get"], "moves_clock": False}
        races.explore(CLIENTS, aim=[write, write], **wanted)
