"""Snapshots: the whole store in one file, so that the log need not be replayed from its beginning.

    magic "KVSP" (4) | timestamp i64 | count u32 | count x (key_len u32, key, value_len u32, value)
    | deadline_count u32 | deadline_count x (key_len u32, key, deadline i64)
    | crc32 u32 of all before it

All integers are big-endian; times are in unix nanoseconds. `snapshot-0000000002.kvsp` stands for
all segments before number 2.

Invariants:
- Under its own name a snapshot is whole. What is half written has another name, or is gone.
- Any bytes at all are a snapshot or a `CorruptSnapshotError`.

Not here: when to take a snapshot, and what it makes superfluous. That is `store.py`.

Until you write this file it saves nothing and finds nothing. The store can live with that: it keeps
its whole log.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_MAGIC = b"KVSP"
_KEY_BYTES_MAX = 65_536
_VALUE_BYTES_MAX = 67_108_864


def write_snapshot(
    path: str | os.PathLike[str], items: Mapping[str, bytes], deadlines: Mapping[str, int]
) -> None:
    """Write a snapshot so that, whatever happens, `path` names the old file or the whole new one.

    `deadlines` are in unix nanoseconds. The bytes go to `<path>.tmp` and to the disk before the
    name changes, and the folder goes to the disk after it. An `OSError` leaves no `.tmp` behind.
    """
    # TODO: make the bytes of the format, and make them durable before they get their name. Four
    # steps reach the disk, and each of them must be over before the next begins: a power cut can
    # come between any two. Until this is written nothing is saved, and the store keeps its log.


def load_snapshot(path: str | os.PathLike[str]) -> tuple[dict[str, bytes], dict[str, int]]:
    """Return the items and the deadlines (unix nanoseconds) of a snapshot.

    Raises `CorruptSnapshotError` unless every byte is as it was written.
    """
    # TODO: believe nothing before you have checked it: not the magic, not a length, not a count,
    # not that the file ends where it should. The error wants the path and the offset of the damage.
    raise NotImplementedError("stage 5: load_snapshot")


def latest_snapshot(data_dir: str | os.PathLike[str]) -> tuple[int, Path] | None:
    """Return number and path of the highest-numbered intact snapshot in a folder, or None.

    Damaged ones are passed over and left where they are.
    """
    # TODO: find the snapshots by their names, and answer with the highest number that is intact.
    # This is what decides which part of the log the store may throw away.
    return None


def snapshot_path(data_dir: str | os.PathLike[str], number: int) -> Path:
    """Return the path of a snapshot: `snapshot-0000000002.kvsp` for number 2."""
    return Path(data_dir) / f"snapshot-{number:010d}.kvsp"
