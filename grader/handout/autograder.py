"""Writes the zip that Gradescope builds an autograder from.

Its layout and the two scripts' names are Gradescope's
(https://gradescope-autograders.readthedocs.io/en/latest/specs/): `setup.sh` and `run_autograder` at
the top, and beside them, in `course/`, the files on the list `gradescope.toml`. Invariant: the same
project gives the same bytes.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from grader.course import ROOT
from grader.files import write_whole
from grader.handout.contents import HERE, read_contents
from grader.handout.errors import HandoutError

CONTENTS = "gradescope.toml"
COURSE_DIR = "course"
SCRIPTS = {
    "run_autograder": HERE / "gradescope" / "run_autograder.py",
    "setup.sh": HERE / "gradescope" / "setup.sh",
}

_EARLIEST = (1980, 1, 1, 0, 0, 0)  # a zip knows no earlier time
_FILE_MODE, _SCRIPT_MODE = 0o100644, 0o100755
_UNIX = 3


def make_autograder(root: Path = ROOT) -> bytes:
    """Return the zip for the project in `root`. Raises `HandoutError` and `OSError`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, source in SCRIPTS.items():
            _add(archive, name, source.read_bytes(), _SCRIPT_MODE)
        for place, data in read_contents(CONTENTS, root).items():
            _add(archive, f"{COURSE_DIR}/{place}", data, _FILE_MODE)
    return buffer.getvalue()


def write_autograder(path: Path, root: Path = ROOT) -> int:
    """Write the zip to `path`, whole or not at all, and return its size in bytes.

    Raises `HandoutError` for a name that is not a zip's, and `OSError`.
    """
    if path.suffix.lower() != ".zip":
        raise HandoutError(f"{path} is no name for a zip: let it end in .zip")
    data = make_autograder(root)
    write_whole(path, data)
    return len(data)


def _add(archive: zipfile.ZipFile, name: str, data: bytes, mode: int) -> None:
    info = zipfile.ZipInfo(name, _EARLIEST)
    info.create_system = _UNIX
    info.external_attr = mode << 16
    archive.writestr(info, data, zipfile.ZIP_DEFLATED)
