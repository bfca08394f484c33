"""A segment whose frames are written from behind: the payload, then the header that makes it one.

Frames are read from a memory map, each under the lock: what was cut off can no longer be touched.
"""

from __future__ import annotations

import mmap
import os
import threading
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path

from .errors import CorruptLogError, LogFailedError
from .folders import sync_folder
from .frames import HEADER, has_frame_after, list_segments, pack, segment_path, unpack

__all__ = ["WAL", "list_segments", "segment_path"]


class WAL:
    """An append-only segment, for many threads."""

    def __init__(self, path, sync="always", *, interval=1.0, clock=time.monotonic):
        after = {"always": 0, "interval": interval, "never": float("inf")}
        if sync not in after:
            raise ValueError(f"sync must be one of {', '.join(after)}")
        self._sync_after, self._clock = after[sync], clock  # seconds
        self._path = Path(path)
        self._file = self._path.open("ab", buffering=0)
        self._file.close()
        self._file = self._path.open("r+b", buffering=0)
        self._end = os.fstat(self._file.fileno()).st_size
        if self._end == 0:
            try:
                sync_folder(self._path.parent)
            except BaseException:
                self._file.close()
                raise
        self._mutex = threading.RLock()
        self._unsynced = self._end != 0
        self._checked_to = 0  # up to here all is whole
        self._failed = False
        self._last_sync = clock()
        self.bytes_cut, self.cut_offset = 0, None

    def append(self, *entries):
        header, payload = pack(entries)
        with self._mutex:
            self._require_working()
            if self._checked_to < self._end:
                for _ in self._frames(self._end):
                    continue
                self._finish(self._end, is_last=True)
            with self._failing_for_good():
                self._unsynced = True
                self._write_at(self._end + HEADER.size, payload)
                self._write_at(self._end, header)
                self._end += HEADER.size + len(payload)
                self._checked_to = self._end
                if self._sync_after == 0 or self._clock() - self._last_sync >= self._sync_after:
                    self._fsync()

    def sync(self):
        with self._mutex:
            self._require_working()
            self._fsync()

    def replay(self, *, is_last=True):
        with self._mutex:
            self._require_open()
            return self._replay(self._end, is_last)

    def close(self):
        with self._mutex:
            try:
                if not self._file.closed and not self._failed:
                    self._fsync()
            finally:
                self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.close()

    def _replay(self, end, is_last):
        yield from self._frames(end)
        with self._mutex:
            self._finish(end, is_last=is_last)

    def _frames(self, end):
        """Yield the entries of each whole frame that begins before `end`."""
        at = 0
        with self._path.open("rb") as file, self._map(file, end) as data:
            while True:
                with self._mutex:
                    # A torn tail that was cut meanwhile lies beyond the file: reading it kills.
                    end = min(len(data), self._end)
                    found = unpack(data, at, end)
                    if not found:
                        if has_frame_after(data, at, end):
                            where = str(self._path)
                            raise CorruptLogError("whole frames follow this damage", where, at)
                        return
                    at = found[1]
                    self._checked_to = max(self._checked_to, at)
                yield found[0]

    def _map(self, file, size):
        with self._mutex:
            size = min(size, self._end)
            if size == 0:
                return nullcontext(b"")
            return mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)

    def _finish(self, end, *, is_last):
        """Cut what no frame explains, unless it is new."""
        self.bytes_cut, self.cut_offset = 0, None
        whole = self._checked_to
        if whole >= min(end, self._end):
            return
        if not is_last:
            raise CorruptLogError("only the last segment may be torn", str(self._path), whole)
        self._require_working()
        self._file.truncate(whole)
        self.bytes_cut, self.cut_offset = end - whole, whole
        self._end, self._unsynced = whole, True
        self._fsync()

    def _write_at(self, place, data):
        while data:
            count = os.pwrite(self._file.fileno(), data, place)
            place, data = place + count, data[count:]

    def _fsync(self):
        if not self._unsynced:
            return
        with self._failing_for_good():
            os.fsync(self._file.fileno())
        self._unsynced, self._last_sync = False, self._clock()

    @contextmanager
    def _failing_for_good(self):
        try:
            yield
        except BaseException:
            self._failed = True
            raise

    def _require_open(self):
        if self._file.closed:
            raise ValueError("the log is closed already")

    def _require_working(self):
        self._require_open()
        if self._failed:
            raise LogFailedError("the log failed: only opening it again helps")
