"""One segment of the write-ahead log: frames, back to back, that only grow.

    crc32 of the payload u32 | payload_len u32 | payload: one or more entries        (big-endian)
"""

from __future__ import annotations

import os
import re
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from .entry import Entry, decode, encode
from .errors import CorruptEntryError, CorruptLogError, LogFailedError, TruncatedEntryError

_POLICIES = ("always", "interval", "never")
_HEADER = struct.Struct(">II")
_PAYLOAD_BYTES_MAX = 2**32 - 1
_MAGIC = b"KVLG"
_NAME = re.compile(r"wal-([0-9]{10}|[1-9][0-9]{10,})\.log")


class WAL:
    """An append-only segment file at `path`, made if missing, for many threads."""

    bytes_cut: int = 0
    cut_offset: int | None = None

    def __init__(
        self,
        path: str | os.PathLike[str],
        sync: str = "always",
        *,
        interval: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if sync not in _POLICIES:
            raise ValueError(f"unknown sync policy {sync!r}: use one of {', '.join(_POLICIES)}")
        self._path = Path(path)
        self._policy = sync
        self._interval = interval
        self._clock = clock
        self._lock = threading.Lock()  # protects all below, and every change of the file
        self._closed = False
        self._failed = False
        is_new = not self._path.exists()
        self._file = open(self._path, "ab", buffering=0)
        try:
            if is_new:
                _sync_folder(self._path.parent)
            size = os.fstat(self._file.fileno()).st_size
        except BaseException:
            self._file.close()
            raise
        self._unsynced = size > 0  # who wrote it may not have lived to sync it
        self._tail_is_good = size == 0
        self._last_sync = clock()

    def append(self, *entries: Entry) -> None:
        """Write the entries as one frame: after a crash, all of them are there or none."""
        payload = b"".join([encode(entry) for entry in entries])
        if not payload:
            raise ValueError("append needs at least one entry")
        if len(payload) > _PAYLOAD_BYTES_MAX:
            raise ValueError(f"a frame of {len(payload)} bytes is over {_PAYLOAD_BYTES_MAX}")
        frame = _HEADER.pack(zlib.crc32(payload), len(payload)) + payload
        with self._lock:
            self._check_usable_locked()
            if not self._tail_is_good:
                self._repair_tail_locked(0, is_last=True)
            self._write_locked(frame)
            if self._policy == "always" or (
                self._policy == "interval" and self._clock() >= self._last_sync + self._interval
            ):
                self._sync_locked()

    def sync(self) -> None:
        """Put on disk (fsync) what is not there yet. Raises as `append` does."""
        with self._lock:
            self._check_usable_locked()
            self._sync_locked()

    def replay(self, *, is_last: bool = True) -> Iterator[list[Entry]]:
        """Yield the entries of each frame, in order; then cut a torn tail, if this `is_last`."""
        with self._lock:
            self._check_open_locked()
        return self._replay(is_last)

    def _replay(self, is_last: bool) -> Iterator[list[Entry]]:
        with self._lock:
            self._check_open_locked()
            end = os.fstat(self._file.fileno()).st_size
        position = 0
        with open(self._path, "rb") as file:
            while position < end:
                frame = _read_frame(file, position, end)
                if frame is None:
                    break
                entries, position = frame
                yield entries
        with self._lock:
            self._check_open_locked()
            if position < end:
                # Somebody may have appended (and cut) since: the lock's view is the one that counts.
                self.bytes_cut, self.cut_offset = self._repair_tail_locked(position, is_last)
            else:
                self._tail_is_good = True
                self.bytes_cut, self.cut_offset = 0, None

    def close(self) -> None:
        """Sync, whatever the policy, and close the file. Closing again does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            try:
                if not self._failed:
                    self._sync_locked()
            finally:
                self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _check_open_locked(self) -> None:
        if self._closed:
            raise ValueError(f"the log {self._path} is closed")

    def _check_usable_locked(self) -> None:
        self._check_open_locked()
        if self._failed:
            raise LogFailedError(f"an earlier write to {self._path} failed: reopen the log")

    def _write_locked(self, frame: bytes) -> None:
        self._unsynced = True
        rest = memoryview(frame)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except BaseException:
            self._failed = True
            raise

    def _sync_locked(self) -> None:
        if not self._unsynced:
            return
        try:
            os.fsync(self._file.fileno())
        except BaseException:
            self._failed = True
            raise
        self._unsynced = False
        self._last_sync = self._clock()

    def _repair_tail_locked(self, position: int, is_last: bool) -> tuple[int, int | None]:
        """Check the frames from `position` on and cut a torn tail; return what was cut, and where."""
        end = os.fstat(self._file.fileno()).st_size
        with open(self._path, "rb") as file:
            while position < end:
                frame = _read_frame(file, position, end)
                if frame is None:
                    break
                position = frame[1]
            if position < end:
                self._refuse_rot(file, position, is_last)
        if position >= end:
            self._tail_is_good = True
            return 0, None
        self._check_usable_locked()
        self._unsynced = True
        try:
            self._file.truncate(position)
        except BaseException:
            self._failed = True
            raise
        self._sync_locked()
        self._tail_is_good = True
        return end - position, position

    def _refuse_rot(self, file: BinaryIO, position: int, is_last: bool) -> None:
        if not is_last:
            message = "a damaged frame in a segment that is not the last"
            raise CorruptLogError(message, str(self._path), position)
        file.seek(position)
        if _holds_a_frame(file.read()):
            message = "a damaged frame with an intact one after it"
            raise CorruptLogError(message, str(self._path), position)


def _read_frame(file: BinaryIO, position: int, end: int) -> tuple[list[Entry], int] | None:
    """Return the entries of the frame at `position` and the next position; None if damaged."""
    file.seek(position)
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return None
    crc, size = _HEADER.unpack(header)
    if position + _HEADER.size + size > end:
        return None
    payload = file.read(size)
    if len(payload) < size or zlib.crc32(payload) != crc:
        return None
    entries = _decode_all(payload)
    return None if entries is None else (entries, position + _HEADER.size + size)


def _decode_all(payload: bytes) -> list[Entry] | None:
    entries = []
    position = 0
    while position < len(payload):
        try:
            entry, position = decode(payload, position)
        except (TruncatedEntryError, CorruptEntryError):
            return None
        entries.append(entry)
    return entries or None


def _holds_a_frame(data: bytes) -> bool:
    """Return True if an intact frame begins anywhere in `data` but at its first byte."""
    view = memoryview(data)
    magic = data.find(_MAGIC, _HEADER.size + 1)
    while magic >= 0:
        crc, size = _HEADER.unpack_from(data, magic - _HEADER.size)
        payload = view[magic : magic + size]
        if len(payload) == size and zlib.crc32(payload) == crc and _decode_all(bytes(payload)):
            return True
        magic = data.find(_MAGIC, magic + 1)
    return False


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def segment_path(data_dir: str | os.PathLike[str], number: int) -> Path:
    """Return the path of a segment: `wal-0000000001.log` for number 1."""
    return Path(data_dir) / f"wal-{number:010d}.log"


def list_segments(data_dir: str | os.PathLike[str]) -> list[tuple[int, Path]]:
    """Return the number and path of every segment in a folder, in the order of their numbers."""
    found = []
    for path in Path(data_dir).iterdir():
        match = _NAME.fullmatch(path.name)
        if match:
            found.append((int(match[1]), path))
    return sorted(found)
