"""What the stores here share: a durable store for one thread at a time, that knows of no other.

A change is made in memory first and logged after it; when the log or the change itself fails,
memory is put back. That is allowed because whoever uses an engine lets nobody look meanwhile.
After a new segment could not be made whole the log takes nothing more: the old one is no longer the
last, and could not be told from a damaged one if a write to it were torn.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .entry import Entry, Op
from .errors import CorruptLogError, LogFailedError, StoreClosedError, StoreLockedError
from .folders import make_folder
from .memory import MemoryStore
from .snapshot import latest_snapshot, load_snapshot, snapshot_path, write_snapshot
from .wal import WAL, list_segments, segment_path

READS = ("get", "exists", "keys", "__len__", "ttl", "deadline", "dump", "purge_expired")
WRITES = ("set", "delete", "setnx", "incr", "expire", "expire_at", "persist")
_IN_A_BATCH = {"set": 2, "delete": 1, "expire": 2, "persist": 1}  # how many arguments
_LONG_AGO = -1e10  # seconds: nothing is dead by then


@dataclass(frozen=True)
class Recovery:
    snapshot_number: int | None = None
    segments_replayed: int = 0
    frames_replayed: int = 0
    bytes_cut: int = 0
    cut_path: str | None = None
    cut_offset: int | None = None


class FolderLock:
    """LOCK, for the file that is opened here and whoever inherits it."""

    def __init__(self, folder):
        self._file = (folder / "LOCK").open("a")
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(self._file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise StoreLockedError(f"{folder} is in use") from None

    def release(self):
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(self._file.fileno(), msvcrt.LK_UNLCK, 1)
        self._file.close()


class Engine:
    """The store of one folder."""

    lock = FolderLock

    def __init__(self, folder, sync, interval, clock):
        self._folder, self._clock = Path(folder), clock
        self._wal_settings = {"sync": sync, "interval": interval}
        self._now = clock()
        self._memory = MemoryStore(clock=lambda: self._now)
        make_folder(self._folder.absolute(), lambda path: not list_segments(path))
        self._held = self.lock(self._folder)
        self.is_open, self._is_failed = True, False
        try:
            for leftover in self._folder.glob("*.tmp"):
                leftover.unlink()
            self.recovery = self.read_back(self._memory)
            self._changes, self._saved = self.recovery.frames_replayed, 0  # since a snapshot
            first = self.recovery.snapshot_number or 1
            self._number = first + self.recovery.segments_replayed
            self._wal = self._new_segment()
        except BaseException:
            self._held.release()
            raise

    def read(self, name, *args, **kwargs):
        """Do one of READS."""
        self._begin()
        return getattr(self._memory, name)(*args, **kwargs)

    def write(self, *operations):
        """Do several (name, key, arguments) of WRITES in one frame; return what each returned."""
        self._begin()
        entries, before = [], {}
        try:
            results = [self._perform(entries, before, *operation) for operation in operations]
            if entries:
                self._refuse_failed()
                self._wal.append(*entries)
                self._changes += 1
        except BaseException:
            for key, (value, deadline) in before.items():
                self._memory.delete(key)
                if value is not None:
                    self._memory.set(key, value)
                if deadline is not None:
                    self._memory.expire_at(key, deadline)
            raise
        return results

    def batch(self, operations):
        """Do the operations of a batch."""
        checked = []
        for operation in operations:
            name, *args = operation if isinstance(operation, tuple | list) else [operation]
            if not isinstance(name, str) or _IN_A_BATCH.get(name) != len(args):
                raise ValueError(f"this is no operation of a batch: {operation!r}")
            checked.append((name, *args))
        self.write(*checked)

    def sync(self):
        """Put the log on disk."""
        self._begin()
        self._wal.sync()

    def snapshot(self):
        """Save everything, and remove what that makes superfluous."""
        self._begin()
        self._refuse_failed()
        self._wal.sync()
        self._rotate()
        self._memory.purge_expired()
        self._saved, number = self._changes, self._number
        try:
            write_snapshot(snapshot_path(self._folder, number), *self.contents(number))
        except BaseException:
            self._saved = -1
            raise
        if (latest_snapshot(self._folder) or (0,))[0] >= number:
            self.retire(number)

    def contents(self, number):
        """Items and deadlines as they are before segment `number`, which is still empty."""
        return self._memory.dump()

    def retire(self, number):
        """Remove what a snapshot of this number makes superfluous."""
        for found, path in list_segments(self._folder):
            if found < number:
                path.unlink()
        self.remove_snapshots(number)

    def remove_snapshots(self, before):
        """Remove the snapshots of smaller numbers."""
        for found, path in self._snapshots():
            if found < before:
                path.unlink()

    def snapshot_if_changed(self):
        """Save everything if something has changed since that was done."""
        if self._changes != self._saved:
            self.snapshot()

    def close(self):
        """Let the folder go; a second time does nothing."""
        if self.is_open:
            self.is_open = False
            try:
                self._wal.close()
            finally:
                self._held.release()

    def _begin(self):
        if not self.is_open:
            raise StoreClosedError("this store is closed")
        self._now = self._clock()

    def _perform(self, entries, before, name, key, *args):
        found = self._memory.get(key), self._memory.deadline(key)
        before.setdefault(key, found)
        result = getattr(self._memory, name)(key, *args)
        value, deadline = self._memory.get(key), self._memory.deadline(key)
        timestamp = int(self._now * 1e9)
        if name in ("set", "incr") or (name == "setnx" and result):
            entries.append(Entry(Op.SET, timestamp, key, value))
        elif result and value is None:
            entries.append(Entry(Op.DELETE, timestamp, key))
        elif name == "persist" and result:
            entries.append(Entry(Op.EXPIRE, timestamp, key))
        if name.startswith(("incr", "expire")) and deadline is not None:
            entries.append(Entry(Op.EXPIRE, timestamp, key, deadline.to_bytes(8, signed=True)))
        return result

    def _rotate(self):
        try:
            fresh = WAL(segment_path(self._folder, self._number + 1), **self._wal_settings)
        except BaseException:
            self._is_failed = True
            raise
        self._number += 1
        old, self._wal = self._wal, fresh
        old.close()

    def _refuse_failed(self):
        if self._is_failed:
            raise LogFailedError("a new segment could not be made: open the store again")

    def _new_segment(self):
        return WAL(segment_path(self._folder, self._number), **self._wal_settings)

    def _snapshots(self):
        for path in self._folder.glob("snapshot-*.kvsp"):
            digits = path.name[len("snapshot-") : -len(".kvsp")]
            if digits.isdecimal():
                yield int(digits), path

    def read_back(self, memory, before=None):
        """Bring into memory what is on disk, up to the segment `before`; return what was found."""
        latest = latest_snapshot(self._folder)
        present = dict(list_segments(self._folder))
        first = latest[0] if latest else 1
        # Where nothing but a damaged snapshot is left, there was a log too.
        known = [*present, *latest[:1]] if latest else [*present]
        last = max(known or [number for number, _path in self._snapshots()], default=0)
        numbers = range(first, before or last + 1)
        for number in numbers:
            if number not in present:
                path = segment_path(self._folder, number)
                raise CorruptLogError("a segment is missing", str(path), 0)
        frames, cut = 0, (0, None, None)
        with self._judging_nothing():
            if latest:
                _load(memory, latest[1])
            for number in numbers:
                with WAL(present[number]) as wal:
                    for entries in wal.replay(is_last=number == last):
                        frames += 1
                        for entry in entries:
                            _replay(memory, entry)
                    if wal.bytes_cut:
                        cut = wal.bytes_cut, str(present[number]), wal.cut_offset
        return Recovery(latest[0] if latest else None, len(numbers), frames, *cut)

    @contextmanager
    def _judging_nothing(self):
        """Let no key die by today's clock while it is replayed."""
        now, self._now = self._now, _LONG_AGO
        try:
            yield
        finally:
            self._now = now


def _load(memory, path):
    items, deadlines = load_snapshot(path)
    for key, value in items.items():
        memory.set(key, value)
    for key, deadline in deadlines.items():
        memory.expire_at(key, deadline)


def _replay(memory, entry):
    if entry.op == Op.SET:
        memory.set(entry.key, entry.value)
    elif entry.op == Op.DELETE:
        memory.delete(entry.key)
    elif entry.value:
        memory.expire_at(entry.key, int.from_bytes(entry.value, signed=True))
    else:
        memory.persist(entry.key)
