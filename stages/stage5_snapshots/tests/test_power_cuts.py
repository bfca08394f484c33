"""Tests of snapshot.py: what is left of a store with a snapshot after a power cut."""

from grader.testkit import points, random_key, random_value
from grader.testkit.histories_on_disk import StoreHistory


@points(2, suite="persistence", hint="snapshot-power-cut")
def test_a_snapshot_survives_a_power_cut(power, rng):
    """Neither what a snapshot holds nor what comes after it is lost by a power cut."""
    key, other = random_key(rng, 2), random_key(rng, 2)
    history = [("set", (key, random_value(rng, 3))), ("snapshot", ()), ("set", (other, b"1"))]
    power.explore(StoreHistory(), history, every_byte=False)
