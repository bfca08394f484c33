"""Tests of wal.py: what is left of a log after a power cut."""

from grader.testkit import points, random_key, random_value
from grader.testkit.formats import SET
from grader.testkit.histories_on_disk import LogHistory


@points(2, suite="persistence", hint="power-cut")
def test_frames_survive_a_power_cut(power, rng):
    """With "always", a frame that append returned from is there whatever a power cut leaves."""
    rows = [(SET, number, random_key(rng, 2), random_value(rng, 3)) for number in (1, 2)]
    power.explore(LogHistory(), [("append", (row,)) for row in rows])
