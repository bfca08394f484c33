"""A thread-safe map with deadlines."""

import fnmatch
import time

from .rwlock import RWLock


class MemoryStore:
    """Keys, values and deadlines in memory."""

    def __init__(self, clock=time.time):
        self._clock = clock
        self._lock = RWLock()
        self._data = {}
        self._deadlines = {}

    def _alive(self, key):
        deadline = self._deadlines.get(key)
        return key in self._data and (deadline is None or int(self._clock() * 1e9) < deadline)

    def set(self, key, value):
        with self._lock.writing():
            self._data[key] = value
            self._deadlines.pop(key, None)

    def get(self, key):
        with self._lock.reading():
            return self._data[key] if self._alive(key) else None

    def delete(self, key):
        with self._lock.writing():
            alive = self._alive(key)
            self._data.pop(key, None)
            self._deadlines.pop(key, None)
            return alive

    def exists(self, key):
        with self._lock.reading():
            return self._alive(key)

    def keys(self, pattern="*"):
        with self._lock.reading():
            return [key for key in self._data if self._alive(key) and fnmatch.fnmatch(key, pattern)]

    def __len__(self):
        return len(self.keys())
