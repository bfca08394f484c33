"""What stands in the place of functions of `os` while changes are recorded.

Arguments become plain here, since that may run code under test: paths become text or bytes, files
become descriptors, buffers become bytes. Then the recorder makes the change; what it led to is
raised from here.
"""

from __future__ import annotations

import errno
import mmap
import os
import shutil

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

_NAMES = {"mkdir": "mkdir", "unlink": "unlink", "remove": "unlink", "rmdir": "rmdir"}
_TWO_NAMES = {"rename": "rename", "replace": "rename", "link": "link"}
_COPYING = ("sendfile", "copy_file_range", "splice")


def install(attempts: Attempts) -> None:
    """Replace every function by which a file can be changed; `attempts` are the recorder's."""
    for name, stand_in in {
        **_content(attempts),
        **_syncs(attempts),
        **_names(attempts),
        **_copies(attempts),
    }.items():
        if hasattr(os, name):
            setattr(os, name, stand_in)
    raw = recording_raw(attempts)
    replace_open(recording_open(raw), raw)
    vars(shutil)["_USE_CP_SENDFILE"] = False
    vars(mmap)["mmap"] = _recording_map(attempts)
    if fcntl is not None and hasattr(fcntl, "F_FULLFSYNC"):
        vars(fcntl)["fcntl"] = _full_sync(attempts, fcntl.fcntl)


def result_of(made: tuple[Any, BaseException | None]) -> Any:
    """What an attempt gave, or raise what it led to."""
    result, failure = made
    if failure is not None:
        raise failure
    return result


def _content(attempts: Attempts) -> dict[str, Any]:
    def open_(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        made = attempts["open"](os.fspath(path), int(flags), int(mode), _number(dir_fd))
        return result_of(made)  # type: ignore[no-any-return]

    def write(fd: int, data: Any, /) -> int:
        return result_of(attempts["write"](int(fd), bytes(memoryview(data)), None))  # type: ignore[no-any-return]

    def pwrite(fd: int, data: Any, offset: int, /) -> int:
        return result_of(attempts["write"](int(fd), bytes(memoryview(data)), int(offset)))  # type: ignore[no-any-return]

    def writev(fd: int, buffers: Any, /) -> int:
        return write(fd, b"".join(map(bytes, buffers)))

    def pwritev(fd: int, buffers: Any, offset: int, flags: int = 0, /) -> int:
        return pwrite(fd, b"".join(map(bytes, buffers)), offset)

    def ftruncate(fd: int, length: int, /) -> None:
        result_of(attempts["truncate"](int(fd), int(length)))

    def truncate(path: Any, length: int) -> None:
        if isinstance(path, int):
            return ftruncate(path, length)
        fd = open_(path, os.O_WRONLY)
        try:
            ftruncate(fd, length)
        finally:
            os.close(fd)

    def posix_fallocate(fd: int, offset: int, length: int, /) -> None:
        end = int(offset) + int(length)
        if end > os.fstat(fd).st_size:
            ftruncate(fd, end)

    return {
        "open": open_,
        "write": write,
        "pwrite": pwrite,
        "writev": writev,
        "pwritev": pwritev,
        "ftruncate": ftruncate,
        "truncate": truncate,
        "posix_fallocate": posix_fallocate,
    }


def _syncs(attempts: Attempts) -> dict[str, Any]:
    real_sync = getattr(os, "sync", None)

    def syncing(real: Callable[[int], None]) -> Callable[[Any], None]:
        def sync(fd: Any) -> None:
            number = int(fd if isinstance(fd, int) else fd.fileno())
            if not result_of(attempts["fsync"](number)):
                real(number)

        return sync

    def sync_all() -> None:
        if not result_of(attempts["sync"]()) and real_sync is not None:
            real_sync()

    syncs: dict[str, Any] = {
        name: syncing(getattr(os, name)) for name in ("fsync", "fdatasync") if hasattr(os, name)
    }
    return {**syncs, "sync": sync_all}


def _names(attempts: Attempts) -> dict[str, Any]:
    def one(operation: str) -> Callable[..., None]:
        def change(path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
            made = attempts["name"](operation, os.fspath(path), int(mode), _number(dir_fd))
            result_of(made)

        return change

    def two(operation: str) -> Callable[..., None]:
        def change(
            src: Any,
            dst: Any,
            *,
            src_dir_fd: int | None = None,
            dst_dir_fd: int | None = None,
            follow_symlinks: bool = True,
        ) -> None:
            folders = _number(src_dir_fd), _number(dst_dir_fd)
            result_of(attempts["names"](operation, os.fspath(src), os.fspath(dst), *folders))

        return change

    single = {name: one(operation) for name, operation in _NAMES.items()}
    return {**single, **{name: two(operation) for name, operation in _TWO_NAMES.items()}}


def _copies(attempts: Attempts) -> dict[str, Any]:
    """Copies within the kernel are refused, and who asks for one then copies by hand."""

    def copying(real: Any) -> Callable[..., Any]:
        def copy(to: int, *args: Any, **kwargs: Any) -> Any:
            ends = [fd for fd in (to, *args[:1]) if isinstance(fd, int)]
            if any(result_of(attempts["is_watched"](fd)) for fd in ends):
                raise OSError(errno.ENOTSOCK, os.strerror(errno.ENOTSOCK))
            return real(to, *args, **kwargs)

        return copy

    return {name: copying(getattr(os, name)) for name in _COPYING if hasattr(os, name)}


def _recording_map(attempts: Attempts) -> type:
    """A memory map that says when it can change a file."""

    class RecordingMap(mmap.mmap):
        def __new__(cls, fileno: int, *args: Any, **kwargs: Any) -> Any:
            made = super().__new__(cls, fileno, *args, **kwargs)
            if fileno != -1 and not memoryview(made).readonly:
                result_of(
                    attempts["unsupported"](int(fileno), "a memory map that can be written to")
                )
            return made

    return RecordingMap


def _full_sync(attempts: Attempts, real: Callable[..., Any]) -> Callable[..., Any]:
    """The fsync of macOS that waits for the disk itself is a command of `fcntl`."""

    def control(fd: Any, command: int, arg: Any = 0, /) -> Any:
        if command == fcntl.F_FULLFSYNC:  # type: ignore[attr-defined]
            number = int(fd if isinstance(fd, int) else fd.fileno())
            if result_of(attempts["fsync"](number)):
                return 0
        return real(fd, command, arg)

    return control


def _number(value: Any) -> int | None:
    return None if value is None else int(value)
