import threading
from contextlib import contextmanager

from .errors import LockError


class RWLock:
    def __init__(self):
        self.cond = threading.Condition()
        self.readers = 0
        self.writer = None
        self.waiting = 0

    def acquire_read(self):
        with self.cond:
            if self.writer == threading.get_ident():
                raise LockError("you are writing")
            while self.writer or self.waiting:
                self.cond.wait()
            self.readers += 1

    def release_read(self):
        with self.cond:
            if self.readers == 0:
                raise LockError("nobody reads")
            self.readers -= 1
            self.cond.notify_all()

    def acquire_write(self):
        with self.cond:
            if self.writer == threading.get_ident():
                raise LockError("you are writing already")
            self.waiting += 1
            while self.writer or self.readers:
                self.cond.wait()
            self.waiting -= 1
            self.writer = threading.get_ident()

    def release_write(self):
        with self.cond:
            if self.writer is None:
                raise LockError("nobody writes")
            self.writer = None
            self.cond.notify_all()

    @contextmanager
    def reading(self):
        try:
            self.acquire_read()
            yield
        finally:
            self.release_read()

    @contextmanager
    def writing(self):
        try:
            self.acquire_write()
            yield
        finally:
            self.release_write()
