"""Snapshots in a file that has its size before its bytes, and is read back before it gets its name.

So a disk that is full says so at once, and one that lies is found out while the old log is there.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path

from .errors import CorruptSnapshotError
from .folders import sync_folder
from .images import image_of, newest_intact, read_image, snapshot_path

__all__ = ["latest_snapshot", "load_snapshot", "snapshot_path", "write_snapshot"]

_PIECE_BYTES = 64 * 1024


def write_snapshot(path, items, deadlines):
    path = Path(path)
    temporary = path.with_name(path.name + ".tmp")
    image = image_of(items, deadlines)
    try:
        with temporary.open("w+b") as file:
            file.truncate(len(image))
            for at in range(0, len(image), _PIECE_BYTES):
                file.write(image[at : at + _PIECE_BYTES])
            file.flush()
            os.fsync(file)
        try:
            load_snapshot(temporary)
        except CorruptSnapshotError as damage:
            raise OSError("the disk did not keep what was written") from damage
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def load_snapshot(path):
    with Path(path).open("rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            return read_image(b"", path)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as image:
            return read_image(image, path)


def latest_snapshot(data_dir):
    return newest_intact(data_dir, load_snapshot)
