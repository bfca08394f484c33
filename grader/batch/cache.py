"""Evidence by content: the same files, tests and grader need not run a second time.

The key is a digest of the submission's files, of all that decides an outcome (`grader_digest`) and
of the walls. Weights and rubrics are not in it: they are applied to evidence afterwards, so a
change of them costs no run either. Evidence in which the grader failed is never kept.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from functools import cache
from pathlib import Path

import msgspec

from grader.course import REFERENCE_DIR, ROOT, STAGES_DIR
from grader.files import write_whole
from grader.grading.model import Entry, Evidence
from grader.outcome import UnitResult

CACHE_DIR = ROOT / ".cache" / "evidence"

# What decides an outcome: all that runs tests or measures, and none of what only shows or adds up.
_DECIDES = (
    *("agent", "oracle", "powercuts", "quality", "races", "remote", "sandbox", "testkit", "unit"),
    *("course.py", "outcome.py", "removal.py", "replay.py"),
)
_LEFT_ASIDE = {"__pycache__", ".ruff_cache"}


class Cache:
    """Keeps evidence below `folder`; `conditions` are what else decides it."""

    def __init__(self, folder: Path, *conditions: str) -> None:
        self._folder = folder
        self._conditions = conditions

    def get(self, entry: Entry, seed: int | None) -> Evidence | None:
        """The evidence on a submission's files, if it is known; with a `seed`, by that one."""
        try:
            data = self._path(entry).read_bytes()
            found = msgspec.json.decode(data, type=Evidence)
        except (FileNotFoundError, msgspec.DecodeError):
            return None  # a file that an older grader wrote is as good as none
        if seed is not None and found.seed != seed:
            return None
        return msgspec.structs.replace(found, entry=entry)

    def put(self, evidence: Evidence) -> None:
        """Keep evidence, unless the grader failed in it."""
        units = [unit for run in evidence.runs for unit in run.units]
        failed = any(unit.problem or _has_error(unit) for unit in units)
        if units and not failed:
            write_whole(self._path(evidence.entry), msgspec.json.encode(evidence))

    def _path(self, entry: Entry) -> Path:
        text = "\n".join((entry.digest, *self._conditions))
        key = hashlib.sha256(text.encode()).hexdigest()
        return self._folder / key[:2] / f"{key[2:]}.json"


@cache
def grader_digest() -> str:
    """A digest of everything but the submission that decides an outcome: tests, grader, reference,
    Python and ruff.
    """
    digest = hashlib.sha256(sys.version.encode())
    digest.update(_ruff_version())
    folders = [ROOT / "grader" / name for name in _DECIDES]
    for top in (*folders, STAGES_DIR, REFERENCE_DIR):
        for path in sorted(top.rglob("*") if top.is_dir() else [top]):
            if path.is_file() and not _LEFT_ASIDE & set(path.parts):
                data = path.read_bytes()
                name = path.relative_to(ROOT).as_posix()
                digest.update(f"{name} {len(data)}\n".encode())
                digest.update(data)
    return digest.hexdigest()


def _has_error(unit: UnitResult) -> bool:
    return any(outcome.status == "error" for outcome in unit.outcomes)


def _ruff_version() -> bytes:
    command = [sys.executable, "-m", "ruff", "--version"]
    return subprocess.run(command, capture_output=True, check=False).stdout
