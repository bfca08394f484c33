"""A durable store that belongs to one thread: the others send it what they want, and wait.

There is no lock: an executor with a single worker is queue, order and turn at once. What is to be
done every so often is sent by timers.
"""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from .engine import Engine, Recovery
from .errors import KVStoreError, StoreClosedError

__all__ = ["Recovery", "Store"]


class Store:
    """A durable map of `str` keys to `bytes` values, for many threads."""

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
        store = cls(Engine(data_dir, sync, sync_interval, clock))
        if sync == "interval":
            store._ask(store._start_timer, sync_interval, store._engine.sync)
        if snapshot_interval is not None:
            save = store._engine.snapshot_if_changed
            store._ask(store._start_timer, snapshot_interval, save)
        return store

    def __init__(self, engine):
        self._engine = engine  # nobody but the worker uses it
        self._worker = ThreadPoolExecutor(max_workers=1)
        self._timers = {}  # the worker's own too
        self.recovery = engine.recovery

    def get(self, key):
        return self._ask(self._engine.read, "get", key)

    def exists(self, key):
        return self._ask(self._engine.read, "exists", key)

    def keys(self, pattern="*"):
        return self._ask(self._engine.read, "keys", pattern)

    def __len__(self):
        return self._ask(self._engine.read, "__len__")

    def ttl(self, key):
        return self._ask(self._engine.read, "ttl", key)

    def deadline(self, key):
        return self._ask(self._engine.read, "deadline", key)

    def dump(self):
        return self._ask(self._engine.read, "dump")

    def purge_expired(self):
        return self._ask(self._engine.read, "purge_expired")

    def set(self, key, value):
        self._ask(self._engine.write, ("set", key, value))

    def delete(self, key):
        return self._ask(self._engine.write, ("delete", key))[0]

    def setnx(self, key, value):
        return self._ask(self._engine.write, ("setnx", key, value))[0]

    def incr(self, key, by=1):
        return self._ask(self._engine.write, ("incr", key, by))[0]

    def expire(self, key, seconds):
        return self._ask(self._engine.write, ("expire", key, seconds))[0]

    def expire_at(self, key, deadline_ns):
        return self._ask(self._engine.write, ("expire_at", key, deadline_ns))[0]

    def persist(self, key):
        return self._ask(self._engine.write, ("persist", key))[0]

    def apply_batch(self, operations):
        self._ask(self._engine.batch, list(operations))

    def snapshot(self):
        self._ask(self._engine.snapshot)

    def close(self):
        try:
            with contextlib.suppress(StoreClosedError):  # then another thread is closing it
                self._ask(self._close)
        finally:
            self._worker.shutdown()

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.close()

    def _ask(self, work, *args):
        try:
            answer = self._worker.submit(work, *args)
        except RuntimeError:
            raise StoreClosedError("this store is closed") from None
        return answer.result()

    def _ring(self, seconds, work):
        with contextlib.suppress(StoreClosedError):
            self._ask(self._work_and_start_again, seconds, work)

    # What the worker does.

    def _close(self):
        for timer in self._timers.values():
            timer.cancel()
        self._engine.close()

    def _start_timer(self, seconds, work):
        timer = threading.Timer(seconds, self._ring, (seconds, work))
        timer.daemon = True
        self._timers[work] = timer
        timer.start()

    def _work_and_start_again(self, seconds, work):
        # A log that failed says so to the next writer; a snapshot is tried again.
        with contextlib.suppress(OSError, KVStoreError):
            work()
        if self._engine.is_open:
            self._start_timer(seconds, work)
