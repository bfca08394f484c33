"""What the package under test asks of the disk, in order.

Only what happens in the test's own data folder counts: a file elsewhere may have the same name and
the same size. Paths are compared as text, since a link in the folder could lead anywhere.
"""

from __future__ import annotations

import os.path
from pathlib import Path
from typing import Any, NamedTuple

from grader.remote.failures import ProcessDied
from grader.remote.handle import Handle
from grader.remote.session import Session


class DiskEvent(NamedTuple):
    """One request: `operation` is fsync, rename or unlink, or "failed fsync" and so on.

    `name` is the data folder's own name, the name of a file or folder in it, or for what lies
    deeper the path from the data folder on. `size` is the file's size in bytes at that moment
    (fsync). `folder` says that it was a folder.
    """

    operation: str
    name: str
    size: int
    folder: bool


class Disk:
    """The record of the package's process since this was made."""

    def __init__(self, session: Session) -> None:
        if session.data_dir is None:
            raise RuntimeError("this session has no data folder, so no record of it can be kept")
        self._data_dir = session.data_dir
        self._session = session
        self._handle: Handle = session.hold("the disk", "tool", "disk", ())
        self.events()

    def events(self) -> list[DiskEvent]:
        """Return what was asked since the last call."""
        raw = self._session.ask("the disk", "use", self._handle, "take", ())
        try:
            events = [_event(self._data_dir, *entry) for entry in raw]
        except (TypeError, ValueError, AttributeError):
            raise ProcessDied("the disk's record broke the connection to the grader") from None
        return [event for event in events if event is not None]

    def fail_next(self, operation: str, error: str = "EIO") -> None:
        """Make the next `operation` of the package raise `OSError`."""
        self._session.trace.note(f"the next {operation} will fail with {error}")
        self._session.ask("the disk", "use", self._handle, "fail_next", (operation, error))


def _event(data_dir: Path, operation: str, path: Any, size: int) -> DiskEvent | None:
    """Read what the agent says of one request; None when it was not about the data folder."""
    name = _name_within(data_dir, path)
    return None if name is None else DiskEvent(operation, name, size, path.endswith("/"))


def _name_within(data_dir: Path, path: str) -> str | None:
    place = Path(os.path.normpath(path))
    if not place.is_relative_to(data_dir.parent):
        return None
    parts = place.relative_to(data_dir.parent).parts
    if parts[:1] != (data_dir.name,):
        return None
    return parts[-1] if len(parts) <= 2 else "/".join(parts)
