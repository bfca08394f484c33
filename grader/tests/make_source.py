"""Single files as the quality suite reads them, written on the spot."""

import textwrap
from pathlib import Path

from grader.course import load_course
from grader.quality.marks import measure_quality
from grader.quality.source import Source, read_source

BAD = "class Entry:\n    def get(self, key):\n        return key == None\n"


def write_source(path: Path, text: str | bytes) -> Source:
    """Write a file, text being dedented, and read it."""
    path.write_bytes(text if isinstance(text, bytes) else textwrap.dedent(text).encode())
    return read_source(path)


def entry_marks(package_dir: Path) -> dict[str, float]:
    """The marks of stage 2, which is one file, `entry.py`, by check; of one point each."""
    found = measure_quality(package_dir, load_course())
    return {mark.check: mark.earned for mark in found if mark.stage == 2}
