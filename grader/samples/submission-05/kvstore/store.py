import fcntl
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from .entry import Entry, Op
from .errors import *
from .memory import MemoryStore
from .snapshot import latest_snapshot, load_snapshot, snapshot_path, write_snapshot
from .wal import WAL, list_segments, segment_path


@dataclass(frozen=True)
class Recovery:
    snapshot_number: int | None = None
    segments_replayed: int = 0
    frames_replayed: int = 0
    bytes_cut: int = 0
    cut_path: str | None = None
    cut_offset: int | None = None


class Store:
    last_snapshot_error = None

    @classmethod
    def open(cls, data_dir, *, sync="always", sync_interval=1.0, snapshot_interval=None, clock=time.time):
        store = cls()
        store.dir = Path(data_dir)
        os.makedirs(data_dir, exist_ok=True)
        store.lockfile = open(store.dir / "LOCK", "w")
        try:
            fcntl.flock(store.lockfile, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreLockedError("%s is in use" % data_dir)
        for p in store.dir.glob("*.tmp"):
            p.unlink()
        store.sync_mode = sync
        store.sync_interval = sync_interval
        store.clock = clock
        store.memory = MemoryStore(clock)
        store.lock = threading.Lock()
        store.closed = False
        store.changed = False
        store.stopping = threading.Event()
        store.recover()
        store.wal = WAL(segment_path(store.dir, store.number), sync, interval=sync_interval)
        store.threads = []
        if sync == "interval":
            store.threads.append(threading.Thread(target=store.sync_loop, daemon=True))
        if snapshot_interval:
            store.threads.append(
                threading.Thread(target=store.snapshot_loop, args=(snapshot_interval,), daemon=True)
            )
        for t in store.threads:
            t.start()
        return store

    def recover(self):
        first, snap = 1, None
        latest = latest_snapshot(self.dir)
        if latest:
            first, path = latest
            snap = first
            items, deadlines = load_snapshot(path)
            for k in items:
                self.memory.set(k, items[k])
            for k in deadlines:
                self.memory.expire_at(k, deadlines[k])
        segments = [s for s in list_segments(self.dir) if s[0] >= first]
        frames = cut = 0
        cut_path = cut_offset = None
        self.number = first
        for i, (number, path) in enumerate(segments):
            with WAL(path) as wal:
                for entries in wal.replay(is_last=i == len(segments) - 1):
                    frames += 1
                    for e in entries:
                        self.apply(e)
                if wal.bytes_cut:
                    cut, cut_path, cut_offset = wal.bytes_cut, str(path), wal.cut_offset
            self.number = number + 1
        self.recovery = Recovery(snap, len(segments), frames, cut, cut_path, cut_offset)

    def apply(self, e):
        if e.op == Op.SET:
            self.memory.set(e.key, e.value)
        elif e.op == Op.DELETE:
            self.memory.delete(e.key)
        elif e.value:
            self.memory.expire_at(e.key, int.from_bytes(e.value, "big"))
        else:
            self.memory.persist(e.key)

    def log(self, *entries):
        self.wal.append(*entries)
        self.changed = True
        for e in entries:
            self.apply(e)

    def entry(self, op, key, value=b""):
        return Entry(op, int(self.clock() * 1e9), key, value)

    def check(self):
        if self.closed:
            raise StoreClosedError("closed")

    def get(self, key):
        self.check()
        with self.lock:
            return self.memory.get(key)

    def exists(self, key):
        self.check()
        with self.lock:
            return self.memory.exists(key)

    def keys(self, pattern="*"):
        self.check()
        with self.lock:
            return self.memory.keys(pattern)

    def __len__(self):
        self.check()
        with self.lock:
            return len(self.memory)

    def ttl(self, key):
        self.check()
        with self.lock:
            return self.memory.ttl(key)

    def deadline(self, key):
        self.check()
        with self.lock:
            return self.memory.deadline(key)

    def dump(self):
        self.check()
        with self.lock:
            return self.memory.dump()

    def set(self, key, value):
        self.check()
        with self.lock:
            self.log(self.entry(Op.SET, key, value))

    def delete(self, key):
        self.check()
        with self.lock:
            if not self.memory.exists(key):
                return False
            self.log(self.entry(Op.DELETE, key))
            return True

    def setnx(self, key, value):
        self.check()
        with self.lock:
            if self.memory.exists(key):
                return False
            self.log(self.entry(Op.SET, key, value))
            return True

    def incr(self, key, by=1):
        self.check()
        with self.lock:
            value = self.memory.get(key)
            try:
                n = int(value or b"0") + by
            except ValueError:
                raise NotAnIntegerError("not an integer")
            deadline = self.memory.deadline(key)
            entries = [self.entry(Op.SET, key, b"%d" % n)]
            if deadline:
                entries.append(self.entry(Op.EXPIRE, key, deadline.to_bytes(8, "big")))
            self.log(*entries)
            return n

    def expire(self, key, seconds):
        return self.expire_at(key, int((self.clock() + seconds) * 1e9))

    def expire_at(self, key, deadline_ns):
        self.check()
        with self.lock:
            if not self.memory.exists(key):
                return False
            self.log(self.entry(Op.EXPIRE, key, deadline_ns.to_bytes(8, "big")))
            return True

    def persist(self, key):
        self.check()
        with self.lock:
            if self.memory.deadline(key) is None:
                return False
            self.log(self.entry(Op.EXPIRE, key))
            return True

    def apply_batch(self, operations):
        self.check()
        with self.lock:
            entries = []
            for op in operations:
                if op[0] == "set":
                    entries.append(self.entry(Op.SET, op[1], op[2]))
                elif op[0] == "delete":
                    entries.append(self.entry(Op.DELETE, op[1]))
                elif op[0] == "expire":
                    deadline = int((self.clock() + op[2]) * 1e9)
                    entries.append(self.entry(Op.EXPIRE, op[1], deadline.to_bytes(8, "big")))
                elif op[0] == "persist":
                    entries.append(self.entry(Op.EXPIRE, op[1]))
                else:
                    raise ValueError("unknown operation %s" % op[0])
            if entries:
                self.log(*entries)

    def purge_expired(self):
        self.check()
        return self.memory.purge_expired()

    def snapshot(self):
        self.check()
        with self.lock:
            items, deadlines = self.memory.dump()
            self.wal.close()
            self.number += 1
            self.wal = WAL(segment_path(self.dir, self.number), self.sync_mode, interval=self.sync_interval)
            self.changed = False
        write_snapshot(snapshot_path(self.dir, self.number), items, deadlines)
        latest = latest_snapshot(self.dir)
        if latest and latest[0] == self.number:
            for number, path in list_segments(self.dir):
                if number < self.number:
                    path.unlink()
            for path in self.dir.glob("snapshot-*.kvsp"):
                if path != latest[1]:
                    path.unlink()

    def close(self):
        if self.closed:
            return
        self.closed = True
        self.stopping.set()
        for t in self.threads:
            t.join()
        self.wal.close()
        self.lockfile.close()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.close()

    def sync_loop(self):
        while not self.stopping.wait(self.sync_interval):
            self.wal.sync()

    def snapshot_loop(self, interval):
        while not self.stopping.wait(interval):
            if self.changed:
                self.snapshot()
