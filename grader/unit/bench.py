"""What one test has under its hands: a work folder, the agent on it, and a spare agent for the next
test.

The spare is started while the current test runs, so a fresh agent for each test costs little.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from grader.remote.process import AgentProcess, isolation_in_force
from grader.remote.session import Process
from grader.unit.local import LocalProcess


@dataclass
class Slot:
    """A private folder and the first agent on it."""

    work_dir: Path
    process: Process


class Bench:
    """Starts agents for the package in `package_dir`."""

    def __init__(self, package_dir: Path, *, debug: bool) -> None:
        self._package_dir = package_dir
        self._debug = debug
        self._spare: Slot | None = None

    @property
    def isolation(self) -> str:
        """What walls are in force."""
        return "none (debug)" if self._debug else isolation_in_force().name

    @contextmanager
    def slot(self) -> Iterator[Slot]:
        """Lend a slot for one test; its folder is removed afterwards."""
        slot, self._spare = self._spare or self._new_slot(), None
        if not self._debug:
            self._spare = self._new_slot()
        try:
            with _files_for_everyone():
                yield slot
        finally:
            _remove(slot)

    def start(self, work_dir: Path) -> Process:
        """Start an agent on a folder."""
        if self._debug:
            return LocalProcess(self._package_dir)
        return AgentProcess(isolation_in_force(), self._package_dir, work_dir)

    def close(self) -> None:
        """Put the spare away."""
        if self._spare is not None:
            _remove(self._spare)
            self._spare = None

    def _new_slot(self) -> Slot:
        work_dir = Path(tempfile.mkdtemp(prefix="kv-")).resolve()
        (work_dir / "data").mkdir()
        return Slot(work_dir, self.start(work_dir))


@contextmanager
def _files_for_everyone() -> Iterator[None]:
    """What the test writes to the data folder must be writable for the agent, which may be another
    user.
    """
    before = os.umask(0)
    try:
        yield
    finally:
        os.umask(before)


def _remove(slot: Slot) -> None:
    slot.process.close()
    shutil.rmtree(slot.work_dir, ignore_errors=True)
