"""A readers-writer lock in which waiting writers go first.

One mutex with two conditions: readers and writers wait in different places, so that whoever
leaves can wake exactly those who may go on, and nobody wakes up in vain.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, Lock, get_ident

from .errors import LockError


class RWLock:
    """Many readers or one writer. A thread that holds it cannot acquire it again."""

    def __init__(self) -> None:
        self._mutex = Lock()  # protects the three fields below
        self._readers: set[int] = set()
        self._writer: int | None = None
        self._writers_waiting = 0
        self._may_read = Condition(self._mutex)
        self._may_write = Condition(self._mutex)

    def acquire_read(self) -> None:
        """Wait behind all writers, then read; `LockError` if already inside."""
        with self._mutex:
            self._refuse_holder_locked()
            while self._writer is not None or self._writers_waiting:
                self._may_read.wait()
            self._readers.add(get_ident())

    def release_read(self) -> None:
        """Stop reading; `LockError` if this thread does not read."""
        with self._mutex:
            if get_ident() not in self._readers:
                raise LockError("release_read: this thread does not hold the lock for reading")
            self._readers.remove(get_ident())
            if not self._readers:
                self._wake_next_locked()

    def acquire_write(self) -> None:
        """Wait until nobody is inside, then write; `LockError` if already inside."""
        with self._mutex:
            self._refuse_holder_locked()
            self._writers_waiting += 1
            try:
                while self._writer is not None or self._readers:
                    self._may_write.wait()
            finally:
                self._writers_waiting -= 1
            self._writer = get_ident()

    def release_write(self) -> None:
        """Stop writing; `LockError` if this thread does not write."""
        with self._mutex:
            if self._writer != get_ident():
                raise LockError("release_write: this thread does not hold the lock for writing")
            self._writer = None
            self._wake_next_locked()

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

    def _wake_next_locked(self) -> None:
        if self._writers_waiting:
            self._may_write.notify()
        else:
            self._may_read.notify()
