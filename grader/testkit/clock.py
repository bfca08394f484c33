"""A clock that stands still until the test moves it."""

from __future__ import annotations

from grader.remote.handle import Handle
from grader.remote.session import Session

START = 1_700_000_000.0


class Clock:
    """Pass it to the package as `clock=clock`; it counts in unix seconds. It lives on when the
    package's process is killed.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._now = START
        self._handle: Handle | None = None
        self._generation = -1

    @property
    def now(self) -> float:
        """The time, in unix seconds."""
        return self._now

    @property
    def now_ns(self) -> int:
        """The time in unix nanoseconds, as the course computes it."""
        return int(self._now * 1e9)

    def advance(self, seconds: float) -> None:
        """Move the time on."""
        self._now += seconds
        self._session.trace.note(f"the clock moves on by {seconds:g} s")
        if self._handle is not None and self._generation == self._session.generation:
            self._session.ask("the clock", "method", self._handle, "move_to", (self._now,), {})

    @property
    def remote_handle(self) -> Handle:
        """The clock in the package's process."""
        if self._handle is None or self._generation != self._session.generation:
            self._handle = self._session.hold("the clock", "tool", "clock", (self._now,))
            self._generation = self._session.generation
            self._handle.name = "clock"
        return self._handle

    def __repr__(self) -> str:
        return "clock"
