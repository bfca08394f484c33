"""Where a path leads, relative to the folder whose changes are recorded.

See `grader.agent.primitives` for the rule that this file follows: it is called by code under test.
"""

from __future__ import annotations

import os

from ..disk import path_of_descriptor
from ..primitives import close, open_file, partition_text_from_right, working_folder

# A folder need not be readable to be looked up in (Linux).
_FOLDER_FLAGS = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0)
_text, _replace = os.fsdecode, str.replace
_HAS_BACKSLASHES = os.sep == "\\"


_known: dict[str, str] = {}  # where folders really are, by how they were called


def forget_places() -> None:
    """Look anew for every folder: one may be elsewhere now."""
    for path in [*_known]:
        del _known[path]


def place_in(root: str, path: str | bytes, dir_fd: int | None) -> str | None:
    """The path relative to `root`, which has no link in it; "." for itself; None for what lies
    elsewhere.
    """
    text = _text(path) if isinstance(path, bytes) else path
    if text[:1] not in ("/", "\\") and text[1:2] != ":":
        base = working_folder() if dir_fd is None else path_of_descriptor(dir_fd)
        text = base + "/" + text
    text = real_path(text)
    if text == root:
        return "."
    return text[len(root) + 1 :] if text[: len(root) + 1] == root + "/" else None


def real_path(path: str) -> str:
    """The path with no link in it, but for its last part."""
    if _HAS_BACKSLASHES:
        path = _replace(path, "\\", "/")
    while path[1:] and path[-1] == "/":
        path = path[:-1]
    place, slash, name = partition_text_from_right(path, "/")
    if not slash:
        return path
    if place not in _known:
        try:
            folder = open_file(place or "/", _FOLDER_FLAGS)
        except OSError:
            return path
        try:
            _known[place] = path_of_descriptor(folder) or place
        finally:
            close(folder)
    place = _known[place]
    return (place if place != "/" else "") + "/" + name
