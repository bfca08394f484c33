"""A readers-writer lock: many readers at a time, or one writer and nobody else.

Threads enter in the order in which they came. From that one rule follow both promises: a reader
that comes while a writer waits goes behind it, so readers cannot starve a writer; and a writer that
comes later goes behind that reader, so writers cannot starve readers either.

Invariant: there is a writer, or there are readers, or neither; never both.
Not here: timeouts, turning a read into a write, taking the lock twice: the last two deadlock.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .errors import LockError


class RWLock:
    """Many readers or one writer, first come first served. Not re-entrant: twice is an error."""

    def __init__(self) -> None:
        self._changed = threading.Condition()  # protects all that follows
        self._queue: deque[object] = deque()  # one token for each thread that waits, oldest first
        self._readers: set[int] = set()  # idents of the threads that read
        self._writer: int | None = None  # ident of the thread that writes

    def acquire_read(self) -> None:
        """Wait until no writer holds the lock or came earlier, then read.

        Raises `LockError` at once if this thread already holds the lock, in either mode.
        """
        with self._changed:
            self._refuse_second_hold_locked()
            self._wait_for_turn_locked(lambda: self._writer is None)
            self._readers.add(threading.get_ident())

    def release_read(self) -> None:
        """Stop reading. Raises `LockError` if this thread was not reading."""
        with self._changed:
            if threading.get_ident() not in self._readers:
                raise LockError("release_read: this thread does not hold the lock for reading")
            self._readers.remove(threading.get_ident())
            self._changed.notify_all()

    def acquire_write(self) -> None:
        """Wait until nobody holds the lock or came earlier, then write alone.

        Raises `LockError` at once if this thread already holds the lock, in either mode.
        """
        with self._changed:
            self._refuse_second_hold_locked()
            self._wait_for_turn_locked(lambda: self._writer is None and not self._readers)
            self._writer = threading.get_ident()

    def release_write(self) -> None:
        """Stop writing. Raises `LockError` if this thread was not writing."""
        with self._changed:
            if self._writer != threading.get_ident():
                raise LockError("release_write: this thread does not hold the lock for writing")
            self._writer = None
            self._changed.notify_all()

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

    def _refuse_second_hold_locked(self) -> None:
        me = threading.get_ident()
        if self._writer == me or me in self._readers:
            raise LockError("this thread already holds the lock: release it before acquiring again")

    def _wait_for_turn_locked(self, is_free: Callable[[], bool]) -> None:
        token = object()
        self._queue.append(token)
        try:
            self._changed.wait_for(lambda: self._queue[0] is token and is_free())
        finally:
            # Also when Ctrl-C ends the wait: a token left behind would block all who come later.
            self._queue.remove(token)
            self._changed.notify_all()  # the next in the queue may be a reader that can enter too
