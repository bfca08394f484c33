"""The durable store: memory to read from, a log to survive with, and one way in for every change.

Invariants:
- Writers take turns, so memory changes in the order of the log.
- What an operation returned is in the log; what the log does not hold was never seen by a reader.
- No reader sees a part of a batch.
- Whether a key was dead is decided once, when the change is logged, and never judged again.

Not here: bytes (entry, wal, snapshot) and the rules of the operations (memory).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

# You also need: `MemoryStore`; `Entry` and `Op`; `WAL`, `list_segments` and `segment_path`; all
# functions of .snapshot; several errors of .errors; and of the standard library `threading` and a
# lock on a file: `fcntl.flock` on Linux and macOS, `msvcrt.locking` on Windows.


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
        # TODO: in this order: the folder, the lock, the stale `*.tmp` files, recovery, a new
        # segment. Who comes second must not have touched anything. If a step fails, everything
        # before it must be let go again, above all the lock. Recovery asks `latest_snapshot` first,
        # then replays the segments from that number on; read the brief for what may be missing, and
        # by whose clock. Last come the threads in the background: one that syncs an idle log, and
        # in stage 5 one for snapshots.
        raise NotImplementedError("stage 4: Store.open")

    # Reads.

    def get(self, key: str) -> bytes | None:
        """Return the value, or None if there is no such key."""
        # TODO: memory knows the answer. The seven reads have two things in common, which are worth
        # one method of your own: a closed store refuses, and a batch must not be seen half applied.
        raise NotImplementedError("stage 4: Store.get")

    def exists(self, key: str) -> bool:
        """Return True if the key is there."""
        # TODO: as get.
        raise NotImplementedError("stage 4: Store.exists")

    def keys(self, pattern: str = "*") -> list[str]:
        """Return the keys that match a Redis glob, as they are at one instant."""
        # TODO: as get; one instant's view.
        raise NotImplementedError("stage 4: Store.keys")

    def __len__(self) -> int:
        # TODO: as get; the live keys.
        raise NotImplementedError("stage 4: Store.__len__")

    def ttl(self, key: str) -> float:
        """Return the seconds that a key has left; -1 without a deadline, -2 without the key."""
        # TODO: as get.
        raise NotImplementedError("stage 4: Store.ttl")

    def deadline(self, key: str) -> int | None:
        """Return a key's deadline in unix nanoseconds; None without one, or without the key."""
        # TODO: as get.
        raise NotImplementedError("stage 4: Store.deadline")

    def dump(self) -> tuple[dict[str, bytes], dict[str, int]]:
        """Return values by key, and deadlines (unix nanoseconds) by key, as at one instant."""
        # TODO: as get; one instant's view.
        raise NotImplementedError("stage 4: Store.dump")

    # Writes.

    def set(self, key: str, value: bytes) -> None:
        """Store a value, and clear the key's deadline."""
        # TODO: validate, log, apply: in this order, and with no other writer in between. Find one
        # way for all seven writes and for batches; recovery can then apply entries as they do.
        raise NotImplementedError("stage 4: Store.set")

    def delete(self, key: str) -> bool:
        """Remove a key; True if it was there."""
        # TODO: a key that is not there leaves no trace in the log.
        raise NotImplementedError("stage 4: Store.delete")

    def setnx(self, key: str, value: bytes) -> bool:
        """Store a value only if the key is absent, as one step; True if it was stored."""
        # TODO: looking and storing must be one step, for memory and log alike.
        raise NotImplementedError("stage 4: Store.setnx")

    def incr(self, key: str, by: int = 1) -> int:
        """Add `by` to a decimal value, a missing one being 0, as one step; return the sum."""
        # TODO: what does replaying a SET do to the key's deadline? Everything that undoes it
        # belongs in the same frame.
        raise NotImplementedError("stage 4: Store.incr")

    def expire(self, key: str, seconds: float) -> bool:
        """Give a key `seconds` to live, zero or less removing it; False if there is none."""
        # TODO: the log holds the instant, not the duration. Zero or less removes the key, and
        # reopening must not bring it back.
        raise NotImplementedError("stage 4: Store.expire")

    def expire_at(self, key: str, deadline_ns: int) -> bool:
        """Let a key die at `deadline_ns` (unix nanoseconds); otherwise like `expire`."""
        # TODO: as expire, with the instant already there.
        raise NotImplementedError("stage 4: Store.expire_at")

    def persist(self, key: str) -> bool:
        """Take a key's deadline away; True if it had one."""
        # TODO: an EXPIRE without a value, if there was a deadline to remove.
        raise NotImplementedError("stage 4: Store.persist")

    def apply_batch(self, operations: Iterable[Sequence[Any]]) -> None:
        """Do several writes as one: all or none, for readers and after a crash alike.

        Each is `("set", key, value)`, `("delete", key)`, `("expire", key, seconds)` or `("persist",
        key)`; anything else is a `ValueError`. Each sees what those before it did.
        """
        # TODO: find everything that is wrong before anything is logged. A later operation may
        # depend on an earlier one: memory cannot be asked, because memory does not know yet.
        raise NotImplementedError("stage 4: Store.apply_batch")

    def purge_expired(self) -> int:
        """Free the memory of dead keys; return how many. Nobody saw them: nothing is logged."""
        # TODO: memory does it. Does the log need to know?
        raise NotImplementedError("stage 4: Store.purge_expired")

    # The store as a whole.

    def snapshot(self) -> None:
        """Write all live keys to a snapshot, so that the log before it can go.

        Writers wait while memory is copied, not while the file is written. After an `OSError` the
        store is as durable as before, and the next snapshot makes up for this one.
        """
        # TODO: a copy of memory and a new segment must belong together: no write may fall between
        # them. Then write the file, without making writers wait. Whether it is there now, ask
        # `latest_snapshot`: until stage 5 it is not, and then nothing may be removed.
        raise NotImplementedError("stage 4: Store.snapshot")

    def close(self) -> None:
        """Put everything on disk and let the folder go. Closing again does nothing.

        Raises `OSError` if the last fsync fails, and `LogFailedError` if one failed in the
        background. The store is closed all the same.
        """
        # TODO: stop the threads in the background first. No writer may be half done, and the lock
        # is the last thing to go, even if the last fsync fails.
        raise NotImplementedError("stage 4: Store.close")

    def __enter__(self) -> Self:
        # TODO: what does `with Store.open(...) as store` bind to `store`?
        raise NotImplementedError("stage 4: Store.__enter__")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # TODO: however the block ended, the store is closed.
        raise NotImplementedError("stage 4: Store.__exit__")
