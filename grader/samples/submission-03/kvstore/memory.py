"""In-memory key value map. One big lock around everything, simple and safe."""

import fnmatch
import time
from threading import RLock

from .errors import InvalidKeyError, InvalidTTLError, InvalidValueError, NotAnIntegerError

MAX_KEY = 65536
MAX_VALUE = 64 * 1024 * 1024
I64_MIN = -(2**63)
I64_MAX = 2**63 - 1


def check_key(key):
    if type(key) is not str:
        raise InvalidKeyError("key must be str")
    if len(key) == 0 or len(key) > MAX_KEY:
        raise InvalidKeyError("key has a bad length: %d" % len(key))


def check_value(value):
    if type(value) is not bytes:
        raise InvalidValueError("value must be bytes")
    if len(value) > MAX_VALUE:
        raise InvalidValueError("value too big")


class MemoryStore:
    def __init__(self, clock=time.time):
        self.clock = clock
        self.data = {}        # key -> [value, deadline]
        self.lock = RLock()

    def now(self):
        return int(self.clock() * 1e9)

    def _find(self, key):
        """return the record if the key is alive"""
        check_key(key)
        rec = self.data.get(key)
        if rec is None:
            return None
        if rec[1] is not None and self.now() >= rec[1]:
            del self.data[key]
            return None
        return rec

    def set(self, key, value):
        check_key(key)
        check_value(value)
        with self.lock:
            self.data[key] = [value, None]

    def get(self, key):
        with self.lock:
            rec = self._find(key)
            return rec[0] if rec is not None else None

    def delete(self, key):
        with self.lock:
            rec = self._find(key)
            self.data.pop(key, None)
            return rec is not None

    def exists(self, key):
        with self.lock:
            return self._find(key) is not None

    def keys(self, pattern="*"):
        items, _ = self.dump()
        return [k for k in items if fnmatch.fnmatch(k, pattern)]

    def __len__(self):
        return len(self.data)

    def setnx(self, key, value):
        check_key(key)
        check_value(value)
        # set() has the lock
        if self.exists(key):
            return False
        self.set(key, value)
        return True

    def incr(self, key, by=1):
        check_key(key)
        if type(by) is not int:
            raise NotAnIntegerError("by must be an int")
        with self.lock:
            rec = self._find(key)
            if rec is None:
                old, deadline = 0, None
            else:
                try:
                    old = int(rec[0])
                except ValueError:
                    raise NotAnIntegerError("value is not an integer")
                deadline = rec[1]
            new = old + by
            if not I64_MIN <= new <= I64_MAX:
                raise NotAnIntegerError("overflow")
            self.data[key] = [str(new).encode(), deadline]
            return new

    def expire(self, key, seconds):
        check_key(key)
        try:
            deadline = int((self.clock() + seconds) * 1_000_000_000)
        except ValueError:
            raise InvalidTTLError("bad ttl")
        return self.expire_at(key, deadline)

    def expire_at(self, key, deadline_ns):
        check_key(key)
        if not I64_MIN <= deadline_ns <= I64_MAX:
            raise InvalidTTLError("deadline out of range")
        with self.lock:
            rec = self._find(key)
            if rec is None:
                return False
            if deadline_ns <= self.now():
                del self.data[key]
            else:
                rec[1] = deadline_ns
            return True

    def ttl(self, key):
        with self.lock:
            now = self.now()
            rec = self._find(key)
            if rec is None:
                return -2
            if rec[1] is None:
                return -1
            return (rec[1] - now) / 1e9

    def persist(self, key):
        with self.lock:
            rec = self._find(key)
            if rec is None or rec[1] is None:
                return False
            rec[1] = None
            return True

    def deadline(self, key):
        rec = self._find(key)
        return rec[1] if rec else None

    def purge_expired(self):
        with self.lock:
            now = self.now()
            dead = [k for k, r in self.data.items() if r[1] is not None and now >= r[1]]
            for k in dead:
                del self.data[k]
            return len(dead)

    def dump(self):
        items = {}
        deadlines = {}
        with self.lock:
            now = self.now()
            for k, (value, deadline) in self.data.items():
                if deadline is not None and now >= deadline:
                    continue
                items[k] = value
                if deadline is not None:
                    deadlines[k] = deadline
        return items, deadlines
