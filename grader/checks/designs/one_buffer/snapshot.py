"""Snapshots written and closed first, and put on disk through a second descriptor."""

from __future__ import annotations

import os
from pathlib import Path

from .folders import sync_folder
from .images import image_of, newest_intact, read_image, snapshot_path

__all__ = ["latest_snapshot", "load_snapshot", "snapshot_path", "write_snapshot"]


def write_snapshot(path, items, deadlines):
    path = Path(path)
    temporary = Path(f"{path}.tmp")
    try:
        temporary.write_bytes(image_of(items, deadlines))
        with temporary.open("r+b") as again:
            os.fsync(again.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def load_snapshot(path):
    return read_image(Path(path).read_bytes(), path)


def latest_snapshot(data_dir):
    return newest_intact(data_dir, load_snapshot)
