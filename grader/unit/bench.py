"""What one test has under its hands: a work folder, the agent on it, and a spare agent for the next
test.

The spare is started while the current test runs, so a fresh agent for each test costs little.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from grader.remote.process import AgentProcess
from grader.remote.session import Process
from grader.removal import remove_tree
from grader.sandbox import Isolation
from grader.testkit.paths import SafePath, safe_path
from grader.unit.local import LocalProcess


@dataclass
class Slot:
    """A private folder, whose paths are safe for a test to use, and the first agent on it."""

    work_dir: SafePath
    process: Process


class Bench:
    """Starts agents for the package in `package_dir`; without an isolation, in this process."""

    def __init__(self, package_dir: Path, isolation: Isolation | None) -> None:
        self._package_dir = package_dir
        self._isolation = isolation
        self._spare: Slot | None = None

    @property
    def is_local(self) -> bool:
        """Whether the package runs in this process, where a debugger may hold it up."""
        return self._isolation is None

    @contextmanager
    def slot(self) -> Iterator[Slot]:
        """Lend a slot for one test; its folder is removed afterwards."""
        slot, self._spare = self._spare or self._new_slot(), None
        try:
            if self._isolation is not None:
                self._spare = self._new_slot()
            with _files_for_everyone():
                yield slot
        finally:
            _remove(slot)

    def start(self, work_dir: Path) -> Process:
        """Start another agent on a folder; of what the last one left there only the data stays."""
        _leave_only_data(Path(work_dir))
        return self._start(work_dir)

    def start_beside(self, work_dir: Path) -> Process:
        """Start another agent on a folder while one is at work there."""
        return self._start(work_dir)

    def _start(self, work_dir: Path) -> Process:
        if self._isolation is None:
            return LocalProcess(self._package_dir)
        return AgentProcess(self._isolation, self._package_dir, Path(work_dir))

    def close(self) -> None:
        """Put the spare away."""
        if self._spare is not None:
            _remove(self._spare)
            self._spare = None

    def _new_slot(self) -> Slot:
        work_dir = Path(tempfile.mkdtemp(prefix="kv-")).resolve()
        try:
            (work_dir / "data").mkdir()
            return Slot(safe_path(work_dir), self._start(work_dir))
        except BaseException:
            remove_tree(work_dir)
            raise


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


def _leave_only_data(work_dir: Path) -> None:
    """Put the data into a new folder in the old one's place: nothing lives on beside it, where no
    test looks, be it in files or in what the folder itself can carry (attributes, times).
    """
    fresh, data = Path(tempfile.mkdtemp(prefix="kv-", dir=work_dir.parent)), work_dir / "data"
    work_dir.chmod(0o700)  # the package may have sealed them
    if data.is_dir() and not data.is_symlink():
        data.chmod(0o777)
        data.rename(fresh / "data")
    else:
        (fresh / "data").mkdir()
    if hasattr(os, "chown"):
        owner = work_dir.stat()  # the agent to come is the same user
        os.chown(fresh, owner.st_uid, owner.st_gid)
    old = work_dir.rename(fresh.with_name(f"{fresh.name}-old"))
    fresh.rename(work_dir)
    with contextlib.suppress(OSError):  # what cannot be removed is no reason to stop
        remove_tree(old)


def _remove(slot: Slot) -> None:
    try:
        slot.process.close()
    finally:
        with contextlib.suppress(OSError):  # what cannot be removed is no reason to stop
            remove_tree(Path(slot.work_dir))
