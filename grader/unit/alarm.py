"""A deadline for whatever this process does, for what no pipe's deadline covers."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from grader.remote.failures import CallTimeout


@contextmanager
def alarm(seconds: float, sentence: str) -> Iterator[None]:
    """Raise `CallTimeout` with `sentence` in the block when it takes longer than `seconds`.

    Needs SIGALRM and the main thread; elsewhere (Windows) the block has no such deadline.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() != threading.main_thread():
        yield
        return

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise CallTimeout(sentence)

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
