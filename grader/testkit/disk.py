"""What the package under test asks of the disk, in order."""

from __future__ import annotations

from typing import NamedTuple

from grader.remote.handle import Handle
from grader.remote.session import Session


class DiskEvent(NamedTuple):
    """One request: `operation` is fsync, rename or unlink; `name` the last part of the
    path.

    `size` is the file's size in bytes at that moment (fsync). `folder` says that it was
    a folder.
    """

    operation: str
    name: str
    size: int
    folder: bool


class Disk:
    """The record of the package's process since this was made."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._handle: Handle = session.ask("the disk", "tool", "disk", ())
        self.events()

    def events(self) -> list[DiskEvent]:
        """Return what was asked since the last call."""
        raw = self._session.ask("the disk", "method", self._handle, "take", (), {})
        events = []
        for operation, path, size in raw:
            folder = path.endswith("/")
            name = path.rstrip("/").rpartition("/")[2]
            events.append(DiskEvent(operation, name, size, folder))
        return events

    def fail_next(self, operation: str, error: str = "EIO") -> None:
        """Make the next `operation` of the package raise `OSError`."""
        self._session.trace.note(f"the next {operation} will fail with {error}")
        self._session.ask("the disk", "method", self._handle, "fail_next", (operation, error), {})
