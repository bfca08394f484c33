"""Hidden tests of memory.py: what a few threads do at once, under many schedules."""

from grader.testkit import MemorySubject, points

STORE = MemorySubject()


@points(2, suite="concurrency", hint="one-step")
def test_incr_is_one_step(races):
    """No increment is lost, whatever else touches the key at the same time."""
    races.explore(STORE, aim=["incr"])
