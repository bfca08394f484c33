"""The durable store: memory to read from, a log to survive with, one way in for every change.

Locks, always taken in this order:
- `_snapshot_lock`: one snapshot at a time, and none while the store closes
- `_mutex`: writers take turns, from the first look at memory to its last change
- `_view`: readers share it; who applies a frame has it alone
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeVar

from .entry import Entry, Op
from .errors import CorruptLogError, LogFailedError, StoreClosedError, StoreLockedError
from .memory import MemoryStore
from .rwlock import RWLock
from .snapshot import latest_snapshot, load_snapshot, snapshot_path, write_snapshot
from .wal import WAL, list_segments, segment_path

T = TypeVar("T")


@dataclass(frozen=True)
class Recovery:
    """What opening the store found on disk, and what it cut off: offsets and sizes in bytes."""

    snapshot_number: int | None = None
    segments_replayed: int = 0
    frames_replayed: int = 0
    bytes_cut: int = 0
    cut_path: str | None = None
    cut_offset: int | None = None


class _Clock:
    """The store's clock, which a thread can stop for itself while it decides and applies."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._local = threading.local()

    def __call__(self) -> float:
        stopped = getattr(self._local, "stopped_at", None)
        return self._clock() if stopped is None else stopped

    @contextmanager
    def stopped(self, at: float | None = None):
        self._local.stopped_at = self._clock() if at is None else at
        try:
            yield self._local.stopped_at
        finally:
            self._local.stopped_at = None


class _Draft:
    """Operations that are tried out on copies of the keys they touch; `entries` is what to log."""

    def __init__(self, memory: MemoryStore, now: float) -> None:
        self._memory = memory
        self._scratch = MemoryStore(clock=lambda: now)
        self._copied: set[str] = set()
        self._timestamp = int(now * 1e9)
        self.entries: list[Entry] = []

    def set(self, key: str, value: bytes) -> None:
        self._scratch.set(key, value)
        self._copied.add(key)
        self._log(Op.SET, key, value)

    def delete(self, key: str) -> bool:
        self._copy(key)
        found = self._scratch.delete(key)
        if found:
            self._log(Op.DELETE, key)
        return found

    def setnx(self, key: str, value: bytes) -> bool:
        self._copy(key)
        won = self._scratch.setnx(key, value)
        if won:
            self._log(Op.SET, key, value)
        return won

    def incr(self, key: str, by: int) -> int:
        self._copy(key)
        total = self._scratch.incr(key, by)
        self._log(Op.SET, key, b"%d" % total)
        deadline_ns = self._scratch.deadline(key)
        if deadline_ns is not None:
            self._log_deadline(key, deadline_ns)
        return total

    def expire(self, key: str, seconds: float) -> bool:
        self._copy(key)
        return self._expired(key, self._scratch.expire(key, seconds))

    def expire_at(self, key: str, deadline_ns: int) -> bool:
        self._copy(key)
        return self._expired(key, self._scratch.expire_at(key, deadline_ns))

    def persist(self, key: str) -> bool:
        self._copy(key)
        had_one = self._scratch.persist(key)
        if had_one:
            self._log(Op.EXPIRE, key)
        return had_one

    def run(self, operation: Sequence[Any]) -> None:
        match operation:
            case ("set", key, value):
                self.set(key, value)
            case ("delete", key):
                self.delete(key)
            case ("expire", key, seconds):
                self.expire(key, seconds)
            case ("persist", key):
                self.persist(key)
            case _:
                raise ValueError(f"unknown batch operation {operation!r}")

    def _expired(self, key: str, found: bool) -> bool:
        if found:
            deadline_ns = self._scratch.deadline(key)
            if deadline_ns is None:
                self._log(Op.DELETE, key)
            else:
                self._log_deadline(key, deadline_ns)
        return found

    def _copy(self, key: str) -> None:
        value = self._memory.get(key)  # refuses a bad key
        if key in self._copied:
            return
        self._copied.add(key)
        if value is not None:
            self._scratch.set(key, value)
            deadline_ns = self._memory.deadline(key)
            if deadline_ns is not None:
                self._scratch.expire_at(key, deadline_ns)

    def _log(self, op: Op, key: str, value: bytes = b"") -> None:
        self.entries.append(Entry(op, self._timestamp, key, value))

    def _log_deadline(self, key: str, deadline_ns: int) -> None:
        self._log(Op.EXPIRE, key, deadline_ns.to_bytes(8, "big", signed=True))


def _apply(memory: MemoryStore, entries: Iterable[Entry]) -> None:
    for entry in entries:
        if entry.op == Op.SET:
            memory.set(entry.key, entry.value)
        elif entry.op == Op.DELETE:
            memory.delete(entry.key)
        elif entry.value:
            memory.expire_at(entry.key, int.from_bytes(entry.value, "big", signed=True))
        else:
            memory.persist(entry.key)


class Store:
    """A durable map of `str` keys to `bytes` values, for many threads. `Store.open` makes one."""

    recovery: Recovery
    last_snapshot_error: Exception | None = None

    @classmethod
    def open(
        cls,
        data_dir: str | os.PathLike[str],
        *,
        sync: str = "always",
        sync_interval: float = 1.0,
        snapshot_interval: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Open the store in a folder, which is made if missing, and recover what it holds."""
        if sync not in ("always", "interval", "never"):
            raise ValueError(f"unknown sync policy {sync!r}")
        if not sync_interval > 0 or (snapshot_interval is not None and not snapshot_interval > 0):
            raise ValueError("an interval must be a positive number of seconds")
        self = cls.__new__(cls)
        self._folder = Path(data_dir)
        self._sync = sync
        self._sync_interval = sync_interval
        self._clock = _Clock(clock)
        self._memory = MemoryStore(clock=self._clock)
        self._snapshot_lock = threading.Lock()
        self._mutex = threading.Lock()
        self._view = RWLock()
        self._closed = False
        self._stopping = threading.Event()
        self._changed = False  # since the last snapshot; protected by _mutex
        self._background_error: Exception | None = None
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock_file = _lock_folder(self._folder)
        try:
            for stale in self._folder.glob("*.tmp"):
                stale.unlink()
            self._number = self._recover()
            self._wal = self._new_wal(self._number)
        except BaseException:
            self._lock_file.close()
            raise
        self._threads = []
        if sync == "interval":
            self._start(self._sync_now_and_then, sync_interval)
        if snapshot_interval is not None:
            self._start(self._snapshot_now_and_then, snapshot_interval)
        return self

    def _start(self, job: Callable[[float], None], interval: float) -> None:
        thread = threading.Thread(target=job, args=(interval,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _new_wal(self, number: int) -> WAL:
        path = segment_path(self._folder, number)
        try:
            return WAL(path, self._sync, interval=self._sync_interval)
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def _recover(self) -> int:
        """Fill memory from the snapshot and the segments; return this session's segment number."""
        with self._clock.stopped(0.0):  # nothing is dead at this time
            found = latest_snapshot(self._folder)
            first = 1
            if found is not None:
                first = found[0]
                items, deadlines = load_snapshot(found[1])
                for key, value in items.items():
                    self._memory.set(key, value)
                for key, deadline_ns in deadlines.items():
                    self._memory.expire_at(key, deadline_ns)
            segments = [(n, path) for n, path in list_segments(self._folder) if n >= first]
            for expected, (number, path) in enumerate(segments, first):
                if number != expected:
                    missing = str(segment_path(self._folder, expected))
                    raise CorruptLogError(f"segment {expected} is missing", missing, 0)
            frames = bytes_cut = 0
            cut_path = cut_offset = None
            for number, path in segments:
                with WAL(path, "never") as wal:
                    for entries in wal.replay(is_last=number == segments[-1][0]):
                        _apply(self._memory, entries)
                        frames += 1
                    if wal.cut_offset is not None:
                        cut_path, cut_offset, bytes_cut = str(path), wal.cut_offset, wal.bytes_cut
        self.recovery = Recovery(
            snapshot_number=None if found is None else first,
            segments_replayed=len(segments),
            frames_replayed=frames,
            bytes_cut=bytes_cut,
            cut_path=cut_path,
            cut_offset=cut_offset,
        )
        return first + len(segments)

    # Reads.

    def _read(self, question: Callable[[], T]) -> T:
        with self._view.reading():
            self._check_open()
            return question()

    def _check_open(self) -> None:
        if self._closed:
            raise StoreClosedError(f"the store in {self._folder} is closed")

    def get(self, key: str) -> bytes | None:
        """Return the value, or None if there is no such key."""
        return self._read(lambda: self._memory.get(key))

    def exists(self, key: str) -> bool:
        """Return True if the key is there."""
        return self._read(lambda: self._memory.exists(key))

    def keys(self, pattern: str = "*") -> list[str]:
        """Return the keys that match a Redis glob, as they are at one instant."""
        return self._read(lambda: self._memory.keys(pattern))

    def __len__(self) -> int:
        return self._read(lambda: len(self._memory))

    def ttl(self, key: str) -> float:
        """Return the seconds that a key has left; -1 without a deadline, -2 without the key."""
        return self._read(lambda: self._memory.ttl(key))

    def deadline(self, key: str) -> int | None:
        """Return a key's deadline in unix nanoseconds; None without one, or without the key."""
        return self._read(lambda: self._memory.deadline(key))

    def dump(self) -> tuple[dict[str, bytes], dict[str, int]]:
        """Return values by key, and deadlines (unix nanoseconds) by key, as at one instant."""
        return self._read(self._memory.dump)

    # Writes.

    def _write(self, change: Callable[[_Draft], T]) -> T:
        """Validate, log, apply; whether a key is dead is decided by one look at the clock."""
        with self._mutex:
            self._check_open()
            with self._clock.stopped() as now:
                draft = _Draft(self._memory, now)
                result = change(draft)
                if draft.entries:
                    self._wal.append(*draft.entries)
                    self._changed = True
                    with self._view.writing():
                        _apply(self._memory, draft.entries)
            return result

    def set(self, key: str, value: bytes) -> None:
        """Store a value, and clear the key's deadline."""
        self._write(lambda draft: draft.set(key, value))

    def delete(self, key: str) -> bool:
        """Remove a key; True if it was there."""
        return self._write(lambda draft: draft.delete(key))

    def setnx(self, key: str, value: bytes) -> bool:
        """Store a value only if the key is absent, as one step; True if it was stored."""
        return self._write(lambda draft: draft.setnx(key, value))

    def incr(self, key: str, by: int = 1) -> int:
        """Add `by` to a decimal value, a missing one being 0, as one step; return the sum."""
        return self._write(lambda draft: draft.incr(key, by))

    def expire(self, key: str, seconds: float) -> bool:
        """Give a key `seconds` to live, zero or less removing it; False if there is none."""
        return self._write(lambda draft: draft.expire(key, seconds))

    def expire_at(self, key: str, deadline_ns: int) -> bool:
        """Let a key die at `deadline_ns` (unix nanoseconds); otherwise like `expire`."""
        return self._write(lambda draft: draft.expire_at(key, deadline_ns))

    def persist(self, key: str) -> bool:
        """Take a key's deadline away; True if it had one."""
        return self._write(lambda draft: draft.persist(key))

    def apply_batch(self, operations: Iterable[Sequence[Any]]) -> None:
        """Do several writes as one: all or none, for readers and after a crash alike."""
        todo = list(operations)

        def run_all(draft: _Draft) -> None:
            for operation in todo:
                draft.run(operation)

        self._write(run_all)

    def purge_expired(self) -> int:
        """Free the memory of dead keys; return how many. Nobody saw them: nothing is logged."""
        with self._mutex:
            self._check_open()
            return self._memory.purge_expired()

    # The store as a whole.

    def snapshot(self) -> None:
        """Write all live keys to a snapshot, so that the log before it can go."""
        with self._snapshot_lock:
            with self._mutex:
                self._check_open()
                self._wal.sync()
                items, deadlines = self._memory.dump()
                new = self._new_wal(self._number + 1)
                old, self._wal = self._wal, new
                self._number += 1
                number = self._number
                self._changed = False
                old.close()
            try:
                write_snapshot(snapshot_path(self._folder, number), items, deadlines)
            except BaseException:
                with self._mutex:
                    self._changed = True
                raise
            latest = latest_snapshot(self._folder)
            if latest is not None and latest[0] == number:
                self._remove_before(number)

    def _remove_before(self, number: int) -> None:
        for other, path in list_segments(self._folder):
            if other < number:
                path.unlink()
        for path in self._folder.glob("snapshot-*.kvsp"):
            digits = path.stem.removeprefix("snapshot-")
            if digits.isascii() and digits.isdigit() and len(digits) >= 10 and int(digits) < number:
                path.unlink()

    def close(self) -> None:
        """Put everything on disk and let the folder go. Closing again does nothing."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        with self._snapshot_lock, self._mutex:
            if self._closed:
                return
            with self._view.writing():
                self._closed = True
            try:
                self._wal.close()
            finally:
                self._lock_file.close()
            if self._background_error is not None:
                raise self._background_error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # Threads in the background.

    def _sync_now_and_then(self, interval: float) -> None:
        while not self._stopping.wait(interval):
            with self._mutex:
                try:
                    self._wal.sync()
                except Exception as error:
                    self._background_error = LogFailedError(f"a background fsync failed: {error}")
                    return

    def _snapshot_now_and_then(self, interval: float) -> None:
        while not self._stopping.wait(interval):
            with self._mutex:
                changed = self._changed
            if not changed:
                continue
            try:
                self.snapshot()
                self.last_snapshot_error = None
            except Exception as error:
                self.last_snapshot_error = error


def _lock_folder(folder: Path) -> BinaryIO:
    """Return the open file that holds the folder's lock; closing it lets the lock go."""
    file = open(folder / "LOCK", "ab")
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        file.close()
        raise StoreLockedError(f"another store has the folder {folder} open") from None
    except BaseException:
        file.close()
        raise
    return file
