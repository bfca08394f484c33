"""The folder in which a replay leaves files as a power cut left them: `powercut/` beside a package.

Invariant: it removes nothing but what a replay has put there before, which it knows by a note of
its own.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from grader.mistake import MistakeError
from grader.removal import remove_tree

_NAME = "powercut"
_FILES = "disk"
_NOTE_NAME = "README.txt"
_NOTE = """\
In disk/ are files as a power cut left them. The next --replay of a power cut empties that folder:
what you want to keep belongs elsewhere.
"""


class LeaveError(MistakeError):
    """There is no place for the files of a power cut; one sentence."""


def make_place(package: Path) -> Path:
    """Return an empty folder beside `package`, or in the folder for temporary files where nothing
    can be written there.

    Raises `LeaveError` if something else is in the way.
    """
    place = package.parent / _NAME
    if os.path.lexists(place) and not _is_ours(place):
        raise LeaveError(
            f"{place} is in the way: --replay wants to leave the files of a power cut there, so"
            " move what it holds elsewhere"
        )
    try:
        return _emptied(place)
    except OSError:
        return _emptied(Path(tempfile.mkdtemp(prefix="kv-powercut-")))


def _is_ours(place: Path) -> bool:
    if place.is_symlink() or not place.is_dir():
        return False
    note = place / _NOTE_NAME
    is_noted = note.is_file() and note.read_text(encoding="utf-8", errors="replace") == _NOTE
    return is_noted or not any(place.iterdir())


def _emptied(place: Path) -> Path:
    place.mkdir(exist_ok=True)
    (place / _NOTE_NAME).write_text(_NOTE, encoding="utf-8", newline="\n")
    (place / ".gitignore").write_text("*\n", encoding="utf-8")
    files = place / _FILES
    if files.is_dir() and not files.is_symlink():
        remove_tree(files)
    files.mkdir()
    return files
