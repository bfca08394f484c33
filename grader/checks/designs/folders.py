"""Names that survive a power cut: what the designs here share about folders.

A name is on disk once its folder was fsynced, and a folder is a name in the one above it.
"""

from __future__ import annotations

import os
import sys


def sync_folder(folder):
    """Put the names in a folder on disk; Windows does so by itself."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder, is_new):
    """Make a folder and all above it, and put their names on disk.

    Also the last name that was there already: who made it may have been killed before its fsync.
    A folder in use needs none of it (not `is_new`).
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    found = missing[-1].parent if missing else folder
    if missing or is_new(folder):
        _sync_if_readable(found.parent)
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        _sync_if_readable(path.parent)


def _sync_if_readable(folder):
    try:
        sync_folder(folder)
    except PermissionError:
        return  # who may not open it cannot sync it
