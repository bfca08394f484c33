"""A readers-writer lock that is fair: everybody waits in one queue.

A thread may enter when its ticket is the first of the queue and the lock is free for it, so a
reader that comes while a writer waits stands behind that writer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition, get_ident

from .errors import LockError


class RWLock:
    """Many readers or one writer. A thread that holds it cannot acquire it again."""

    def __init__(self) -> None:
        self._changed = Condition()
        # All three are protected by the condition's lock.
        self._readers: set[int] = set()
        self._writer: int | None = None
        self._queue: deque[object] = deque()

    def acquire_read(self) -> None:
        """Wait behind everybody who came earlier, then read; `LockError` if already inside."""
        with self._changed:
            self._refuse_holder_locked()
            self._wait_in_line_locked(lambda: self._writer is None)
            self._readers.add(get_ident())

    def release_read(self) -> None:
        """Stop reading; `LockError` if this thread does not read."""
        with self._changed:
            if get_ident() not in self._readers:
                raise LockError("release_read: this thread does not hold the lock for reading")
            self._readers.remove(get_ident())
            self._changed.notify()

    def acquire_write(self) -> None:
        """Wait behind everybody who came earlier, then write; `LockError` if already inside."""
        with self._changed:
            self._refuse_holder_locked()
            self._wait_in_line_locked(lambda: self._writer is None and not self._readers)
            self._writer = get_ident()

    def release_write(self) -> None:
        """Stop writing; `LockError` if this thread does not write."""
        with self._changed:
            if self._writer != get_ident():
                raise LockError("release_write: this thread does not hold the lock for writing")
            self._writer = None
            self._changed.notify()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold the lock for reading inside a `with` block."""
        self.acquire_read()
        try:
            yield
        finally:
            self.release_read()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lock for writing inside a `with` block."""
        self.acquire_write()
        try:
            yield
        finally:
            self.release_write()

    def _refuse_holder_locked(self) -> None:
        me = get_ident()
        if me == self._writer or me in self._readers:
            raise LockError("this thread already holds the lock and would wait for itself")

    def _wait_in_line_locked(self, is_free: Callable[[], bool]) -> None:
        ticket = object()
        self._queue.append(ticket)
        try:
            self._changed.wait_for(lambda: self._queue[0] is ticket and is_free())
        finally:
            # Also when the wait was interrupted: a ticket without a thread would block everybody.
            self._queue.remove(ticket)
