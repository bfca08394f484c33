"""Write-ahead log: append frames, read them back, cut a torn tail."""

import os
import re
import struct
import threading
import time
import zlib
from pathlib import Path

from .entry import decode, encode
from .errors import (
    CorruptEntryError,
    CorruptLogError,
    LogFailedError,
    TruncatedEntryError,
)

_HEADER = 8


class WAL:
    """One log file."""

    bytes_cut = 0
    cut_offset = None

    def __init__(self, path, sync="always", *, interval=1.0, clock=time.monotonic):
        if sync not in ("always", "interval", "never"):
            raise ValueError("sync must be always, interval or never")
        self.path = Path(path)
        self.policy = sync
        self.interval = interval
        self.clock = clock
        self.lock = threading.RLock()
        self.closed = False
        self.failed = False
        self.file = open(self.path, "ab")
        self.size = self.path.stat().st_size
        self.dirty = self.size > 0
        self.last_sync = clock()

    def append(self, *entries) -> None:
        """Write one frame."""
        if not entries:
            raise ValueError("nothing to append")
        payload = b"".join(map(encode, entries))
        if len(payload) >= 2**32:
            raise ValueError("too much for one frame")
        frame = struct.pack(">II", zlib.crc32(payload), len(payload)) + payload
        with self.lock:
            self._check_open()
            self._check_failed()
            try:
                self.file.write(frame)
                self.file.flush()
            except OSError:
                self.failed = True
                raise
            self.dirty = True
            # "always": flush() has just put it on the disk
            if self.policy == "interval" and self.clock() - self.last_sync > self.interval:
                self._fsync()

    def sync(self) -> None:
        """fsync if needed."""
        with self.lock:
            self._check_open()
            self._check_failed()
            self._fsync()

    def _fsync(self):
        if not self.dirty:
            return
        os.fsync(self.file.fileno())
        self.dirty = False
        self.last_sync = self.clock()

    def _check_open(self):
        if self.closed:
            raise ValueError("log is closed")

    def _check_failed(self):
        if self.failed:
            raise LogFailedError("the log failed before, reopen it")

    def replay(self, *, is_last=True):
        """Yield the entries of each frame."""
        self._check_open()
        return self._frames(is_last)

    def _frames(self, is_last):
        with self.lock:
            self._check_open()
            end = self.path.stat().st_size
        pos = 0
        with open(self.path, "rb") as f:
            while True:
                frame = read_frame(f, pos, end)
                if frame is None:
                    break
                entries, pos = frame
                yield entries
        with self.lock:
            self._check_open()
            if pos == end:
                self.bytes_cut, self.cut_offset = 0, None
            else:
                self.bytes_cut, self.cut_offset = self._settle(pos, is_last)

    def _settle(self, pos, is_last):
        """Look at everything from pos on. Lock is held."""
        end = self.path.stat().st_size
        with open(self.path, "rb") as f:
            while pos < end:
                frame = read_frame(f, pos, end)
                if frame is None:
                    break
                pos = frame[1]
            if pos == end:
                return 0, None
            f.seek(pos)
            rest = f.read()
        if not is_last:
            raise CorruptLogError("torn frame, but not the last segment", str(self.path), pos)
        if intact_frame_in(rest):
            raise CorruptLogError("damage in the middle of the log", str(self.path), pos)
        self._check_failed()
        try:
            self.file.truncate(pos)
        except OSError:
            self.failed = True
            raise
        self.dirty = True
        return end - pos, pos

    def close(self) -> None:
        """Sync and close."""
        with self.lock:
            if self.closed:
                return
            self.closed = True
            try:
                if not self.failed:
                    self._fsync()
            finally:
                try:
                    self.file.close()
                except OSError:
                    pass

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def read_frame(f, pos, end):
    """(entries, next position), or None if there is no whole frame."""
    f.seek(pos)
    header = f.read(_HEADER)
    if len(header) < _HEADER:
        return None
    crc, length = struct.unpack(">II", header)
    if pos + _HEADER + length > end:
        return None
    payload = f.read(length)
    if len(payload) != length or zlib.crc32(payload) != crc:
        return None
    entries = decode_payload(payload)
    if not entries:
        return None
    return entries, pos + _HEADER + length


def decode_payload(payload):
    entries = []
    at = 0
    try:
        while at < len(payload):
            entry, at = decode(payload, at)
            entries.append(entry)
    except (TruncatedEntryError, CorruptEntryError):
        return None
    return entries


def intact_frame_in(data) -> bool:
    """Is there a good frame after this bad one?"""
    if len(data) < _HEADER:
        return False
    _, length = struct.unpack(">II", data[:_HEADER])
    rest = data[_HEADER + length :]
    while len(rest) >= _HEADER:
        crc, length = struct.unpack(">II", rest[:_HEADER])
        payload = rest[_HEADER : _HEADER + length]
        if len(payload) == length and zlib.crc32(payload) == crc and decode_payload(payload):
            return True
        rest = rest[_HEADER + length :]
    return False


def segment_path(data_dir, number) -> Path:
    """wal-0000000001.log"""
    return Path(data_dir) / f"wal-{number:010}.log"


def list_segments(data_dir) -> list[tuple[int, Path]]:
    """All segments by number."""
    result = []
    for path in Path(data_dir).iterdir():
        m = re.fullmatch(r"wal-(\d{10,})\.log", path.name, re.ASCII)
        if m:
            result.append((int(m.group(1)), path))
    return sorted(result)
