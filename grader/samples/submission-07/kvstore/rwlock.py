"""A readers-writer lock. The writer waits for itself."""

import threading
from contextlib import contextmanager


class RWLock:
    """Many readers or one writer."""

    def __init__(self):
        self._mutex = threading.Lock()
        self._readers = 0
        self._writer = threading.Lock()

    def acquire_read(self):
        with self._mutex:
            self._readers += 1
            if self._readers == 1:
                self._writer.acquire()

    def release_read(self):
        with self._mutex:
            self._readers -= 1
            if self._readers == 0:
                self._writer.release()

    def acquire_write(self):
        self._mutex.acquire()
        with self._mutex:
            self._writer.acquire()

    def release_write(self):
        self._writer.release()

    @contextmanager
    def reading(self):
        self.acquire_read()
        try:
            yield
        finally:
            self.release_read()

    @contextmanager
    def writing(self):
        self.acquire_write()
        try:
            yield
        finally:
            self.release_write()
