"""A segment on bare descriptors: header and payload in two writes, `fdatasync`, `pread`.

Whether something is left to sync is told by sizes: that of the file, and that at the last sync.
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

_CLOSED = -1
_UNKNOWN = -1


class WAL:
    """An append-only segment, for many threads."""

    def __init__(self, path, sync="always", *, interval=1.0, clock=time.monotonic):
        if sync not in ("always", "interval", "never"):
            raise ValueError(f"{sync!r} is none of always, interval, never")
        self._path, self._policy = os.fspath(path), sync
        self._interval, self._clock = interval, clock
        self._turn = threading.Lock()  # protects all of this
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            # Always: whoever made the file may have been killed before he did it.
            sync_folder(Path(self._path).parent)
        except BaseException:
            os.close(self._fd)
            raise
        self._size = os.fstat(self._fd).st_size
        self._synced_size = _UNKNOWN if self._size else 0
        self._is_tail_whole = self._size == 0
        self._appends, self._is_broken = 0, False
        self._synced_at = clock()
        self.bytes_cut, self.cut_offset = 0, None

    def append(self, *entries):
        frame = pack(entries)
        with self._turn:
            self._refuse_broken()
            if not self._is_tail_whole:
                offsets = [end for _entries, end in _scan(self._path, self._size)]
                self._settle(offsets[-1] if offsets else 0, self._size)
            try:
                self._appends += 1
                for part in frame:
                    self._write(part)
                late = self._clock() - self._synced_at
                if self._policy == "always" or (
                    self._policy == "interval" and late >= self._interval
                ):
                    self._put_on_disk()
            except BaseException:
                self._is_broken = True
                raise

    def sync(self):
        with self._turn:
            self._refuse_broken()
            self._put_on_disk()

    def replay(self, *, is_last=True):
        with self._turn:
            self._refuse_closed()
            return self._replay(self._size, self._appends, is_last)

    def close(self):
        with self._turn:
            if self._fd == _CLOSED:
                return
            try:
                if not self._is_broken:
                    self._put_on_disk()
            finally:
                os.close(self._fd)
                self._fd = _CLOSED

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.close()

    def _replay(self, size, appends, is_last):
        end = 0
        for entries, after in _scan(self._path, size):
            yield entries
            end = after
        with self._turn:
            if appends == self._appends:
                self._settle(end, size, is_last=is_last)

    def _settle(self, end, size, *, is_last=True):
        if end < size:
            if not is_last:
                raise CorruptLogError("an earlier segment is torn", self._path, end)
            self._refuse_broken()
            os.ftruncate(self._fd, end)
            self._size, self._synced_size = end, _UNKNOWN
            self._put_on_disk()
        self._is_tail_whole = True
        self.bytes_cut, self.cut_offset = size - end, end if end < size else None

    def _write(self, data):
        while data:
            count = os.write(self._fd, data)
            self._size += count
            data = data[count:]

    def _put_on_disk(self):
        if self._synced_size == self._size:
            return
        try:
            getattr(os, "fdatasync", os.fsync)(self._fd)
        except BaseException:
            self._is_broken = True
            raise
        self._synced_size, self._synced_at = self._size, self._clock()

    def _refuse_closed(self):
        if self._fd == _CLOSED:
            raise ValueError("this log is closed")

    def _refuse_broken(self):
        self._refuse_closed()
        if self._is_broken:
            raise LogFailedError("this log failed; open it again")


def _scan(path, size):
    """Yield the entries of each whole frame, and where it ends."""
    fd, at = os.open(path, os.O_RDONLY), 0
    try:
        while at < size:
            head = os.pread(fd, min(HEADER.size, size - at), at)
            length = int.from_bytes(head[4:], "big")
            frame = os.pread(fd, min(HEADER.size + length, size - at), at)
            found = unpack(frame, 0, len(frame))
            if not found:
                rest = os.pread(fd, size - at, at)
                if has_frame_after(rest, 0, len(rest)):
                    raise CorruptLogError("a whole frame follows the damage", path, at)
                return
            at += found[1]
            yield found[0], at
    finally:
        os.close(fd)
