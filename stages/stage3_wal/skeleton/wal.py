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
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from .entry import Entry

# You will also need: `encode` and `decode` of .entry, several errors of .errors, and of the
# standard library `struct`, `threading` and `zlib.crc32`.

_POLICIES = ("always", "interval", "never")


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
        # TODO: refuse an unknown policy. Open the file so that writes go to its end, whatever it
        # holds already. A file that you made must not lose its name in a power cut: who keeps it?
        # Then think of the state that the methods below need, and of what protects it.
        raise NotImplementedError("stage 3: WAL")

    def append(self, *entries: Entry) -> None:
        """Write the entries as one frame: after a crash, all of them are there or none.

        Without entries, or if they take 4 GiB or more: `ValueError`, and nothing is written. An
        `OSError` from the write or the fsync is raised once; after it, `LogFailedError`.
        """
        # TODO: first everything that can be refused, so that a refusal leaves no bytes behind; then
        # the bytes, for one thread at a time; then what the policy asks for. Start without torn
        # tails and failures. Later: what if the file ends in half a frame that nobody replayed?
        raise NotImplementedError("stage 3: WAL.append")

    def sync(self) -> None:
        """Put on disk (fsync) what is not there yet. Raises as `append` does."""
        # TODO: an fsync that fails must never be tried again on this log: the second one may
        # succeed without the bytes that the first one lost.
        raise NotImplementedError("stage 3: WAL.sync")

    def replay(self, *, is_last: bool = True) -> Iterator[list[Entry]]:
        """Yield the entries of each frame, in order; then cut a torn tail, if this `is_last`.

        Afterwards `bytes_cut` and `cut_offset` say what was cut. Raises `CorruptLogError`, and cuts
        nothing, at a torn tail of any other segment and at damage with an intact frame after it.
        """
        # TODO: read frame by frame, and believe nothing that you read before you have checked it.
        # At the first damage, look whether anything intact follows. Then decide: cut, or raise.
        raise NotImplementedError("stage 3: WAL.replay")

    def close(self) -> None:
        """Sync, whatever the policy, and close the file. Closing again does nothing."""
        # TODO: the last chance to put on disk what a lazy policy left. The file must be closed even
        # if that fails, and no append of another thread may be half done.
        raise NotImplementedError("stage 3: WAL.close")

    def __enter__(self) -> Self:
        # TODO: what does `with WAL(path) as wal` give a name to?
        raise NotImplementedError("stage 3: WAL.__enter__")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # TODO: leave nothing open behind, and let an exception of the block go on.
        raise NotImplementedError("stage 3: WAL.__exit__")


def segment_path(data_dir: str | os.PathLike[str], number: int) -> Path:
    """Return the path of a segment: `wal-0000000001.log` for number 1."""
    # TODO: ten digits, so that a folder listing shows segments in their order (a larger number
    # has more).
    raise NotImplementedError("stage 3: segment_path")


def list_segments(data_dir: str | os.PathLike[str]) -> list[tuple[int, Path]]:
    """Return the number and path of every segment in a folder, in the order of their numbers."""
    # TODO: the folder holds other files too, and text sorts differently from numbers.
    raise NotImplementedError("stage 3: list_segments")
