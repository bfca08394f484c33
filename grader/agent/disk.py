"""Watch what the code under test asks of the disk: fsync, rename, unlink, in order.

The functions of `os` are replaced before the package under test is imported. An fsync is noted with
the size that the file had at that moment, which tells whether the bytes had been flushed to it. A
test can also make the next fsync fail. Who calls a function past `os` (`posix.fsync`) is not seen:
his fsync does not count. A note is made by nothing but the request itself.
"""

from __future__ import annotations

import errno
import os

from .front import watched
from .primitives import (
    decode_bytes,
    fstat,
    opaque,
    read_link,
    split_bytes,
    values_of,
    without_traceback,
    working_folder,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Event = tuple[str, str, int]

_FILE_KIND, _FOLDER = 0o170000, 0o040000  # of a file's mode: sys/stat.h
_PLAIN = {id(kind) for kind in (int, str, bytes, type(None))}
_MODE, _SIZE = 0, 6  # places in the result of fstat

try:
    from fcntl import F_GETPATH, fcntl  # type: ignore[attr-defined, unused-ignore]
except ImportError:  # only macOS has it
    F_GETPATH = None

_events: list[Event] = []
_failures: dict[str, int] = {}
_installed: list[bool] = []
_numbers = {name: number for number, name in errno.errorcode.items()}
_message = os.strerror


def this_disk() -> tuple[str, Any]:
    """Return the record of this process, a tool.

    `take()` returns the events since the last call, `(operation, path, size in bytes or 0)`: the
    path of a rename is where the file went, and a folder's ends in a slash after an fsync.
    `fail_next(operation, error)` makes the next `operation` raise `OSError` with the errno named
    `error`, such as `EIO`.
    """
    actions: dict[str, Callable[..., Any]] = {"take": _take, "fail_next": _fail_next}
    return "ok", opaque(lambda name, *args: ("ok", actions[name](*args)))


def watch_disk() -> None:
    """Replace the functions of `os`; a second time does nothing."""
    if _installed:
        return
    _installed.append(True)
    for name in ("fsync", "fdatasync"):
        _replace(name, "fsync", _of_descriptor)
    for name in ("rename", "replace"):
        _replace(name, "rename", _of_destination)
    for name in ("unlink", "remove"):
        _replace(name, "unlink", _of_path)


def _take() -> list[Event]:
    events = _events[:]
    del _events[: len(events)]
    return events


def _fail_next(operation: str, error: str) -> None:
    _failures[operation] = _numbers[error]


def _replace(name: str, operation: str, place: Callable[..., tuple[str, int]]) -> None:
    real = getattr(os, name, None)
    if real is None:  # Windows lacks some
        return

    def attempt(args: tuple[Any, ...], kwargs: dict[str, Any]) -> BaseException | None:
        """Make the request and note it; return the exception that it led to."""
        global _events
        if not _are_plain(args, kwargs):
            return TypeError(f"os.{name} takes numbers, text and bytes")
        try:
            if operation in _failures:
                number = _failures[operation]
                del _failures[operation]
                _events += ((f"failed {operation}", place(*args, **kwargs)[0], 0),)
                return OSError(number, _message(number))
            real(*args, **kwargs)
            _events += ((operation, *place(*args, **kwargs)),)
        except BaseException as error:
            return without_traceback(error, None)
        return None

    setattr(os, name, opaque(watched(opaque(attempt))))


def _are_plain(args: Any, kwargs: Any) -> bool:
    """Whether no argument can run code under test when it is used."""
    if type(args) is not tuple or type(kwargs) is not dict:
        return False
    kinds = {id(type(value)) for value in (*args, *kwargs, *values_of(kwargs))}
    return kinds <= _PLAIN


def _of_descriptor(fd: int) -> tuple[str, int]:
    status = fstat(fd)
    is_folder = int(status[_MODE]) & _FILE_KIND == _FOLDER
    return path_of_descriptor(fd) + ("/" if is_folder else ""), 0 if is_folder else int(
        status[_SIZE]
    )


def _of_destination(
    src: Any, dst: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None
) -> tuple[str, int]:
    return _absolute(dst, dst_dir_fd), 0


def _of_path(path: Any, *, dir_fd: int | None = None) -> tuple[str, int]:
    return _absolute(path, dir_fd), 0


def _absolute(path: str | bytes, folder: int | None) -> str:
    text = decode_bytes(path, "utf-8", "surrogateescape") if isinstance(path, bytes) else path
    if text[:1] in ("/", "\\") or text[1:2] == ":":
        return text
    return (working_folder() if folder is None else path_of_descriptor(folder)) + "/" + text


def path_of_descriptor(descriptor: int) -> str:
    """The path of an open file or folder, with no link in it; empty where the system does not
    tell.
    """
    try:
        if F_GETPATH is not None:
            path = fcntl(descriptor, F_GETPATH, bytes(1024))
            return decode_bytes(split_bytes(path, b"\0", 1)[0], "utf-8", "surrogateescape")
        return read_link(f"/proc/self/fd/{descriptor}") if read_link else ""
    except OSError:
        return ""
