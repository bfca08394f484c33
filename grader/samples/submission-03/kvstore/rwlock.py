import threading
from contextlib import contextmanager

from .errors import LockError


class RWLock:
    def __init__(self):
        self.cond = threading.Condition()
        self.readers = []        # idents of threads which read
        self.writer = None
        self.waiting_writers = 0

    def _check(self):
        me = threading.get_ident()
        if self.writer == me or me in self.readers:
            raise LockError("already locked by this thread")

    def acquire_read(self):
        with self.cond:
            if self.writer == threading.get_ident():
                raise LockError("already locked by this thread")
            while self.writer is not None or self.waiting_writers > 0:
                self.cond.wait()
            self.readers.append(threading.get_ident())

    def release_read(self):
        with self.cond:
            if threading.get_ident() not in self.readers:
                raise LockError("not reading")
            self.readers.remove(threading.get_ident())
            self.cond.notify_all()

    def acquire_write(self):
        with self.cond:
            self._check()
            self.waiting_writers += 1
            while self.writer is not None or self.readers:
                self.cond.wait()
            self.waiting_writers -= 1
            self.writer = threading.get_ident()

    def release_write(self):
        with self.cond:
            if self.writer is None:
                raise LockError("not writing")
            self.writer = None
            self.cond.notify_all()

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
        yield
        self.release_write()
