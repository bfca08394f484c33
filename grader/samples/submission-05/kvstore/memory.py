import re
import time

from .errors import *
from .rwlock import RWLock


class MemoryStore:
    def __init__(self, clock=time.time):
        self.clock = clock
        self.lock = RWLock()
        self.data = {}
        self.deadlines = {}

    def check(self, key):
        if not isinstance(key, str) or not key or len(key.encode()) > 65536:
            raise InvalidKeyError("invalid key")

    def check_value(self, value):
        if not isinstance(value, bytes) or len(value) > 67108864:
            raise InvalidValueError("invalid value")

    def now(self):
        return int(self.clock() * 1e9)

    def alive(self, key):
        if key not in self.data:
            return False
        return key not in self.deadlines or self.deadlines[key] > self.now()

    def set(self, key, value):
        self.check(key)
        self.check_value(value)
        with self.lock.writing():
            self.data[key] = value
            self.deadlines.pop(key, None)

    def get(self, key):
        self.check(key)
        with self.lock.reading():
            if self.alive(key):
                return self.data[key]

    def delete(self, key):
        self.check(key)
        with self.lock.writing():
            found = self.alive(key)
            self.data.pop(key, None)
            self.deadlines.pop(key, None)
            return found

    def exists(self, key):
        return bool(self.get(key))

    def keys(self, pattern="*"):
        # glob -> regex
        p = re.escape(pattern)
        p = p.replace(r"\*", ".*").replace(r"\?", ".").replace(r"\[", "[").replace(r"\]", "]")
        p = p.replace(r"\-", "-").replace(r"\^", "^")
        with self.lock.reading():
            return [k for k in self.data if self.alive(k) and re.fullmatch(p, k)]

    def __len__(self):
        return len(self.keys())

    def setnx(self, key, value):
        self.check(key)
        self.check_value(value)
        with self.lock.writing():
            if self.alive(key):
                return False
            self.data[key] = value
            self.deadlines.pop(key, None)
            return True

    def incr(self, key, by=1):
        self.check(key)
        with self.lock.writing():
            old = self.data[key] if self.alive(key) else b"0"
            try:
                n = int(old) + by
            except ValueError:
                raise NotAnIntegerError("not an integer")
            if abs(n) > 2**63 - 1:
                raise NotAnIntegerError("too large")
            self.data[key] = b"%d" % n
            return n

    def expire(self, key, seconds):
        return self.expire_at(key, self.now() + int(seconds * 1e9))

    def expire_at(self, key, deadline_ns):
        self.check(key)
        if abs(deadline_ns) >= 2**63:
            raise InvalidTTLError("deadline out of range")
        with self.lock.writing():
            if not self.alive(key):
                return False
            self.deadlines[key] = deadline_ns
            return True

    def ttl(self, key):
        self.check(key)
        with self.lock.reading():
            if not self.alive(key):
                return -2
            if key not in self.deadlines:
                return -1
            return (self.deadlines[key] - self.now()) / 1e9

    def persist(self, key):
        self.check(key)
        with self.lock.writing():
            return self.deadlines.pop(key, None) is not None

    def deadline(self, key):
        with self.lock.reading():
            if self.alive(key):
                return self.deadlines.get(key)

    def purge_expired(self):
        dead = [k for k in list(self.data) if not self.alive(k)]
        for k in dead:
            self.delete(k)
        return len(dead)

    def dump(self):
        with self.lock.reading():
            items = {k: v for k, v in self.data.items() if self.alive(k)}
            return items, {k: d for k, d in self.deadlines.items() if k in items}
