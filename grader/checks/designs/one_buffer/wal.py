"""A segment behind one buffered file that keeps its own place: seek, write, flush, fsync.

A torn tail is cut by the file's name and not by a descriptor.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from .errors import CorruptLogError, LogFailedError
from .folders import sync_folder
from .frames import HEADER, has_frame_after, list_segments, pack, segment_path, unpack

__all__ = ["WAL", "list_segments", "segment_path"]

_POLICIES = {
    "always": lambda log: True,
    "interval": lambda log: log.clock() - log.synced_at >= log.interval,
    "never": lambda log: False,
}


class WAL:
    """An append-only segment, for many threads."""

    def __init__(self, path, sync="always", *, interval=1.0, clock=time.monotonic):
        if sync not in _POLICIES:
            raise ValueError(f"no such policy: {sync!r}")
        self._path, self._is_due = Path(path), _POLICIES[sync]
        self.interval, self.clock = interval, clock
        self._path.touch()
        self._file = self._path.open("r+b")
        self._end = self._path.stat().st_size  # where the next frame goes
        if not self._end:
            try:
                sync_folder(self._path.parent)
            except BaseException:
                self._file.close()
                raise
        self._lock = threading.Lock()
        self._is_dirty, self._is_checked = self._end > 0, self._end == 0
        self._failure, self._generation = None, 0
        self.synced_at = clock()
        self.bytes_cut, self.cut_offset = 0, None

    def append(self, *entries):
        header, payload = pack(entries)
        with self._lock:
            self._must_work()
            if not self._is_checked:
                ends = [after for _entries, after in _frames(self._path, self._end)]
                self._cut(ends[-1] if ends else 0)
            self._generation += 1
            self._is_dirty = True
            try:
                self._file.seek(self._end)
                self._file.write(header + payload)
                self._file.flush()
                self._end += len(header) + len(payload)
                if self._is_due(self):
                    self._fsync()
            except BaseException as failure:
                self._failure = failure
                raise

    def sync(self):
        with self._lock:
            self._must_work()
            self._fsync()

    def replay(self, *, is_last=True):
        with self._lock:
            self._must_be_open()
            return self._replay(self._end, self._generation, is_last)

    def close(self):
        with self._lock:
            if self._file.closed:
                return
            try:
                if self._failure is None:
                    self._fsync()
            finally:
                # The raw file: a failed log must not write what its buffer still holds.
                self._file.raw.close()

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.close()

    def _replay(self, end, generation, is_last):
        whole = 0
        for entries, after in _frames(self._path, end):
            yield entries
            whole = after
        with self._lock:
            if generation != self._generation:
                return
            if whole < end and not is_last:
                raise CorruptLogError("torn, though not the last one", str(self._path), whole)
            self._cut(whole)

    def _cut(self, at):
        """Let the log end here, where the last whole frame does."""
        self.bytes_cut, self.cut_offset = 0, None
        if at < self._end:
            self._must_work()
            os.truncate(self._path, at)
            self.bytes_cut, self.cut_offset = self._end - at, at
            self._end, self._is_dirty = at, True
            self._fsync()
        self._is_checked = True

    def _fsync(self):
        if self._is_dirty:
            try:
                os.fsync(self._file.fileno())
            except BaseException as failure:
                self._failure = failure
                raise
            self._is_dirty, self.synced_at = False, self.clock()

    def _must_be_open(self):
        if self._file.closed:
            raise ValueError(f"{self._path} was closed")

    def _must_work(self):
        self._must_be_open()
        if self._failure is not None:
            raise LogFailedError(f"{self._path} failed earlier: {self._failure}")


def _frames(path, end):
    """Yield the entries of each whole frame, and where it ends."""
    at = 0
    with path.open("rb") as file:
        while at < end:
            header = file.read(min(HEADER.size, end - at))
            length = int.from_bytes(header[4:], "big")
            frame = header + file.read(min(length, end - at - len(header)))
            found = unpack(frame, 0, len(frame))
            if not found:
                file.seek(at)
                rest = file.read(end - at)
                if has_frame_after(rest, 0, len(rest)):
                    raise CorruptLogError("damage before a whole frame", str(path), at)
                return
            at += found[1]
            yield found[0], at
