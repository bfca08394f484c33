"""A durable store behind one lock: every operation holds it from end to end, reads included.

So there is one order of all operations, and whatever is true for one thread is true for many. A
snapshot holds up everybody while its file is written: simple, and correct. A design says which
engine does the work.
"""

from __future__ import annotations

import contextlib
import threading
import time

from .engine import Engine
from .errors import KVStoreError


def _read(name):
    def read(self, *args, **kwargs):
        with self._lock:
            return self._engine.read(name, *args, **kwargs)

    return read


def _write(name):
    def write(self, key, *args):
        with self._lock:
            return self._engine.write((name, key, *args))[0]

    return write


class LockedStore:
    """A durable map of `str` keys to `bytes` values, for many threads."""

    engine = Engine

    @classmethod
    def open(
        cls,
        data_dir,
        *,
        sync="always",
        sync_interval=1.0,
        snapshot_interval=None,
        clock=time.time,
    ):
        store = cls(cls.engine(data_dir, sync, sync_interval, clock))
        if sync == "interval":
            store._every(sync_interval, store._engine.sync)
        if snapshot_interval is not None:
            store._every(snapshot_interval, store._engine.snapshot_if_changed)
        return store

    def __init__(self, engine):
        self._engine = engine
        self._lock = threading.Lock()  # protects the engine
        self._closing = threading.Event()
        self._threads = []

    @property
    def recovery(self):
        return self._engine.recovery

    get, exists, keys, __len__ = _read("get"), _read("exists"), _read("keys"), _read("__len__")
    ttl, deadline, dump = _read("ttl"), _read("deadline"), _read("dump")
    purge_expired = _read("purge_expired")
    set, delete, setnx = _write("set"), _write("delete"), _write("setnx")
    expire, expire_at, persist = _write("expire"), _write("expire_at"), _write("persist")

    def incr(self, key, by=1):
        with self._lock:
            return self._engine.write(("incr", key, by))[0]

    def apply_batch(self, operations):
        batch = list(operations)
        with self._lock:
            self._engine.batch(batch)

    def snapshot(self):
        with self._lock:
            self._engine.snapshot()

    def close(self):
        self._closing.set()
        for thread in self._threads:
            thread.join()
        with self._lock:
            self._engine.close()

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.close()

    def _every(self, seconds, work):
        def loop():
            while not self._closing.wait(seconds):
                # A log that failed says so to the next writer; a snapshot is tried again.
                with self._lock, contextlib.suppress(OSError, KVStoreError):
                    work()

        thread = threading.Thread(target=loop, daemon=True)
        self._threads.append(thread)
        thread.start()
