"""One segment of the write-ahead log: a file of frames, back to back, that only grows.

    crc32 of the payload u32 | payload_len u32 | payload: one or more entries        (big-endian)

Invariants:
- A frame applies whole or not at all: its checksum covers all its entries.
- When `append` returns, the operating system has the frame, so a killed process loses nothing.
  Whether the disk has it too, so that a power cut loses nothing, is what the sync policy decides.
- Damage is cut off only where an unfinished write explains it: at the end of the last segment,
  with no intact frame after it. Any other damage is reported, and the file left as it is.
- After a failed write or fsync nobody knows what the disk holds, so the log refuses to go on.

Not here: what entries mean, and which segments there should be.
"""

from __future__ import annotations

import os
import re
import struct
import sys
import threading
import time
import zlib
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from .entry import Entry, decode, encode
from .errors import CorruptEntryError, CorruptLogError, LogFailedError, TruncatedEntryError

_POLICIES = ("always", "interval", "never")
_HEADER = struct.Struct(">II")  # crc32, payload_len
_PAYLOAD_BYTES_MAX = 2**32 - 1
_ENTRY_MAGIC = b"KVLG"  # how every payload begins
_SEGMENT_NAME = re.compile(r"wal-([0-9]{10}|[1-9][0-9]{10,})\.log")


class WAL:
    """An append-only segment file at `path`, made if missing, for many threads.

    `sync` says when an append reaches the disk: "always" before it returns; "interval" when
    `clock()` is `interval` seconds or more past the last fsync; "never" leaves it to `sync` and
    `close`. Any other policy is a `ValueError`.
    """

    bytes_cut: int = 0
    """How many bytes of a torn tail the last replay cut off."""
    cut_offset: int | None = None
    """Where it cut, in bytes from the beginning of the file; None if it cut nothing."""

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
        self._lock = threading.Lock()  # protects the file and all that follows
        self._file = self._path.open("a+b", buffering=0)
        size = self._size_locked()
        self._unsynced = size > 0  # who wrote it may have died before an fsync
        self._tail_checked = size == 0
        self._frames_appended = 0
        self._failed = False
        self._synced_at = clock()
        if size == 0:
            self._make_name_durable()

    def append(self, *entries: Entry) -> None:
        """Write the entries as one frame: after a crash, all of them are there or none.

        Without entries, or if they take 4 GiB or more: `ValueError`, and nothing is written. An
        `OSError` from the write or the fsync is raised once; after it, `LogFailedError`.
        """
        payload = b"".join(map(encode, entries))
        if not 0 < len(payload) <= _PAYLOAD_BYTES_MAX:
            raise ValueError(f"a frame holds 1 to {_PAYLOAD_BYTES_MAX} bytes, not {len(payload)}")
        with self._lock:
            self._refuse_if_unusable_locked()
            if not self._tail_checked:
                self._check_tail_locked()
            try:
                self._write_locked(_HEADER.pack(zlib.crc32(payload), len(payload)) + payload)
                if self._is_sync_due_locked():
                    self._sync_locked()
            except BaseException:  # Ctrl-C too may leave half a frame behind
                self._failed = True
                raise

    def sync(self) -> None:
        """Put on disk (fsync) what is not there yet. Raises as `append` does."""
        with self._lock:
            self._refuse_if_unusable_locked()
            self._sync_locked()

    def replay(self, *, is_last: bool = True) -> Iterator[list[Entry]]:
        """Yield the entries of each frame, in order; then cut a torn tail, if this `is_last`.

        Afterwards `bytes_cut` and `cut_offset` say what was cut. Raises `CorruptLogError`, and cuts
        nothing, at a torn tail of any other segment and at damage with an intact frame after it.
        """
        with self._lock:
            self._refuse_if_closed_locked()
            return self._replay(self._size_locked(), self._frames_appended, is_last=is_last)

    def close(self) -> None:
        """Sync, whatever the policy, and close the file. Closing again does nothing."""
        with self._lock:
            if self._file.closed:
                return
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

    def _replay(
        self, end: int, frames_appended: int, *, is_last: bool
    ) -> Generator[list[Entry], None, None]:
        intact_end = yield from _read_frames(self._path, end)
        with self._lock:
            # Whoever appended in the meantime has checked and cut the tail already: what is there
            # now is new.
            if self._frames_appended == frames_appended:
                self._settle_tail_locked(intact_end, end, is_last=is_last)

    def _check_tail_locked(self) -> None:
        end = self._size_locked()
        frames = _read_frames(self._path, end)
        while True:
            try:
                next(frames)
            except StopIteration as stop:
                self._settle_tail_locked(stop.value, end, is_last=True)
                return

    def _settle_tail_locked(self, intact_end: int, end: int, *, is_last: bool) -> None:
        if intact_end < end:
            if not is_last:
                raise CorruptLogError(
                    "the log is damaged before its last segment; restore this file from a copy",
                    str(self._path),
                    intact_end,
                )
            self._refuse_if_unusable_locked()
            self._file.truncate(intact_end)
            self._unsynced = True
            self._sync_locked()
        self._tail_checked = True
        self.bytes_cut = end - intact_end
        self.cut_offset = intact_end if intact_end < end else None

    def _write_locked(self, frame: bytes) -> None:
        self._unsynced = True
        self._frames_appended += 1
        rest = memoryview(frame)
        while rest:  # the operating system may take only a part at a time
            rest = rest[self._file.write(rest) :]

    def _is_sync_due_locked(self) -> bool:
        if self._policy == "interval":
            return self._clock() - self._synced_at >= self._interval
        return self._policy == "always"

    def _sync_locked(self) -> None:
        if not self._unsynced:
            return
        try:
            os.fsync(self._file.fileno())
        except BaseException:
            # Never try again: the kernel may have dropped the pages, and a second fsync would
            # succeed without them.
            self._failed = True
            raise
        self._unsynced = False
        self._synced_at = self._clock()

    def _size_locked(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    def _refuse_if_closed_locked(self) -> None:
        if self._file.closed:
            raise ValueError(f"the log {self._path} is closed")

    def _refuse_if_unusable_locked(self) -> None:
        self._refuse_if_closed_locked()
        if self._failed:
            raise LogFailedError(
                f"an earlier write or fsync of {self._path} failed: reopen the log to go on"
            )

    def _make_name_durable(self) -> None:
        try:
            _fsync_directory(self._path.parent)
        except OSError:
            self._file.close()
            raise


def segment_path(data_dir: str | os.PathLike[str], number: int) -> Path:
    """Return the path of a segment: `wal-0000000001.log` for number 1."""
    return Path(data_dir) / f"wal-{number:010d}.log"


def list_segments(data_dir: str | os.PathLike[str]) -> list[tuple[int, Path]]:
    """Return the number and path of every segment in a folder, in the order of their numbers."""
    names = (_SEGMENT_NAME.fullmatch(path.name) for path in Path(data_dir).iterdir())
    numbers = sorted(int(name[1]) for name in names if name)
    return [(number, segment_path(data_dir, number)) for number in numbers]


def _read_frames(path: Path, end: int) -> Generator[list[Entry], None, int]:
    """Yield the frames before offset `end`; return where the last intact one ends.

    Raises `CorruptLogError` at damage with an intact frame after it.
    """
    offset = 0
    with path.open("rb") as file:
        while offset < end:
            entries, size = _read_frame(file, end - offset)
            if not entries:
                file.seek(offset)
                if (distance := _find_intact_frame(file.read(end - offset))) is not None:
                    raise CorruptLogError(
                        f"the log is damaged, and an intact frame follows {distance} bytes later; "
                        "restore this file from a copy",
                        str(path),
                        offset,
                    )
                break
            yield entries
            offset += size
    return offset


def _read_frame(file: BinaryIO, bytes_left: int) -> tuple[list[Entry], int]:
    """Read the next frame; returns its entries, none if it is damaged, and its size."""
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return [], 0
    checksum, length = _HEADER.unpack(header)
    size = _HEADER.size + length
    if size > bytes_left:  # before reading: a damaged length may claim gigabytes
        return [], 0
    return _decode_payload(checksum, file.read(length)), size


def _decode_payload(checksum: int, payload: bytes) -> list[Entry]:
    """Return the entries of a payload; none if the checksum or an entry is wrong."""
    entries: list[Entry] = []
    if zlib.crc32(payload) != checksum:
        return entries
    offset = 0
    while offset < len(payload):
        try:
            entry, offset = decode(payload, offset)
        except (CorruptEntryError, TruncatedEntryError):
            return []
        entries.append(entry)
    return entries


def _find_intact_frame(data: bytes) -> int | None:
    """Return the offset of the first intact frame behind the damage that begins at offset 0.

    A damaged length hides where the next frame begins, so it may begin anywhere. But it holds an
    entry: looking only where an entry's magic stands keeps the search short.
    """
    at = data.find(_ENTRY_MAGIC, _HEADER.size + 1)
    while at >= 0:
        checksum, length = _HEADER.unpack_from(data, at - _HEADER.size)
        if at + length <= len(data) and _decode_payload(checksum, data[at : at + length]):
            return at - _HEADER.size
        at = data.find(_ENTRY_MAGIC, at + 1)
    return None


def _fsync_directory(folder: Path) -> None:
    """Make the names in a folder durable. Windows does so by itself, and cannot open a folder."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
