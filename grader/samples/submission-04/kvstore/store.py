"""The durable store. One big lock: whoever reads or writes has it, so a frame is never half seen."""

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from .entry import Entry, Op
from .errors import LogFailedError, StoreClosedError, StoreLockedError
from .memory import MemoryStore
from .snapshot import latest_snapshot, load_snapshot, snapshot_path, write_snapshot
from .wal import WAL, list_segments, segment_path


@dataclass(frozen=True)
class Recovery:
    """What opening the store found on disk."""

    snapshot_number: int | None = None
    segments_replayed: int = 0
    frames_replayed: int = 0
    bytes_cut: int = 0
    cut_path: str | None = None
    cut_offset: int | None = None


class FrozenClock:
    """The user's clock, or a fixed time while `at` is set. Only touched under the store's lock."""

    def __init__(self, clock):
        self.clock = clock
        self.at = None

    def __call__(self):
        return self.clock() if self.at is None else self.at


class Store:
    """A durable key-value store, use Store.open."""

    last_snapshot_error = None

    def __init__(self):
        raise TypeError("use Store.open()")

    @classmethod
    def open(cls, data_dir, *, sync="always", sync_interval=1.0, snapshot_interval=None, clock=time.time):
        """Open or create the store in data_dir."""
        if sync not in ("always", "interval", "never"):
            raise ValueError("unknown sync policy " + repr(sync))
        self = object.__new__(cls)
        self.dir = Path(data_dir)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.lockfile = open(self.dir / "LOCK", "a")
        try:
            self._lock_dir()
            for tmp in self.dir.glob("*.tmp"):
                tmp.unlink()
            self.sync, self.sync_interval = sync, sync_interval
            self.clock = FrozenClock(clock)
            self.memory = MemoryStore(clock=self.clock)
            self.lock = threading.RLock()
            self.snapshot_lock = threading.Lock()
            self.closed = False
            self.changes = 0
            self.background_error = None
            self._recover()
            self.wal = WAL(segment_path(self.dir, self.number), sync, interval=sync_interval)
        except BaseException:
            self.lockfile.close()
            raise
        self.stop = threading.Event()
        self.threads = []
        if sync == "interval":
            self.threads.append(threading.Thread(target=self._sync_loop, daemon=True))
        if snapshot_interval is not None:
            self.threads.append(
                threading.Thread(target=self._snapshot_loop, args=(snapshot_interval,), daemon=True)
            )
        for t in self.threads:
            t.start()
        return self

    def _lock_dir(self):
        try:
            if os.name == "nt":
                import msvcrt

                msvcrt.locking(self.lockfile.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(self.lockfile, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreLockedError(f"{self.dir} is already open") from None

    def _recover(self):
        snapshot_number = None
        first = 1
        found = latest_snapshot(self.dir)
        if found:
            first, path = found
            snapshot_number = first
            items, deadlines = load_snapshot(path)
            for k, v in items.items():
                self.memory.set(k, v)
            for k, d in deadlines.items():
                self.memory.expire_at(k, d)
        segments = [(n, p) for n, p in list_segments(self.dir) if n >= first]
        numbers = [n for n, _ in segments]
        frames = cut = 0
        cut_path = cut_offset = None
        for n, path in segments:
            wal = WAL(path)
            try:
                for frame in wal.replay(is_last=(n == numbers[-1])):
                    frames += 1
                    for e in frame:
                        self._apply(e)
                if wal.bytes_cut:
                    cut, cut_path, cut_offset = wal.bytes_cut, str(path), wal.cut_offset
            finally:
                wal.close()
        self.number = numbers[-1] + 1 if numbers else first
        self.recovery = Recovery(snapshot_number, len(segments), frames, cut, cut_path, cut_offset)

    def _apply(self, e):
        if e.op == Op.SET:
            self.memory.set(e.key, e.value)
        elif e.op == Op.DELETE:
            self.memory.delete(e.key)
        elif e.value == b"":
            self.memory.persist(e.key)
        else:
            self.memory.expire_at(e.key, int.from_bytes(e.value, "big", signed=True))

    # reads

    def _check(self):
        if self.closed:
            raise StoreClosedError("the store is closed")

    def get(self, key):
        """Value or None."""
        with self.lock:
            self._check()
            return self.memory.get(key)

    def exists(self, key):
        """Is it there?"""
        with self.lock:
            self._check()
            return self.memory.exists(key)

    def keys(self, pattern="*"):
        """Matching keys."""
        with self.lock:
            self._check()
            return self.memory.keys(pattern)

    def __len__(self):
        with self.lock:
            self._check()
            return len(self.memory)

    def ttl(self, key):
        """Seconds left."""
        with self.lock:
            self._check()
            return self.memory.ttl(key)

    def deadline(self, key):
        """Deadline in ns."""
        with self.lock:
            self._check()
            return self.memory.deadline(key)

    def dump(self):
        """Everything."""
        with self.lock:
            self._check()
            return self.memory.dump()

    # writes: each one is planned on a little MemoryStore that holds only the keys in question

    def _write(self, operations):
        with self.lock:
            self._check()
            self.clock.at = self.clock.clock()
            try:
                scratch = MemoryStore(clock=self.clock)
                loaded = set()
                entries = []
                results = [self._plan(op, scratch, loaded, entries) for op in operations]
                if entries:
                    for e in entries:
                        self._apply(e)
                    self.wal.append(*entries)
                    self.changes += 1
                return results
            finally:
                self.clock.at = None

    def _plan(self, op, scratch, loaded, entries):
        name, key, *args = op
        value = self.memory.get(key)
        if key not in loaded:
            loaded.add(key)
            if value is not None:
                scratch.set(key, value)
                deadline = self.memory.deadline(key)
                if deadline is not None:
                    scratch.expire_at(key, deadline)
        result = getattr(scratch, name)(key, *args)
        now = int(self.clock() * 1e9)
        if name in ("set", "setnx", "incr"):
            if result is not False:
                entries.append(Entry(Op.SET, now, key, scratch.get(key)))
        elif name == "delete" and result:
            entries.append(Entry(Op.DELETE, now, key))
        elif name == "persist" and result:
            entries.append(Entry(Op.EXPIRE, now, key))
        elif name in ("expire", "expire_at") and result:
            deadline = scratch.deadline(key)
            if deadline is None:  # already over
                deadline = args[0] if name == "expire_at" else now
            entries.append(Entry(Op.EXPIRE, now, key, deadline.to_bytes(8, "big", signed=True)))
        return result

    def set(self, key, value):
        """Store."""
        self._write([("set", key, value)])

    def delete(self, key):
        """Remove."""
        return self._write([("delete", key)])[0]

    def setnx(self, key, value):
        """Store if absent."""
        return self._write([("setnx", key, value)])[0]

    def incr(self, key, by=1):
        """Add."""
        return self._write([("incr", key, by)])[0]

    def expire(self, key, seconds):
        """Die in seconds."""
        return self._write([("expire", key, seconds)])[0]

    def expire_at(self, key, deadline_ns):
        """Die at deadline."""
        return self._write([("expire_at", key, deadline_ns)])[0]

    def persist(self, key):
        """Keep."""
        return self._write([("persist", key)])[0]

    def apply_batch(self, operations):
        """All or nothing."""
        operations = [tuple(op) for op in operations]
        arity = {"set": 3, "delete": 2, "expire": 3, "persist": 2}
        for op in operations:
            if not op or arity.get(op[0]) != len(op):
                raise ValueError(f"bad operation {op!r}")
        self._write(operations)

    def purge_expired(self):
        """Free dead keys."""
        with self.lock:
            self._check()
            return self.memory.purge_expired()

    def snapshot(self):
        """Write a snapshot and drop the old log."""
        with self.snapshot_lock:
            with self.lock:
                self._check()
                self.wal.sync()
                items, deadlines = self.memory.dump()
                new = WAL(segment_path(self.dir, self.number + 1), self.sync, interval=self.sync_interval)
                self.wal.close()
                self.wal = new
                self.number += 1
                number = self.number
                self.snapshot_changes = self.changes
            write_snapshot(snapshot_path(self.dir, number), items, deadlines)
            found = latest_snapshot(self.dir)
            if found and found[0] == number:
                for n, path in list_segments(self.dir):
                    if n < number:
                        path.unlink()
                for path in self.dir.glob("snapshot-*.kvsp"):
                    n = path.name[9:-5]
                    if n.isdigit() and int(n) < number:
                        path.unlink()

    def close(self):
        """Close the store."""
        self.stop.set()
        for t in self.threads:
            t.join()
        with self.snapshot_lock, self.lock:
            if self.closed:
                return
            self.closed = True
            try:
                self.wal.close()
            finally:
                self.lockfile.close()
            if self.background_error:
                raise self.background_error

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def _sync_loop(self):
        while not self.stop.wait(self.sync_interval):
            with self.lock:
                try:
                    self.wal.sync()
                except (OSError, LogFailedError) as e:
                    self.background_error = LogFailedError(f"background sync failed: {e}")
                    return

    def _snapshot_loop(self, interval):
        seen = self.changes
        while not self.stop.wait(interval):
            if self.changes == seen:
                continue
            try:
                self.snapshot()
                seen = self.snapshot_changes
                self.last_snapshot_error = None
            except Exception as e:
                self.last_snapshot_error = e
