"""A clock that stands still until the test moves it, passed to the code under test as `clock=`."""

from __future__ import annotations


class ManualClock:
    """Call it for the time in seconds, as `time.time` is called."""

    def __init__(self, now: float) -> None:
        self._now = now

    def __call__(self) -> float:
        """The time, in seconds."""
        return self._now

    def move_to(self, now: float) -> None:
        """Set the time, in seconds."""
        self._now = now
