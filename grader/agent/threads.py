"""Threads that a test steers: each actor makes one call at a time, and can be asked whether it is
stuck.

"Stuck" is seen, not timed: a thread is taken for waiting when its innermost frame stands still, the
operating system says that it sleeps, and it uses no processor time, over several looks. Where the
system does not tell (macOS, Windows), more looks are taken. A thread that polls never stands still;
after a second without a result it counts as waiting too.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

_LOOK_SECONDS = 0.002
_LOOKS = 8
_LOOKS_UNTOLD = 50
_POLLING_SECONDS = 1.0


class Actor:
    """One thread of the agent, which makes the calls that a test gives it."""

    def __init__(self, name: str) -> None:
        self._wanted = threading.Semaphore(0)
        self._call: tuple[Any, str, tuple[Any, ...]] | None = None
        self._done = threading.Event()
        self._result: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def begin(self, owner: Any, method: str, args: tuple[Any, ...]) -> None:
        """Start `owner.method(*args)` in this actor's thread and return at once."""
        self._call = (owner, method, args)
        self._done.clear()
        self._wanted.release()

    def settle(self) -> bool:
        """Return True once the call has returned, False once its thread can only be waiting for
        another one.
        """
        seen, quiet, started = None, 0, time.monotonic()
        while not self._done.wait(_LOOK_SECONDS):
            place, told = self._place()
            quiet = quiet + 1 if place is not None and place == seen else 0
            seen = place
            if quiet >= (_LOOKS if told else _LOOKS_UNTOLD):
                return False
            if time.monotonic() - started > _POLLING_SECONDS:
                return False
        return True

    def finish(self) -> Any:
        """Wait for the call to return, and return or raise what it did."""
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._result

    def _work(self) -> None:
        while True:
            self._wanted.acquire()
            assert self._call is not None
            owner, method, args = self._call
            self._result = self._error = None
            try:
                self._result = getattr(owner, method)(*args)
            except BaseException as error:
                self._error = error
            self._done.set()

    def _place(self) -> tuple[Any, bool]:
        """Where the thread stands (None while it runs), and whether the system told us that it
        sleeps.
        """
        frame = sys._current_frames().get(self._thread.ident or 0)
        if frame is None:
            return None, False
        place = (id(frame), frame.f_lasti)
        try:
            with open(f"/proc/self/task/{self._thread.native_id}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            return place, False
        if fields[0] != "S":
            return None, True
        return (*place, fields[11], fields[12]), True
