"""Make changes below one folder, and write each down as it is made.

Events, in order:
- ("create", path, file), ("mkdir", path), ("unlink", path), ("rmdir", path), ("rename", from, to),
  ("link", from, to): names, relative to the folder; `file` is a number of our own, since the
  system uses its own numbers again;
- ("write", file, offset, bytes), ("truncate", file, size): content;
- ("fsync", file), ("fsync folder", path), ("sync",): what is on disk from then on;
- ("file", path, file): what was there at the beginning;
- ("failed", operation, file or -1): a call that was made to fail;
- ("begin", call), ("end", call): the history's own calls;
- ("unsupported", what): a change that cannot be followed.

An fsync is written down and not made: no power is going to fail, and a disk is slow.

See `grader.agent.primitives` for the rule that this file follows: it is called by code under test.
"""

from __future__ import annotations

import errno
import os
import sys

from ..disk import path_of_descriptor
from ..primitives import (
    close,
    fstat,
    list_folder,
    lock_acquire,
    lock_release,
    new_lock,
    opaque,
    open_file,
    partition_text_from_right,
    stat,
    without_traceback,
    working_folder,
    write,
)

try:
    from fcntl import F_GETFL, fcntl
except ImportError:  # Windows
    F_GETFL = None  # type: ignore[assignment, misc, unused-ignore]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Event = tuple[Any, ...]
    Made = tuple[Any, BaseException | None]
    Attempt = Callable[..., Made]

EVENTS_MAX = 20_000
BYTES_MAX = 16 * 1024 * 1024  # of all writes together
_MODE, _INODE, _DEVICE, _SIZE = 0, 1, 2, 6  # places in the result of stat
_FILE_KIND, _FOLDER, _REGULAR = 0o170000, 0o040000, 0o100000
_CREATE, _TRUNCATE, _APPEND = os.O_CREAT, os.O_TRUNC, os.O_APPEND
_AT_ONCE = getattr(os, "O_SYNC", 0) | getattr(os, "O_DSYNC", 0)
_FOLDER_FLAGS = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
_message = os.strerror
_numbers = {name: number for number, name in errno.errorcode.items()}
_text = os.fsdecode
_lseek, _pwrite, _ftruncate = os.lseek, getattr(os, "pwrite", None), os.ftruncate
_CURRENT = 1  # os.SEEK_CUR
# Not those of `os`, which `disk` has replaced.
_system: Any = sys.modules[os.name]
_mkdir, _rmdir, _unlink = _system.mkdir, _system.rmdir, _system.unlink
_rename: Callable[..., None] = _system.replace
_link: Callable[..., None] = getattr(_system, "link", _system.replace)
_PLAIN = {id(kind) for kind in (int, str, bytes, type(None))}

_events: list[Event] = []
_files: dict[tuple[int, int], int] = {}  # by device and inode
_flags_of: dict[int, int] = {}  # by descriptor
_faults: list[Any] = []
_counts: dict[str, int] = {}
_lock = new_lock()
_root, _size, _next_file = "", 0, 0


def attempts() -> dict[str, Attempt]:
    """Every change that code under test can ask for, by its name. Each returns what came of it and
    the exception that it led to, one of them None; arguments are plain, and others are refused.
    """
    return {name: opaque(_attempt(_CHANGES[name])) for name in _CHANGES}


def watch(folder: str, wanted: list[Any]) -> None:
    """Begin anew, for what happens below a folder; empty for nothing.

    A fault is `(operation, from which on, how many, errno's name, bytes)`: that many calls of the
    operation in the folder fail, but the first of these writes takes so many bytes.
    """
    global _root, _size, _next_file, _faults
    _root, _size, _next_file, _faults = "", 0, 0, wanted
    del _events[:]
    for table in (_files, _flags_of, _counts):
        for key in [*table]:
            del table[key]
    if folder:
        _root = _real_path(folder)
        _number_files("")


def _number_files(below: str) -> None:
    """Give a number to every file that is there already, in the order of their names."""
    for name in sorted(list_folder(_root + "/" + below)):
        status = stat(_root + "/" + below + name)
        if int(status[_MODE]) & _FILE_KIND == _FOLDER:
            _number_files(below + name + "/")
        else:
            _note("file", below + name, _new_file(status))


def take() -> list[Event]:
    """All that was written down."""
    return _events[:]


def mark(what: str, number: int) -> None:
    """Write down that a call of the history begins or ends."""
    _note(what, number)


def _attempt(change: Callable[..., Any]) -> Attempt:
    def made(*args: Any) -> Made:
        lock_acquire(_lock)
        try:
            _require_plain(args)
            return change(*args), None
        except BaseException as error:
            return None, without_traceback(error, None)
        finally:
            lock_release(_lock)

    return made


def _note(*event: Any) -> None:
    global _size, _events
    if event[0] == "write":
        _size += len(event[3])
    if len(_events) < EVENTS_MAX and _size <= BYTES_MAX:
        _events += (event,)
    elif _events[-1][0] != "unsupported":
        _events += (("unsupported", "more changes than can be followed"),)


def _new_file(status: Any) -> int:
    global _next_file
    _next_file += 1
    _files[status[_DEVICE], status[_INODE]] = _next_file
    return _next_file


def _file_of(descriptor: int) -> int:
    """The number of an open file in the folder; 0 for any other."""
    status = fstat(descriptor)
    key = status[_DEVICE], status[_INODE]
    return _files[key] if key in _files else 0  # noqa: SIM401


def _real_path(path: str) -> str:
    """The path with no link in it, but for its last part."""
    while path[1:] and path[-1] in "/\\":
        path = path[:-1]
    place, slash, name = partition_text_from_right(path, "/")
    if not slash:
        return path
    try:
        folder = open_file(place or "/", _FOLDER_FLAGS)
    except OSError:
        return path
    try:
        return (path_of_descriptor(folder) or place) + "/" + name
    finally:
        close(folder)


def _inside(path: str | bytes, dir_fd: int | None = None) -> str | None:
    """The path relative to the folder, "." for itself; None for what lies elsewhere."""
    if not _root:
        return None
    text = _text(path) if isinstance(path, bytes) else path
    if text[:1] not in ("/", "\\") and text[1:2] != ":":
        base = working_folder() if dir_fd is None else path_of_descriptor(dir_fd)
        text = base + "/" + text
    text = _real_path(text)
    if text == _root:
        return "."
    return text[len(_root) + 1 :] if text[: len(_root) + 1] == _root + "/" else None


def _fault(operation: str) -> Any:
    """What meets this call of an operation: an error, and how many bytes a write takes before;
    None for nothing.
    """
    number = (_counts[operation] if operation in _counts else 0) + 1  # noqa: SIM401
    _counts[operation] = number
    for name, first, times, error, taken in _faults:
        if name == operation and first <= number < first + times:
            error = OSError(_numbers[error], _message(_numbers[error]))
            return error, taken if number == first else 0
    return None


def _refusal(operation: str, file: int = -1) -> OSError | None:
    met = _fault(operation)
    if met is None:
        return None
    _note("failed", operation, file)
    return met[0]  # type: ignore[no-any-return]


def _make_open(path: Any, flags: int, mode: int, dir_fd: int | None) -> int:
    name = _inside(path, dir_fd)
    if name is None:
        return open_file(path, flags, mode, dir_fd=dir_fd)
    before = _status_of(path, dir_fd)
    if before is None and flags & _CREATE and (failure := _refusal("create")):
        raise failure
    descriptor = open_file(path, flags, mode, dir_fd=dir_fd)
    status = fstat(descriptor)
    if int(status[_MODE]) & _FILE_KIND != _REGULAR:
        return descriptor
    _flags_of[descriptor] = flags
    name = _inside(path_of_descriptor(descriptor)) or name
    if before is None:
        _note("create", name, _new_file(status))
    elif flags & _TRUNCATE and before[_SIZE]:
        _note("truncate", _file_of(descriptor), 0)
    return descriptor


def _make_write(descriptor: int, data: bytes, offset: int | None) -> int:
    file = _file_of(descriptor) if _root else 0
    if not file:
        return _plain_write(descriptor, data, offset)
    met = _fault("write")
    if met is not None:
        data = data[: met[1]]
        if not data:
            _note("failed", "write", file)
            raise met[0]
    place = _where(descriptor) if offset is None else offset
    count = _plain_write(descriptor, data, offset)
    if count:
        _note("write", file, place, data[:count])
    if _flags(descriptor) & _AT_ONCE:
        _note("fsync", file)
    return count


def _plain_write(descriptor: int, data: bytes, offset: int | None) -> int:
    if offset is None:
        return write(descriptor, data)
    return _pwrite(descriptor, data, offset)  # type: ignore[misc, no-any-return]


def _where(descriptor: int) -> int:
    """Where the next write of a descriptor goes."""
    if _flags(descriptor) & _APPEND:
        return int(fstat(descriptor)[_SIZE])
    return _lseek(descriptor, 0, _CURRENT)


def _flags(descriptor: int) -> int:
    if F_GETFL is not None:
        return int(fcntl(descriptor, F_GETFL))
    return _flags_of[descriptor] if descriptor in _flags_of else 0  # noqa: SIM401


def _make_truncate(descriptor: int, length: int) -> None:
    file = _file_of(descriptor) if _root else 0
    if file and (failure := _refusal("truncate", file)):
        raise failure
    _ftruncate(descriptor, length)
    if file:
        _note("truncate", file, length)


def _make_sync(descriptor: int) -> bool:
    """Whether it was one of the folder; nothing is done for any other."""
    if not _root:
        return False
    status = fstat(descriptor)
    if int(status[_MODE]) & _FILE_KIND == _FOLDER:
        name = _inside(path_of_descriptor(descriptor))
        if name is None:
            return False
        if failure := _refusal("fsync"):
            raise failure
        _note("fsync folder", name)
        return True
    file = _file_of(descriptor)
    if not file:
        return False
    if failure := _refusal("fsync", file):
        raise failure
    _note("fsync", file)
    return True


def _make_sync_of_all() -> bool:
    if _root:
        _note("sync")
    return bool(_root)


def _make_name(operation: str, path: Any, mode: int | None, dir_fd: int | None) -> None:
    """Change one name: mkdir, unlink, rmdir."""
    name = _inside(path, dir_fd)
    if name is not None and (failure := _refusal(operation)):
        raise failure
    if operation == "mkdir":
        _mkdir(path, 0o777 if mode is None else mode, dir_fd=dir_fd)
    else:
        (_rmdir if operation == "rmdir" else _unlink)(path, dir_fd=dir_fd)
    if name is not None:
        _note(operation, name)


def _make_names(
    operation: str, src: Any, dst: Any, src_dir_fd: int | None, dst_dir_fd: int | None
) -> None:
    """Change two names: rename, link."""
    old, new = _inside(src, src_dir_fd), _inside(dst, dst_dir_fd)
    is_ours = old is not None or new is not None
    if is_ours and (failure := _refusal(operation)):
        raise failure
    change = _link if operation == "link" else _rename
    change(src, dst, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
    if old is not None and new is not None:
        _note(operation, old, new)
    elif is_ours:
        _note("unsupported", f"a {operation} across the border of the data folder")


def _make_unsupported(descriptor: int, what: str) -> None:
    """Something that cannot be followed is about to happen to an open file."""
    if _root and _file_of(descriptor):
        _note("unsupported", what)


def _is_watched(descriptor: int) -> bool:
    return bool(_root and _file_of(descriptor))


def _require_plain(args: Any) -> None:
    """Refuse what could run code under test when it is used."""
    for value in args:
        if id(type(value)) not in _PLAIN:
            raise TypeError("a path is text or bytes, a file a number, and data are bytes")


def _status_of(path: Any, dir_fd: int | None) -> Any:
    """The status of a file; None when there is none."""
    try:
        return stat(path, dir_fd=dir_fd)
    except OSError:
        return None


_CHANGES: dict[str, Callable[..., Any]] = {
    "open": _make_open,
    "write": _make_write,
    "truncate": _make_truncate,
    "fsync": _make_sync,
    "sync": _make_sync_of_all,
    "name": _make_name,
    "names": _make_names,
    "unsupported": _make_unsupported,
    "is_watched": _is_watched,
}
