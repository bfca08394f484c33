"""Removes a folder that code under test could write to, whatever is in it."""

from __future__ import annotations

import errno
import itertools
import os
from pathlib import Path

_FOLDER_MODE = 0o700


def remove_tree(folder: Path) -> None:
    """Remove `folder` with all that is in it; to be called when nobody works in it any more.

    No link is followed. Folders may be sealed (mode 000), and lie deeper in each other than a path
    can say: what is deep is moved up, so no path gets long. Raises `OSError` when something cannot
    be removed.
    """
    if folder.is_symlink():
        raise NotADirectoryError(errno.ENOTDIR, "a link, not a folder", str(folder))
    folder.chmod(_FOLDER_MODE)
    fresh = (folder / f"moved-{number}" for number in itertools.count())
    while below := _remove_files(folder):
        for path in below:
            for deeper in _remove_files(path):
                deeper.rename(next(place for place in fresh if not os.path.lexists(place)))
            path.rmdir()
    folder.rmdir()


def _remove_files(folder: Path) -> list[Path]:
    """Remove what is no folder; return the folders, opened to their owner."""
    folders = []
    with os.scandir(folder) as entries:
        for entry in entries:
            path = Path(entry.path)
            if entry.is_dir(follow_symlinks=False):
                path.chmod(_FOLDER_MODE)
                folders.append(path)
            else:
                _remove_file(path)
    return folders


def _remove_file(path: Path) -> None:
    try:
        path.unlink()
    except PermissionError:  # Windows does not remove what is read-only
        if path.is_symlink():
            raise
        path.chmod(_FOLDER_MODE)
        path.unlink()
