"""The folder of one schedule: empty when it begins, and looked at while it runs."""

from __future__ import annotations

import errno
import os

from .scheduler import SCHEDULER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_covered: dict[int, int] = {}  # by inode: how many bytes of a file the fsyncs have covered
_failures: list[OSError] = []  # what the next fsyncs raise


def sync_file(file: Any) -> None:
    """`os.fsync` in virtual time: it covers what the file holds when it begins, and no more."""
    status = os.fstat(file if isinstance(file, int) else file.fileno())
    failure = _failures.pop() if _failures else None
    SCHEDULER.sync()
    if failure is not None:
        raise failure
    _covered[status.st_ino] = max(status.st_size, _covered.get(status.st_ino, 0))


class Files:
    """What lies in a folder, for a program to look at."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def empty(self) -> None:
        """Make it if it is not there, and remove whatever it holds."""
        for folder, folders, files in os.walk(self._folder, topdown=False):
            for name in files:
                os.unlink(os.path.join(folder, name))
            for name in folders:
                os.rmdir(os.path.join(folder, name))
        os.makedirs(self._folder, exist_ok=True)
        _covered.clear()
        _failures.clear()

    def path(self, name: str) -> str:
        """The path of a file in the folder."""
        return os.path.join(self._folder, name)

    def write(self, name: str, data: bytes) -> None:
        """Lay a file into the folder."""
        with open(self.path(name), "wb") as file:
            file.write(data)

    def read(self, name: str) -> bytes:
        """The content of a file."""
        with open(self.path(name), "rb") as file:
            return file.read()

    def names(self) -> list[str]:
        """The names of all files, sorted."""
        return sorted(os.listdir(self._folder))

    def sizes(self) -> dict[str, int]:
        """The sizes of all files in bytes, by name."""
        return {name: os.stat(self.path(name)).st_size for name in self.names()}

    def unsynced(self, name: str) -> int:
        """How many bytes at the end of a file no fsync has covered."""
        status = os.stat(self.path(name))
        return status.st_size - _covered.get(status.st_ino, 0)

    def fail_next_sync(self) -> None:
        """Let the next fsync fail, whatever the file."""
        _failures.append(OSError(errno.EIO, os.strerror(errno.EIO)))
