"""Readers-writer lock with writer preference."""

import threading
from contextlib import contextmanager

from .errors import LockError


class RWLock:
    """Readers share, a writer is alone, waiting writers go before new readers."""

    def __init__(self) -> None:
        self._cond = threading.Condition()
        self._readers: set[int] = set()
        self._writer: int = 0  # 0 = nobody, thread idents are never 0
        self._writers_waiting = 0

    def _check_not_inside(self) -> int:
        me = threading.get_ident()
        if me in self._readers:
            raise LockError("this thread is already reading")
        if me == self._writer:
            raise LockError("this thread is already writing")
        return me

    def acquire_read(self) -> None:
        """Wait for writers (also waiting ones) and then read."""
        with self._cond:
            me = self._check_not_inside()
            self._cond.wait_for(lambda: not self._writer and not self._writers_waiting)
            self._readers.add(me)

    def release_read(self) -> None:
        """Stop reading."""
        with self._cond:
            me = threading.get_ident()
            if me not in self._readers:
                raise LockError("this thread is not reading")
            self._readers.discard(me)
            self._cond.notify_all()

    def acquire_write(self) -> None:
        """Wait until nobody is inside, then write."""
        with self._cond:
            me = self._check_not_inside()
            self._writers_waiting += 1
            try:
                self._cond.wait_for(lambda: not self._writer and not self._readers)
            finally:
                self._writers_waiting -= 1
            self._writer = me

    def release_write(self) -> None:
        """Stop writing."""
        with self._cond:
            if threading.get_ident() != self._writer:
                raise LockError("this thread is not writing")
            self._writer = 0
            self._cond.notify_all()

    @contextmanager
    def reading(self):
        """with lock.reading(): ..."""
        self.acquire_read()
        try:
            yield
        finally:
            self.release_read()

    @contextmanager
    def writing(self):
        """with lock.writing(): ..."""
        self.acquire_write()
        try:
            yield
        finally:
            self.release_write()
