"""Watch what the code under test asks of the disk: fsync, rename, unlink, in order.

The functions of `os` are wrapped before the package under test is imported. An fsync is noted with
the size that the file had at that moment, which tells whether the bytes had been flushed to it. A
test can also make the next fsync fail.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from typing import Any

Event = tuple[str, str, int]


class Disk:
    """The record of this process, and the failures still to come."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._failures: dict[str, int] = {}
        self._installed = False

    def take(self) -> list[Event]:
        """Return the events since the last call: `(operation, path, size in bytes or 0)`.

        The path of a rename is where the file went; a folder's path ends in a slash.
        """
        events, self._events = self._events, []
        return events

    def fail_next(self, operation: str, error: str) -> None:
        """Make the next `operation` raise `OSError` with the errno named `error`, such as `EIO`."""
        self._failures[operation] = getattr(errno, error)

    def install(self) -> None:
        """Wrap the functions of `os`; a second time does nothing."""
        if self._installed:
            return
        self._installed = True
        for name in ("fsync", "fdatasync"):
            self._wrap(name, "fsync", _of_descriptor)
        for name in ("rename", "replace"):
            self._wrap(name, "rename", _of_destination)
        for name in ("unlink", "remove"):
            self._wrap(name, "unlink", _of_path)

    def _wrap(self, name: str, operation: str, place: Callable[..., tuple[str, int]]) -> None:
        real = getattr(os, name, None)
        if real is None:  # Windows lacks some
            return

        def watched(*args: Any, **kwargs: Any) -> Any:
            number = self._failures.pop(operation, None)
            if number is not None:
                self._events.append((f"failed {operation}", place(*args, **kwargs)[0], 0))
                raise OSError(number, os.strerror(number))
            result = real(*args, **kwargs)
            self._events.append((operation, *place(*args, **kwargs)))
            return result

        setattr(os, name, watched)


def _of_descriptor(fd: Any) -> tuple[str, int]:
    descriptor = fd if isinstance(fd, int) else fd.fileno()
    status = os.fstat(descriptor)
    is_folder = stat.S_ISDIR(status.st_mode)
    return _path_of(descriptor) + ("/" if is_folder else ""), 0 if is_folder else status.st_size


def _path_of(descriptor: int) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return _path_on_macos(descriptor)


def _path_on_macos(descriptor: int) -> str:
    try:
        import fcntl

        return fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0").decode()  # type: ignore[attr-defined, no-any-return, unused-ignore]
    except (ImportError, AttributeError, OSError):
        return ""


def _of_destination(src: Any, dst: Any, **_rest: Any) -> tuple[str, int]:
    return os.fsdecode(dst), 0


def _of_path(path: Any, **_rest: Any) -> tuple[str, int]:
    return os.fsdecode(path), 0


_DISK = Disk()


def this_disk() -> Disk:
    """Return the record of this process."""
    return _DISK
