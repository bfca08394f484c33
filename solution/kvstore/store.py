"""The durable store: memory to read from, a log to survive with, and one way in for every change.

A change is rehearsed on a scratch copy (which refuses what is wrong and yields log entries),
logged, and only then applied to memory. Recovery applies the same entries in the same way.

Invariants:
- Writers take turns, so memory changes in the order of the log.
- What an operation returned is in the log; what the log does not hold was never seen by a reader.
- No reader sees a part of a batch.
- Whether a key was dead is decided once, when the change is rehearsed, and never judged again.
Locks are taken in this order: `_snapshot_lock`, `_write_lock`, `_apply_lock`, memory's own.

Not here: bytes (entry, wal, snapshot) and the rules of the operations (memory).
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from .entry import Entry, Op
from .errors import CorruptLogError, LogFailedError, StoreClosedError, StoreLockedError
from .memory import MemoryStore
from .snapshot import latest_snapshot, load_snapshot, snapshot_path, write_snapshot
from .wal import WAL, list_segments, segment_path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

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


class Store:
    """A durable map of `str` keys to `bytes` values, for many threads. `Store.open` makes one.

    Its operations mean what they mean in `MemoryStore` and raise the same errors. A write can also
    raise `OSError` when the disk fails, then `LogFailedError`: memory is as before, reads go on,
    and reopening shows what the disk has. After `close` everything raises `StoreClosedError`.
    """

    recovery: Recovery
    """What opening found and did."""
    last_snapshot_error: Exception | None = None
    """Why the last snapshot in the background failed; None if it did not. It is tried again."""

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
        """Open the store in a folder, which is made if missing, and recover what it holds.

        `sync` is the log's policy: "always", "interval" (every `sync_interval` seconds) or "never".
        With `snapshot_interval` (seconds) a snapshot is taken that often, if something changed.
        `clock` gives unix seconds. Raises `StoreLockedError` if another store has the folder open,
        `CorruptLogError` if a segment is damaged or missing, and `ValueError` for a bad option.
        """
        if not sync_interval > 0:
            raise ValueError(f"sync_interval must be over 0 seconds, not {sync_interval}")
        if snapshot_interval is not None and not snapshot_interval > 0:
            raise ValueError(f"snapshot_interval must be over 0 seconds, not {snapshot_interval}")
        folder = Path(data_dir)
        _make_folder(folder)
        lock = _FolderLock(folder)
        try:
            store = cls(folder, lock, sync, sync_interval, clock)
        except BaseException:
            lock.release()
            raise
        if sync == "interval":
            store._repeat(sync_interval, store._sync_idle_log)
        if snapshot_interval is not None:
            store._repeat(snapshot_interval, store._snapshot_if_changed)
        return store

    def __init__(
        self,
        folder: Path,
        lock: _FolderLock,
        sync: str,
        sync_interval: float,
        clock: Callable[[], float],
    ) -> None:
        self._folder = folder
        self._lock = lock
        self._sync = sync
        self._sync_interval = sync_interval
        self._clock = _Clock(clock)
        self._memory = MemoryStore(self._clock)
        # One snapshot at a time, and none while the store closes.
        self._snapshot_lock = threading.Lock()
        # The log and memory change together. Protects all that follows.
        self._write_lock = threading.Lock()
        # Held while memory shows a part of a batch.
        self._apply_lock = threading.Lock()
        self._batches_begun = 0
        self._batches_applied = 0
        self._closed = False
        self._sync_error: OSError | None = None
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        for stale in folder.glob("*.tmp"):
            stale.unlink()
        self.recovery = self._recover_locked()
        self._segment = (self.recovery.snapshot_number or 1) + self.recovery.segments_replayed
        self._writes = self.recovery.frames_replayed  # since the snapshot that recovery began with
        self._writes_saved = 0
        self._wal: WAL | _FailedLog = _FailedLog()
        self._wal = self._open_segment(self._segment)

    # Reads.

    def get(self, key: str) -> bytes | None:
        """Return the value, or None if there is no such key."""
        return self._read(self._memory.get, key)

    def exists(self, key: str) -> bool:
        """Return True if the key is there."""
        return self._read(self._memory.exists, key)

    def keys(self, pattern: str = "*") -> list[str]:
        """Return the keys that match a Redis glob, as they are at one instant."""
        return self._read(self._memory.keys, pattern)

    def __len__(self) -> int:
        return self._read(self._memory.__len__)

    def ttl(self, key: str) -> float:
        """Return the seconds that a key has left; -1 without a deadline, -2 without the key."""
        return self._read(self._memory.ttl, key)

    def deadline(self, key: str) -> int | None:
        """Return a key's deadline in unix nanoseconds; None without one, or without the key."""
        return self._read(self._memory.deadline, key)

    def dump(self) -> tuple[dict[str, bytes], dict[str, int]]:
        """Return values by key, and deadlines (unix nanoseconds) by key, as at one instant."""
        return self._read(self._memory.dump)

    # Writes.

    def set(self, key: str, value: bytes) -> None:
        """Store a value, and clear the key's deadline."""
        self._write(_Rehearsal.set, key, value)

    def delete(self, key: str) -> bool:
        """Remove a key; True if it was there."""
        return self._write(_Rehearsal.delete, key)

    def setnx(self, key: str, value: bytes) -> bool:
        """Store a value only if the key is absent, as one step; True if it was stored."""
        return self._write(_Rehearsal.setnx, key, value)

    def incr(self, key: str, by: int = 1) -> int:
        """Add `by` to a decimal value, a missing one being 0, as one step; return the sum."""
        return self._write(_Rehearsal.incr, key, by)

    def expire(self, key: str, seconds: float) -> bool:
        """Give a key `seconds` to live, zero or less removing it; False if there is none."""
        return self._write(_Rehearsal.expire, key, seconds)

    def expire_at(self, key: str, deadline_ns: int) -> bool:
        """Let a key die at `deadline_ns` (unix nanoseconds); otherwise like `expire`."""
        return self._write(_Rehearsal.expire_at, key, deadline_ns)

    def persist(self, key: str) -> bool:
        """Take a key's deadline away; True if it had one."""
        return self._write(_Rehearsal.persist, key)

    def apply_batch(self, operations: Iterable[Sequence[Any]]) -> None:
        """Do several writes as one: all or none, for readers and after a crash alike.

        Each is `("set", key, value)`, `("delete", key)`, `("expire", key, seconds)` or `("persist",
        key)`; anything else is a `ValueError`. Each sees what those before it did.
        """
        batch = list(operations)
        self._write(_Rehearsal.run, batch)

    def purge_expired(self) -> int:
        """Free the memory of dead keys; return how many. Nobody saw them: nothing is logged."""
        with self._write_lock:
            self._refuse_if_closed()
            return self._memory.purge_expired()

    # The store as a whole.

    def snapshot(self) -> None:
        """Write all live keys to a snapshot, so that the log before it can go.

        Writers wait while memory is copied, not while the file is written. After an `OSError` the
        store is as durable as before, and the next snapshot makes up for this one.
        """
        with self._snapshot_lock:
            number, writes, items, deadlines = self._cut()
            write_snapshot(snapshot_path(self._folder, number), items, deadlines)
            latest = latest_snapshot(self._folder)
            if latest is not None and latest[0] >= number:
                self._remove_files_before(number)
            self._writes_saved = writes

    def close(self) -> None:
        """Put everything on disk and let the folder go. Closing again does nothing.

        Raises `OSError` if the last fsync fails, and `LogFailedError` if one failed in the
        background. The store is closed all the same.
        """
        self._closing.set()
        for thread in self._threads:
            thread.join()
        with self._snapshot_lock, self._write_lock:
            if self._closed:
                return
            self._closed = True
            try:
                self._wal.close()
            finally:
                self._lock.release()
        if self._sync_error is not None:
            raise LogFailedError(
                "an fsync in the background failed: the last writes may not be on disk"
            ) from self._sync_error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # The one way in and the one way out.

    def _write(self, operate: Callable[..., T], *arguments: Any) -> T:
        """Validate, log, apply. All three at one instant: a key cannot die between them."""
        with self._write_lock:
            self._refuse_if_closed()
            with self._clock.held_at(self._clock()):
                rehearsal = _Rehearsal(self._memory, self._clock)
                result = operate(rehearsal, *arguments)
                if rehearsal.entries:
                    self._wal.append(*rehearsal.entries)
                    self._writes += 1
                    self._apply_locked(rehearsal.entries)
                return result

    def _apply_locked(self, entries: list[Entry]) -> None:
        """Change memory. Writes come through here once logged; recovery, once read back."""
        if len(entries) == 1:
            _apply(self._memory, entries[0])
            return
        with self._apply_lock:
            self._batches_begun += 1
            for entry in entries:
                _apply(self._memory, entry)
            self._batches_applied = self._batches_begun

    def _read(self, read: Callable[..., T], *arguments: Any) -> T:
        # A reader takes no lock, so it can meet a batch that is half applied. It notices: if as
        # many batches have begun after its read as were applied before it, none was under way in
        # between. Otherwise it reads again while it keeps batches out. It never waits for the disk,
        # because a batch is logged before it begins.
        self._refuse_if_closed()
        applied = self._batches_applied
        result = read(*arguments)
        if self._batches_begun == applied:
            return result
        with self._apply_lock:
            return read(*arguments)

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise StoreClosedError(f"the store in {self._folder} is closed")

    # Recovery and snapshots.

    def _recover_locked(self) -> Recovery:
        # Nothing is dead in 1970: judged by today's clock, a key whose deadline a later PERSIST
        # took away would die before it. Whoever wrote the log judged each deadline in its time.
        with self._clock.held_at(0.0):
            number = self._load_snapshot_locked()
            segments = self._find_segments(number)
            found = Recovery(snapshot_number=number, segments_replayed=len(segments))
            return self._replay_locked(segments, found)

    def _load_snapshot_locked(self) -> int | None:
        """Load the newest intact snapshot; returns the number of the first segment after it."""
        latest = latest_snapshot(self._folder)
        if latest is None:
            return None
        number, path = latest
        items, deadlines = load_snapshot(path)
        for key, value in items.items():
            self._memory.set(key, value)
        for key, deadline_ns in deadlines.items():
            self._memory.expire_at(key, deadline_ns)
        return number

    def _find_segments(self, snapshot_number: int | None) -> list[Path]:
        """Return the segments to replay, in order; `CorruptLogError` if one is missing."""
        present = dict(list_segments(self._folder))
        first = snapshot_number or 1
        # A snapshot's segment is made before it, so where nothing but a damaged snapshot is left,
        # there was a log too: that is not an empty store.
        last = max([snapshot_number or 0, *present]) or max(self._snapshots(), default=0)
        for number in range(first, last + 1):
            if number not in present:
                raise CorruptLogError(
                    f"segment {number} of the log is missing; restore it from a copy",
                    str(segment_path(self._folder, number)),
                    0,
                )
        return [present[number] for number in range(first, last + 1)]

    def _replay_locked(self, segments: list[Path], recovery: Recovery) -> Recovery:
        for path in segments:
            is_last = path == segments[-1]
            # Closing syncs: what a killed process left may be in the page cache only, and must be
            # on disk before the next segment builds on it.
            with WAL(path) as wal:
                frames = 0
                for entries in wal.replay(is_last=is_last):
                    self._apply_locked(entries)
                    frames += 1
                recovery = replace(recovery, frames_replayed=recovery.frames_replayed + frames)
                if wal.bytes_cut:
                    recovery = replace(
                        recovery,
                        bytes_cut=wal.bytes_cut,
                        cut_path=str(path),
                        cut_offset=wal.cut_offset,
                    )
        return recovery

    def _open_segment(self, number: int) -> WAL:
        path = segment_path(self._folder, number)
        try:
            return WAL(path, self._sync, interval=self._sync_interval)
        except OSError:
            self._withdraw(path)
            raise

    def _withdraw(self, segment: Path) -> None:
        """Take back a segment that could not be begun: with one behind it, the segment that goes on
        would not be the last, and a torn end of it would count as damage.
        """
        try:
            segment.unlink(missing_ok=True)
            _fsync_directory(self._folder)
        except OSError:
            self._wal.close()
            self._wal = _FailedLog()

    def _cut(self) -> tuple[int, int, dict[str, bytes], dict[str, int]]:
        """Begin a new segment, and copy memory: together, so that it is what the old ones say."""
        with self._write_lock:
            self._refuse_if_closed()
            self._wal.sync()  # before a newer segment exists: only the last one may be torn
            number = self._segment + 1
            old, self._wal = self._wal, self._open_segment(number)
            self._segment = number
            old.close()
            with self._clock.held_at(self._clock()):
                # A clock that is set back must not revive what the snapshot leaves out.
                self._memory.purge_expired()
                return number, self._writes, *self._memory.dump()

    def _snapshots(self) -> dict[int, Path]:
        """Every snapshot in the folder by its number, intact or not."""
        found = {}
        for path in self._folder.glob("snapshot-*.kvsp"):
            digits = path.stem.removeprefix("snapshot-")
            if digits.isdecimal() and path == snapshot_path(self._folder, int(digits)):
                found[int(digits)] = path
        return found

    def _remove_files_before(self, number: int) -> None:
        """Remove the segments and snapshots that snapshot `number` makes superfluous."""
        for saved, snapshot in self._snapshots().items():
            if saved < number:
                snapshot.unlink()
        for older, segment in list_segments(self._folder):
            if older < number:
                segment.unlink()

    # Work in the background.

    def _repeat(self, seconds: float, work: Callable[[], None]) -> None:
        """Run `work` every so many seconds, in a thread of its own, until the store closes."""

        def loop() -> None:
            while not self._closing.wait(min(seconds, threading.TIMEOUT_MAX)):
                work()

        thread = threading.Thread(target=loop, name=f"kvstore{work.__name__}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _sync_idle_log(self) -> None:
        with self._write_lock:
            try:
                self._wal.sync()
            except OSError as error:
                self._sync_error = error  # the next write, or close, tells the caller
            except LogFailedError:
                pass  # the caller knows

    def _snapshot_if_changed(self) -> None:
        if self._writes == self._writes_saved:
            return
        try:
            self.snapshot()
        except Exception as error:  # whatever it is, the thread must live to try again
            self.last_snapshot_error = error
        else:
            self.last_snapshot_error = None


class _FailedLog:
    """Stands where the log was, when a segment behind it failed and could not be taken back."""

    closed = False

    def append(self, *_entries: Entry) -> None:
        self.sync()

    def sync(self) -> None:
        raise LogFailedError("a new segment of the log failed, and is in the way: reopen the store")

    def close(self) -> None:
        """There is nothing to put on disk."""
        self.closed = True


class _Rehearsal:
    """Runs operations on a scratch copy of the keys that they touch, and writes down what to log.

    So every rule about keys, values, numbers and deadlines stands in `MemoryStore` alone.
    """

    def __init__(self, memory: MemoryStore, clock: Callable[[], float]) -> None:
        self._memory = memory
        self._scratch = MemoryStore(clock)
        self._copied: set[str] = set()
        self._timestamp = int(clock() * 1e9)
        self.entries: list[Entry] = []

    def run(self, batch: list[Sequence[Any]]) -> None:
        for operation in batch:
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
                    raise ValueError(f"{operation!r} is not an operation of a batch")

    def set(self, key: str, value: bytes) -> None:
        self._scratch.set(key, value)
        self._copied.add(key)
        self._log(Op.SET, key, value)

    def delete(self, key: str) -> bool:
        was_there = self._copy(key).delete(key)
        if was_there:
            self._log(Op.DELETE, key)
        return was_there

    def setnx(self, key: str, value: bytes) -> bool:
        was_absent = self._copy(key).setnx(key, value)
        if was_absent:
            self._log(Op.SET, key, value)
        return was_absent

    def incr(self, key: str, by: int) -> int:
        total = self._copy(key).incr(key, by)
        self._log(Op.SET, key, self._scratch.get(key) or b"")
        deadline_ns = self._scratch.deadline(key)
        if deadline_ns is not None:  # replaying the SET clears it
            self._log_deadline(key, deadline_ns)
        return total

    def expire(self, key: str, seconds: float) -> bool:
        return self._log_expiry(key, was_there=self._copy(key).expire(key, seconds))

    def expire_at(self, key: str, deadline_ns: int) -> bool:
        return self._log_expiry(key, was_there=self._copy(key).expire_at(key, deadline_ns))

    def persist(self, key: str) -> bool:
        had_deadline = self._copy(key).persist(key)
        if had_deadline:
            self._log(Op.EXPIRE, key)
        return had_deadline

    def _copy(self, key: str) -> MemoryStore:
        """Bring a key into the scratch store, as memory has it, when it is first touched."""
        value = self._memory.get(key)  # refuses a bad key, before it meets the set
        if key not in self._copied:
            self._copied.add(key)
            deadline_ns = self._memory.deadline(key)
            if value is not None:
                self._scratch.set(key, value)
            if deadline_ns is not None:
                self._scratch.expire_at(key, deadline_ns)
        return self._scratch

    def _log_expiry(self, key: str, *, was_there: bool) -> bool:
        deadline_ns = self._scratch.deadline(key)
        if deadline_ns is not None and was_there:
            self._log_deadline(key, deadline_ns)
        elif was_there:  # the deadline had passed, and the key is gone
            self._log(Op.DELETE, key)
        return was_there

    def _log_deadline(self, key: str, deadline_ns: int) -> None:
        self._log(Op.EXPIRE, key, deadline_ns.to_bytes(8, "big", signed=True))

    def _log(self, op: Op, key: str, value: bytes = b"") -> None:
        self.entries.append(Entry(op, self._timestamp, key, value))


def _apply(memory: MemoryStore, entry: Entry) -> None:
    if entry.op == Op.SET:
        memory.set(entry.key, entry.value)
    elif entry.op == Op.DELETE:
        memory.delete(entry.key)
    elif entry.value:
        memory.expire_at(entry.key, int.from_bytes(entry.value, "big", signed=True))
    else:
        memory.persist(entry.key)


class _Clock(threading.local):
    """The store's clock, which a thread can hold still for itself while others see it go on."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._held: float | None = None

    def __call__(self) -> float:
        return self._clock() if self._held is None else self._held

    @contextmanager
    def held_at(self, instant: float) -> Iterator[None]:
        self._held = instant
        try:
            yield
        finally:
            self._held = None


def _make_folder(folder: Path) -> None:
    """Make a folder, and those around it that are missing, so that no power cut takes their names.

    Each name is synced before the next one is made, and one more than are new: whoever made that
    may have been killed before he could.
    """
    places = [folder, *folder.parents]
    new = [place for place in places if not place.exists()]
    if not new and list_segments(folder):
        return
    for place in reversed(places[: len(new) + 1]):
        place.mkdir(exist_ok=True)
        with suppress(PermissionError):  # that one was there before, and others look after it
            _fsync_directory(place.parent)


def _fsync_directory(folder: Path) -> None:
    """Make the names in a folder durable. Windows does so by itself, and cannot open a folder."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class _FolderLock:
    """Keeps a folder for one store: a lock of the operating system, so it dies with the process.

    The file stays. If it were deleted, two stores could each lock a file of that name.
    """

    def __init__(self, folder: Path) -> None:
        self._file = (folder / "LOCK").open("ab")
        try:
            if sys.platform == "win32":
                msvcrt.locking(self._file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            self._file.close()
            raise StoreLockedError(
                f"another store has {folder} open: close it first, or use another folder"
            ) from None

    def release(self) -> None:
        if sys.platform == "win32":
            msvcrt.locking(self._file.fileno(), msvcrt.LK_UNLCK, 1)
        else:
            # Closing is not enough: a forked child may have the file open too.
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._file.close()
