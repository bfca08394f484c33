"""What stands in the place of functions of `os` while changes are recorded.

Arguments become plain here, since that may run code under test: paths become text or bytes, files
become descriptors, buffers become bytes. Then the recorder makes the change; what it led to is
raised from here. Arguments that the real function refuses are left to it, so that it does.
"""

from __future__ import annotations

import mmap
import os
import shutil
from functools import partial
from operator import index

from .files import recording_open, recording_raw, replace_open

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    Attempts = Mapping[str, Callable[..., Any]]

_REMOVALS = {"unlink": "unlink", "remove": "unlink", "rmdir": "rmdir"}
_RENAMES = ("rename", "replace")
_ODD_NAMES = ("mkfifo", "mknod", "symlink")
_COPIES_TO = {"sendfile": (0, "out_fd"), "copy_file_range": (1, "dst"), "splice": (1, "dst")}
_MAP_OPTIONS = ("tagname", "access") if os.name == "nt" else ("flags", "prot", "access")
_SYNCING = getattr(os, "RWF_DSYNC", 0) | getattr(os, "RWF_SYNC", 0)


def install(attempts: Attempts) -> None:
    """Replace every function by which a file can be changed; `attempts` are the recorder's."""
    for name, stand_in in {
        **_content(attempts),
        **_syncs(attempts),
        **_names(attempts),
        **_odd_names(attempts),
        **_copies(attempts),
    }.items():
        if hasattr(os, name):
            _replace(name, partial(stand_in))  # which is no method where it is kept in a class
    raw = recording_raw(attempts)
    replace_open(partial(recording_open(raw)), raw)
    vars(shutil).update(_USE_CP_SENDFILE=False, _HAS_FCOPYFILE=False)
    vars(mmap)["mmap"] = _recording_map(attempts)
    if fcntl is not None and hasattr(fcntl, "F_FULLFSYNC"):
        vars(fcntl)["fcntl"] = _full_sync(attempts, fcntl.fcntl)


def _replace(name: str, stand_in: Callable[..., Any]) -> None:
    real = getattr(os, name)
    for supporting in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
        if real in supporting:
            supporting.add(stand_in)
    setattr(os, name, stand_in)


def result_of(made: tuple[Any, BaseException | None]) -> Any:
    """What an attempt gave, or raise what it led to."""
    result, failure = made
    if failure is not None:
        raise failure
    return result


def _content(attempts: Attempts) -> dict[str, Any]:
    real_pwritev = getattr(os, "pwritev", None)

    def open_(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        made = attempts["open"](_plain_path(path), index(flags), index(mode), _number(dir_fd))
        return result_of(made)  # type: ignore[no-any-return]

    def write(fd: int, data: Any, /) -> int:
        return result_of(attempts["write"](index(fd), _bytes(data), None))  # type: ignore[no-any-return]

    def pwrite(fd: int, data: Any, offset: int, /) -> int:
        return result_of(attempts["write"](index(fd), _bytes(data), index(offset)))  # type: ignore[no-any-return]

    def writev(fd: int, buffers: Any, /) -> int:
        return write(fd, b"".join(map(_bytes, buffers)))

    def pwritev(fd: int, buffers: Any, offset: int, flags: int = 0, /) -> int:
        assert real_pwritev is not None
        if flags & ~_SYNCING or offset < 0:
            result_of(attempts["unsupported"](index(fd), "pwritev with these flags"))
            return real_pwritev(fd, buffers, offset, flags)  # type: ignore[no-any-return]
        count = pwrite(fd, b"".join(map(_bytes, buffers)), offset)
        if flags:
            os.fsync(fd)
        return count

    return {
        "open": open_,
        "write": write,
        "pwrite": pwrite,
        "writev": writev,
        "pwritev": pwritev,
        **_sizes(attempts, open_),
    }


def _sizes(attempts: Attempts, open_: Callable[..., int]) -> dict[str, Any]:
    real_fallocate = getattr(os, "posix_fallocate", None)

    def ftruncate(fd: int, length: int, /) -> None:
        result_of(attempts["truncate"](index(fd), index(length)))

    def truncate(path: Any, length: int) -> None:
        if isinstance(path, int):
            return ftruncate(path, length)
        fd = open_(path, os.O_WRONLY)
        try:
            ftruncate(fd, length)
        finally:
            os.close(fd)

    def posix_fallocate(fd: int, offset: int, length: int, /) -> None:
        assert real_fallocate is not None
        end = index(offset) + index(length)
        if offset < 0 or length <= 0 or not result_of(attempts["is_watched"](index(fd))):
            real_fallocate(fd, offset, length)
        elif end > os.fstat(fd).st_size:
            ftruncate(fd, end)

    return {"ftruncate": ftruncate, "truncate": truncate, "posix_fallocate": posix_fallocate}


def _syncs(attempts: Attempts) -> dict[str, Any]:
    real_sync = getattr(os, "sync", None)

    def syncing(real: Callable[[Any], None]) -> Callable[[Any], None]:
        def sync(fd: Any) -> None:
            number = _descriptor(fd)
            if number is None or not result_of(attempts["fsync"](number)):
                real(fd if number is None else number)

        return sync

    def sync_all() -> None:
        if not result_of(attempts["sync"]()) and real_sync is not None:
            real_sync()

    syncs: dict[str, Any] = {
        name: syncing(getattr(os, name)) for name in ("fsync", "fdatasync") if hasattr(os, name)
    }
    return {**syncs, "sync": sync_all}


def _names(attempts: Attempts) -> dict[str, Any]:
    def mkdir(path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        made = attempts["name"]("mkdir", _plain_path(path), index(mode), _number(dir_fd))
        result_of(made)

    def removing(operation: str) -> Callable[..., None]:
        def remove(path: Any, *, dir_fd: int | None = None) -> None:
            result_of(attempts["name"](operation, _plain_path(path), None, _number(dir_fd)))

        return remove

    def renaming(operation: str) -> Callable[..., None]:
        def rename(
            src: Any, dst: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None
        ) -> None:
            folders = _number(src_dir_fd), _number(dst_dir_fd)
            result_of(attempts["names"](operation, _plain_path(src), _plain_path(dst), *folders))

        return rename

    link = renaming("link")
    return {
        "mkdir": mkdir,
        **{name: removing(_REMOVALS[name]) for name in _REMOVALS},
        **{name: renaming(name) for name in _RENAMES},
        "link": lambda *args, follow_symlinks=True, **folders: link(*args, **folders),
    }


def _odd_names(attempts: Attempts) -> dict[str, Any]:
    """Links and pipes cannot be followed."""

    def making(real: Callable[..., None], place: int) -> Callable[..., None]:
        def make(*args: Any, dir_fd: int | None = None, **kwargs: Any) -> None:
            if len(args) > place:
                path = _plain_path(args[place])
                what = "a link, or something else that is no plain file"
                result_of(attempts["odd name"](path, _number(dir_fd), what))
            real(*args, dir_fd=dir_fd, **kwargs)

        return make

    found = {name: getattr(os, name) for name in _ODD_NAMES if hasattr(os, name)}
    return {name: making(found[name], int(name == "symlink")) for name in found}


def _copies(attempts: Attempts) -> dict[str, Any]:
    """Copies within the kernel."""

    def copying(real: Callable[..., Any], place: int, name: str) -> Callable[..., Any]:
        def copy(*args: Any, **kwargs: Any) -> Any:
            to = args[place] if len(args) > place else kwargs.get(name)
            if isinstance(to, int):
                result_of(attempts["unsupported"](index(to), "a copy within the kernel"))
            return real(*args, **kwargs)

        return copy

    found = {name: getattr(os, name) for name in _COPIES_TO if hasattr(os, name)}
    return {name: copying(found[name], *_COPIES_TO[name]) for name in found}


def _recording_map(attempts: Attempts) -> type:
    """A memory map that says when it can change a file."""

    class RecordingMap(mmap.mmap):
        def __new__(cls, fileno: int, *args: Any, **kwargs: Any) -> Any:
            made = super().__new__(cls, fileno, *args, **kwargs)
            if fileno != -1 and not memoryview(made).readonly and not _is_private(args, kwargs):
                what = "a memory map that can be written to"
                result_of(attempts["unsupported"](index(fileno), what))
            return made

    return RecordingMap


def _is_private(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether what is written to a memory map stays there."""
    options = dict(zip(_MAP_OPTIONS, args[1:], strict=False)) | kwargs
    flags = options.get("flags", 0) & getattr(mmap, "MAP_PRIVATE", 0)
    return bool(flags) or options.get("access") == mmap.ACCESS_COPY


def _full_sync(attempts: Attempts, real: Callable[..., Any]) -> Callable[..., Any]:
    """The fsync of macOS that waits for the disk itself is a command of `fcntl`."""

    def control(fd: Any, command: int, arg: Any = 0, /) -> Any:
        if command == fcntl.F_FULLFSYNC:  # type: ignore[attr-defined]
            number = _descriptor(fd)
            if number is not None and result_of(attempts["fsync"](number)):
                return 0
        return real(fd, command, arg)

    return control


def _number(value: Any) -> int | None:
    return None if value is None else index(value)


def _plain_path(path: Any) -> str | bytes:
    found = os.fspath(path)
    return str.__str__(found) if isinstance(found, str) else bytes(found)


def _bytes(data: Any) -> bytes:
    return bytes(memoryview(data))


def _descriptor(file: Any) -> int | None:
    """The descriptor of an open file; None for what the real function refuses."""
    number = file if isinstance(file, int) else getattr(file, "fileno", lambda: None)()
    return index(number) if isinstance(number, int) and number >= 0 else None
