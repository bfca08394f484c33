"""A readers-writer lock of semaphores alone: no condition, no loop that waits.

Source: Courtois, Heymans and Parnas, "Concurrent Control with Readers and Writers", CACM 1971, the
second problem (writers first). `_resource` belongs to one writer or to all readers together: the
first reader in takes it and the last one out returns it. `_entrance` lets readers begin; the first
writer that waits shuts it, and the last one that leaves opens it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import LockError


class RWLock:
    """Many readers or one writer. Not re-entrant."""

    def __init__(self) -> None:
        self._resource = threading.Semaphore()
        self._entrance = threading.Semaphore()
        self._queue_of_readers = threading.Lock()  # so that one reader at most is at the entrance
        self._count_lock = threading.Lock()  # protects the number of readers
        self._readers = 0
        self._writer_count_lock = threading.Lock()  # protects the number of writers, also waiting
        self._writers = 0
        self._mine = threading.local()  # what the thread that asks is doing here

    def acquire_read(self) -> None:
        self._refuse_unless("outside")
        with self._queue_of_readers, self._entrance, self._count_lock:
            self._readers += 1
            if self._readers == 1:
                self._resource.acquire()
        self._mine.state = "reading"

    def release_read(self) -> None:
        self._refuse_unless("reading")
        with self._count_lock:
            self._readers -= 1
            if self._readers == 0:
                self._resource.release()
        self._mine.state = "outside"

    def acquire_write(self) -> None:
        self._refuse_unless("outside")
        with self._writer_count_lock:
            self._writers += 1
            if self._writers == 1:
                self._entrance.acquire()
        self._resource.acquire()
        self._mine.state = "writing"

    def release_write(self) -> None:
        self._refuse_unless("writing")
        self._resource.release()
        with self._writer_count_lock:
            self._writers -= 1
            if self._writers == 0:
                self._entrance.release()
        self._mine.state = "outside"

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

    def _refuse_unless(self, wanted: str) -> None:
        state = getattr(self._mine, "state", "outside")
        if state != wanted:
            raise LockError(f"this thread is {state}, and would have to be {wanted}")
