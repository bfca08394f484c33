"""Writes the student's repository, and updates one that was written before.

What belongs to it is in `student.toml`; its noxfile is the first part of the project's. The file
`course-version.toml` in it names the version and every file that is the course's. Invariants: the
same project gives the same bytes; an update replaces or removes files that the earlier hand-out
named, and touches nothing else, `work/` least of all.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from grader import __version__
from grader.course import ROOT
from grader.handout.contents import read_contents
from grader.handout.errors import HandoutError

CONTENTS = "student.toml"
NOXFILE = "noxfile.py"
NOXFILE_ENDS = "# A hand-out's noxfile ends here"
VERSION_FILE = "course-version.toml"
STUDENTS_OWN = "work"

_DIGEST_CHARS = 12
_VERSION_TEXT = """\
# Written with the course: which version this is, and which files are the course's.
# An update replaces these files and touches no other, so keep your own work in work/.
version = {version}
files = [
{files}]
"""


@dataclass(frozen=True)
class Written:
    """What a hand-out's folder went through: its version, the version before it ("" for a new
    folder), how many files are the course's, and which of them changed or went away.
    """

    version: str
    before: str
    files: int
    changed: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True)
class _Earlier:
    """The hand-out that a folder holds already; empty for a new folder."""

    version: str = ""
    files: tuple[str, ...] = ()


def make_handout(root: Path = ROOT) -> dict[str, bytes]:
    """Return every file of a hand-out of the project in `root`, by its place. Raises
    `HandoutError`.
    """
    files = read_contents(CONTENTS, root)
    files[NOXFILE] = _students_part((root / NOXFILE).read_text(encoding="utf-8")).encode()
    files[VERSION_FILE] = _version_file(files)
    return dict(sorted(files.items()))


def write_handout(folder: Path, root: Path = ROOT) -> Written:
    """Write a hand-out to `folder`, which is new, empty, or holds an earlier one.

    An interrupted run is mended by running it again. Raises `HandoutError` for any other folder,
    before anything is changed, and `OSError`.
    """
    files = make_handout(root)
    earlier = _earlier(folder)
    stale = [place for place in earlier.files if place not in files]
    _check_places(folder, [*files, *stale])
    changed = [place for place, data in files.items() if _differs(folder / place, data)]
    for place in stale:
        _remove(folder, place)
    # The file that makes the folder ours comes first, or an interrupted run could not be repeated.
    for place in sorted(changed, key=lambda place: place != VERSION_FILE):
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(files[place])
    version = _read_version(files[VERSION_FILE]).version
    return Written(version, earlier.version, len(files), tuple(changed), tuple(stale))


def _students_part(noxfile: str) -> str:
    first, mark, _rest = noxfile.partition(NOXFILE_ENDS)
    if not mark:
        raise HandoutError(f"{NOXFILE} has no line {NOXFILE_ENDS!r}, where a hand-out's would end")
    return first.rstrip() + "\n"


def _version_file(files: Mapping[str, bytes]) -> bytes:
    """Version and digest of all files, and their names."""
    digest = hashlib.sha256()
    for place in sorted(files):
        digest.update(f"{place}\0{hashlib.sha256(files[place]).hexdigest()}\n".encode())
    version = f"{__version__}+{digest.hexdigest()[:_DIGEST_CHARS]}"
    names = "".join(f"    {json.dumps(place)},\n" for place in sorted([*files, VERSION_FILE]))
    return _VERSION_TEXT.format(version=json.dumps(version), files=names).encode()


def _read_version(content: bytes) -> _Earlier:
    """Read a version file; raises `HandoutError` when it is none of ours."""
    try:
        data = tomllib.loads(content.decode())
        version, files = data["version"], data["files"]
    except (ValueError, KeyError) as problem:  # ValueError: not UTF-8, or not TOML
        raise HandoutError(f"{VERSION_FILE} cannot be read: {problem}") from problem
    texts = [version, *files] if isinstance(files, list) else [None]
    if not all(isinstance(text, str) for text in texts):
        raise HandoutError(f"{VERSION_FILE} must hold a version and a list of files")
    return _Earlier(version, tuple(files))


def _earlier(folder: Path) -> _Earlier:
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return _Earlier()
    if not (folder / VERSION_FILE).is_file():
        raise HandoutError(
            f"{folder} is neither empty nor an earlier hand-out; name a folder that is"
        )
    return _read_version((folder / VERSION_FILE).read_bytes())


def _check_places(folder: Path, places: Iterable[str]) -> None:
    """What a list in a student's folder says may not lead us to files that are not the course's."""
    for place in places:
        path = PurePosixPath(place)
        outside = path.is_absolute() or ".." in path.parts or set(place) & set("\\:")
        if outside or path.parts[:1] in ((), (STUDENTS_OWN,), (".git",)):
            raise HandoutError(
                f"{VERSION_FILE} names {place!r}, which is not the course's to touch"
            )
        for part in [path, *path.parents]:
            if part.parts and (folder / part).is_symlink():
                raise HandoutError(f"{folder / part} is a link; put a real file or folder there")


def _differs(target: Path, data: bytes) -> bool:
    return not target.is_file() or target.read_bytes() != data


def _remove(folder: Path, place: str) -> None:
    """Remove a file, and the folders that it leaves empty."""
    target = folder / place
    target.unlink(missing_ok=True)
    for parent in target.relative_to(folder).parents:
        if parent.parts and (folder / parent).is_dir() and not any((folder / parent).iterdir()):
            (folder / parent).rmdir()
