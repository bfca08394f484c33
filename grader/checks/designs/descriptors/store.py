"""A store with the other kind of lock, one of the whole process, and another way to tidy up.

A process may take a lock of this kind twice, so the process keeps a table of its own as well.
"""

from __future__ import annotations

import fcntl
import os
import threading

from .engine import Engine, Recovery
from .errors import StoreLockedError
from .folders import sync_folder
from .locked import LockedStore
from .wal import list_segments

__all__ = ["Recovery", "Store"]

_table_lock = threading.Lock()
_taken = set()  # device and inode of each LOCK that this process holds


class ProcessLock:
    """LOCK, for this process and this store."""

    def __init__(self, folder):
        with _table_lock:
            place = folder.stat()
            self._key = place.st_dev, place.st_ino
            # Before the file is opened: closing it again would let go of the lock.
            if self._key in _taken:
                raise StoreLockedError(f"this process has {folder} open already")
            self._fd = os.open(folder / "LOCK", os.O_RDWR | os.O_CREAT, 0o666)
            try:
                fcntl.lockf(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(self._fd)
                raise StoreLockedError(f"another process has {folder} open") from None
            _taken.add(self._key)

    def release(self):
        with _table_lock:
            os.close(self._fd)
            _taken.discard(self._key)


class TidyEngine(Engine):
    """Removes the newest of the old segments first, snapshots last, and puts that on disk."""

    lock = ProcessLock

    def retire(self, number):
        for found, path in reversed(list_segments(self._folder)):
            if found < number:
                path.unlink()
        self.remove_snapshots(number)
        sync_folder(self._folder)


class Store(LockedStore):
    """A durable map of `str` keys to `bytes` values, for many threads."""

    engine = TidyEngine
