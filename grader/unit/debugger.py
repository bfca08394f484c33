"""What `breakpoint()` in the student's code opens: pdb, in the thread that got there, while all
other threads of the schedule stand still.

Looking around does not count as a step of the schedule, so it goes on as it would without a
debugger. What cannot be had while the others stand still, such as a lock that one of them holds, is
refused with an error at the prompt.
"""

from __future__ import annotations

import pdb
import rlcompleter  # noqa: F401  (pdb imports it; by then locks may be a schedule's)
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from grader.agent.race.scheduler import SCHEDULER

_THREADS = "ABCDEFGH"  # as a failure calls them


@contextmanager
def debugger() -> Iterator[None]:
    """Let `breakpoint()` open a prompt that fits schedules, up to the end of the block."""
    before, sys.breakpointhook = sys.breakpointhook, _stop
    try:
        yield
    finally:
        sys.breakpointhook = before


class _Prompt(pdb.Pdb):
    """One stop. Each has its own: of two threads that are stepped through, neither may forget where
    to stop next.
    """

    def __init__(self) -> None:
        super().__init__(nosigint=True, skip=["grader.*"])
        if SCHEDULER.active and SCHEDULER.current.number:
            self.prompt = f"(Pdb {_THREADS[(SCHEDULER.current.number - 1) % 8]}) "

    def interaction(self, *place: Any) -> None:
        """Ask for commands until the code goes on."""
        go_on: Callable[[], None] = SCHEDULER.hold()
        try:
            super().interaction(*place)
        finally:
            go_on()

    def set_quit(self) -> None:
        """End this call with an error, and stop nowhere else: the run is about to end."""
        super().set_quit()
        sys.breakpointhook = _go_on


def _go_on(*_args: object, **_settings: object) -> None:
    """What a `breakpoint()` does when its user has had enough."""


def _stop(*_args: object, **_settings: object) -> None:
    _Prompt().set_trace(sys._getframe(1))
