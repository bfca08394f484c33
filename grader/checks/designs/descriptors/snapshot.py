"""Snapshots on bare descriptors: a fresh file for each, in one write if the disk takes it."""

from __future__ import annotations

import os
from pathlib import Path

from .folders import sync_folder
from .images import image_of, newest_intact, read_image, snapshot_path

__all__ = ["latest_snapshot", "load_snapshot", "snapshot_path", "write_snapshot"]


def write_snapshot(path, items, deadlines):
    path = Path(path)
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.unlink(missing_ok=True)  # what a crash left: this is to be a file of its own
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        try:
            rest = memoryview(image_of(items, deadlines))
            while rest:
                rest = rest[os.write(fd, rest) :]
            getattr(os, "fdatasync", os.fsync)(fd)
        finally:
            os.close(fd)
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def load_snapshot(path):
    return read_image(Path(path).read_bytes(), path)


def latest_snapshot(data_dir):
    return newest_intact(data_dir, load_snapshot)
