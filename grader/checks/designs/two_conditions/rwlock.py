"""A readers-writer lock: one mutex, and a waiting room each for readers and for writers.

Writers come first: a reader stays out while anybody writes or waits to write. The rooms wake their
people in such a way that nobody who could enter sleeps on: a leaving writer wakes the next writer,
or else all readers; the last reader to leave wakes a writer.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import LockError


class RWLock:
    """Many readers or one writer. Not re-entrant."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()  # protects everything below
        self._readers_room = threading.Condition(self._mutex)
        self._writers_room = threading.Condition(self._mutex)
        self._reading: list[threading.Thread] = []
        self._writing: threading.Thread | None = None
        self._writers_waiting = 0

    def acquire_read(self) -> None:
        me = threading.current_thread()
        with self._mutex:
            self._refuse_twice(me)
            while self._writing or self._writers_waiting:
                self._readers_room.wait()
            self._reading.append(me)

    def release_read(self) -> None:
        me = threading.current_thread()
        with self._mutex:
            if me not in self._reading:
                raise LockError("this thread does not read")
            self._reading.remove(me)
            if not self._reading:
                self._writers_room.notify()

    def acquire_write(self) -> None:
        me = threading.current_thread()
        with self._mutex:
            self._refuse_twice(me)
            self._writers_waiting += 1
            while self._writing or self._reading:
                self._writers_room.wait()
            self._writers_waiting -= 1
            self._writing = me

    def release_write(self) -> None:
        with self._mutex:
            if self._writing is not threading.current_thread():
                raise LockError("this thread does not write")
            self._writing = None
            if self._writers_waiting:
                self._writers_room.notify()
            else:
                self._readers_room.notify_all()

    @contextmanager
    def reading(self) -> Iterator[None]:
        self.acquire_read()
        try:
            yield
        finally:
            self.release_read()

    @contextmanager
    def writing(self) -> Iterator[None]:
        self.acquire_write()
        try:
            yield
        finally:
            self.release_write()

    def _refuse_twice(self, me: threading.Thread) -> None:
        if me is self._writing or me in self._reading:
            raise LockError("this thread is inside already")
