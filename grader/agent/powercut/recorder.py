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

While a change is made, the thread that makes it may be given another one: the garbage collector
closes a file that nobody holds any more, which is written to by that. So it can lock once more.

An fsync is written down and not made: no power is going to fail, and a disk is slow.

See `grader.agent.primitives` for the rule that this file follows: it is called by code under test.
"""

from __future__ import annotations

import _thread
import errno
import os
import sys

from ..disk import path_of_descriptor
from ..primitives import (
    fstat,
    list_folder,
    opaque,
    open_file,
    stat,
    without_traceback,
    write,
)
from .places import forget_places, place_in, real_path

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
BYTES_MAX = 16 * 1024 * 1024  # of all writes together, and of one file
_MODE, _INODE, _DEVICE, _SIZE = 0, 1, 2, 6  # places in the result of stat
_FILE_KIND, _FOLDER, _REGULAR = 0o170000, 0o040000, 0o100000
_CREATE, _TRUNCATE, _APPEND = os.O_CREAT, os.O_TRUNC, os.O_APPEND
_AT_ONCE = getattr(os, "O_SYNC", 0) | getattr(os, "O_DSYNC", 0)
_message = os.strerror
_numbers = {name: number for number, name in errno.errorcode.items()}
_lseek, _pwrite, _ftruncate = os.lseek, getattr(os, "pwrite", None), os.ftruncate
_CURRENT = 1  # os.SEEK_CUR
# Not those of `os`, which `disk` has replaced.
_system: Any = sys.modules[os.name]
_mkdir, _rmdir, _unlink = _system.mkdir, _system.rmdir, _system.unlink
_RENAMING = {
    "rename": _system.rename,
    "replace": _system.replace,
    "link": getattr(_system, "link", None),
}
_APPENDS_ALL = sys.platform == "linux"  # where a write to an offset appends as well: pwrite(2)
_PLAIN = {id(kind) for kind in (int, str, bytes, type(None))}

_events: list[Event] = []
_files: dict[tuple[int, int], int] = {}  # by device and inode
_flags_of: dict[int, int] = {}  # by descriptor
_faults: list[Any] = []
_counts: dict[str, int] = {}
_lock = _thread.RLock()
_acquire, _release = _thread.RLock.acquire, _thread.RLock.release
_root, _size, _next_file = "", 0, 0
_is_stopped = False


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
    _start_again()
    _root, _size, _next_file, _faults = "", 0, 0, wanted
    del _events[:]
    for table in (_files, _flags_of, _counts):
        for key in [*table]:
            del table[key]
    forget_places()
    if folder:
        _root = real_path(folder)
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


def stop() -> list[Event]:
    """The same; from now on other threads of the package wait for ever when they ask for a change,
    so that the folder stays as it was written down.
    """
    global _is_stopped
    if not _is_stopped:
        _acquire(_lock)
        _is_stopped = True
    return take()


def _start_again() -> None:
    global _is_stopped
    if _is_stopped:
        _is_stopped = False
        _release(_lock)


def mark(what: str, number: int) -> None:
    """Write down that a call of the history begins or ends."""
    _note(what, number)


def _attempt(change: Callable[..., Any]) -> Attempt:
    def made(*args: Any) -> Made:
        _acquire(_lock)
        try:
            _require_plain(args)
            return change(*args), None
        except BaseException as error:
            return None, without_traceback(error, None)
        finally:
            _release(_lock)

    return made


def _note(*event: Any) -> None:
    global _size, _events
    end = 0
    if event[0] == "write":
        _size += len(event[3])
        end = event[2] + len(event[3])
    elif event[0] == "truncate":
        end = event[2]
    if len(_events) < EVENTS_MAX and _size <= BYTES_MAX and end <= BYTES_MAX:
        _events += (event,)
    elif not _events or _events[-1][0] != "unsupported":
        _events += (("unsupported", "changes that are too many or too large"),)


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


def _inside(path: str | bytes, dir_fd: int | None = None) -> str | None:
    """The path relative to the folder, "." for itself; None for what lies elsewhere."""
    return place_in(_root, path, dir_fd) if _root else None


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
        descriptor = open_file(path, flags, mode, dir_fd=dir_fd)
        if flags & _TRUNCATE:  # through a link, perhaps
            _make_unsupported(descriptor, "a file that is emptied under another name")
        return descriptor
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
    place = _where(descriptor, offset)
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


def _where(descriptor: int, offset: int | None) -> int:
    """Where a write goes; an offset is None for one that goes on from the last."""
    if _flags(descriptor) & _APPEND and (offset is None or _APPENDS_ALL):
        return int(fstat(descriptor)[_SIZE])
    return _lseek(descriptor, 0, _CURRENT) if offset is None else offset


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
    if operation != "unlink":
        forget_places()
    if name is not None:
        _note(operation, name)


def _make_names(
    operation: str, src: Any, dst: Any, src_dir_fd: int | None, dst_dir_fd: int | None
) -> None:
    """Change two names: rename, replace, link."""
    old, new = _inside(src, src_dir_fd), _inside(dst, dst_dir_fd)
    is_ours = old is not None or new is not None
    told = "link" if operation == "link" else "rename"
    if is_ours and (failure := _refusal(told)):
        raise failure
    is_same = is_ours and _is_same(_status_of(src, src_dir_fd), _status_of(dst, dst_dir_fd))
    _RENAMING[operation](src, dst, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
    forget_places()
    if is_same:
        return  # two names of one file: rename(2) does nothing
    if old is not None and new is not None:
        _note(told, old, new)
    elif is_ours:
        _note("unsupported", f"a {told} across the border of the data folder")


def _is_same(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return False
    return bool(one[_DEVICE] == other[_DEVICE] and one[_INODE] == other[_INODE])


def _make_unsupported(descriptor: int, what: str) -> None:
    """Something that cannot be followed is about to happen to an open file."""
    if _root and _file_of(descriptor):
        _note("unsupported", what)


def _make_odd_name(path: Any, dir_fd: int | None, what: str) -> None:
    """A name is about to be made that is neither a file's nor a folder's."""
    if _inside(path, dir_fd) is not None:
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
    "odd name": _make_odd_name,
    "is_watched": _is_watched,
}
