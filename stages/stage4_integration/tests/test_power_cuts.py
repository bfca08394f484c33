"""Tests of store.py: what is left of a store after a power cut."""

from grader.testkit import points, random_key, random_value
from grader.testkit.histories_on_disk import StoreHistory


@points(2, suite="persistence", hint="store-power-cut")
def test_writes_survive_a_power_cut(power, rng):
    """What set and delete returned from is there whatever a power cut leaves."""
    key, other = random_key(rng, 2), random_key(rng, 2)
    history = [("set", (key, random_value(rng, 3))), ("set", (other, b"")), ("delete", (key,))]
    power.explore(StoreHistory(), history)
