"""`open` and `io.FileIO` while changes are recorded: the buffers are Python's own, and the raw file
below them asks the recorder for each change.

Source of how the layers fit together: `_pyio.open` in the standard library.
"""

from __future__ import annotations

import builtins
import io
import os
from operator import index

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    Attempts = Mapping[str, Callable[..., Any]]
    _Raw: Any
_real_open, _Raw = builtins.open, io.FileIO
_BUFFER_BYTES = 8192  # the same on every file system, so that every machine has the same record
_FLAGS = {
    "r": os.O_RDONLY,
    "w": os.O_CREAT | os.O_TRUNC,
    "x": os.O_CREAT | os.O_EXCL,
    "a": os.O_CREAT | os.O_APPEND,
}
_EXTRA = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def replace_open(open_: Callable[..., Any], raw: type) -> None:
    """Put these in the place of `open`, `io.open` and `io.FileIO`."""
    for module, name, stand_in in (
        (builtins, "open", open_),
        (io, "open", open_),
        (io, "FileIO", raw),
    ):
        setattr(module, name, stand_in)


def recording_raw(attempts: Attempts) -> type[io.FileIO]:
    """Return a class of raw files whose changes are recorded."""

    def change(name: str, *args: Any) -> Any:
        result, failure = attempts[name](*args)
        if failure is not None:
            raise failure
        return result

    init, write, truncate = _opening(change), _writing(change), _truncating(change)
    return type("FileIO", (_Raw,), {"__init__": init, "write": write, "truncate": truncate})


def _opening(change: Callable[..., Any]) -> Callable[..., None]:
    real_init = _Raw.__init__

    def init(
        self: Any,
        file: Any,
        mode: str = "r",
        closefd: bool = True,  # noqa: FBT001, FBT002
        opener: Any = None,
    ) -> None:
        if isinstance(file, int) or opener is not None or not closefd or not _is_mode(mode, "b"):
            real_init(self, file, mode, closefd, opener)
            return
        path = os.fspath(file)
        path = str.__str__(path) if isinstance(path, str) else bytes(path)
        fd = change("open", path, _flags(mode), 0o666, None)
        try:
            real_init(self, fd, mode)
        except BaseException as error:
            os.close(fd)
            if isinstance(error, OSError):
                error.filename = file  # it is a folder
            raise
        self.name = file

    return init


def _writing(change: Callable[..., Any]) -> Callable[..., Any]:
    real_write = _Raw.write

    def write(self: Any, data: Any, /) -> Any:
        plain = bytes(memoryview(data))
        if not self.writable():
            return real_write(self, data)  # raises as it should
        try:
            return change("write", self.fileno(), plain, None)
        except BlockingIOError:
            return None

    return write


def _truncating(change: Callable[..., Any]) -> Callable[..., Any]:
    real_truncate = _Raw.truncate

    def truncate(self: Any, size: int | None = None, /) -> Any:
        if not self.writable():
            return real_truncate(self, size)
        length = self.tell() if size is None else index(size)
        change("truncate", self.fileno(), length)
        return length

    return truncate


def recording_open(raw_file: type[io.FileIO]) -> Callable[..., Any]:
    """Return an `open` that stands on such raw files."""

    def open(  # noqa: A001
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,  # noqa: FBT001, FBT002
        opener: Any = None,
    ) -> Any:
        text_options = (encoding, errors, newline)
        if not _is_mode(mode, "bt") or not _are_options(mode, buffering, text_options):
            return _real_open(file, mode, buffering, encoding, errors, newline, closefd, opener)
        is_binary = "b" in mode
        raw = raw_file(file, mode.replace("b", "").replace("t", ""), closefd, opener)
        try:
            if buffering == 0:
                if is_binary:
                    return raw
                raise ValueError("can't have unbuffered text I/O")
            size = buffering if buffering > 1 else _BUFFER_BYTES
            if "+" in mode:
                buffer: Any = io.BufferedRandom(raw, size)
            else:
                buffer = (io.BufferedReader if "r" in mode else io.BufferedWriter)(raw, size)
            if is_binary:
                return buffer
            is_line = buffering == 1 or (buffering < 0 and raw.isatty())
            text = io.TextIOWrapper(buffer, *text_options, is_line)
            vars(text)["mode"] = mode
        except BaseException:
            raw.close()
            raise
        return text

    return open


def _flags(mode: str) -> int:
    kind = next((kind for kind in "rwxa" if kind in mode), "r")
    if "+" in mode:
        return _FLAGS[kind] | os.O_RDWR | _EXTRA
    return _FLAGS[kind] | (os.O_RDONLY if kind == "r" else os.O_WRONLY) | _EXTRA


def _is_mode(mode: Any, more: str) -> bool:
    """Whether it is a mode, with any of `more` in it. What is none the real function refuses."""
    return (
        isinstance(mode, str)
        and not set(mode) - set("rwxa+" + more)
        and len(mode) == len(set(mode))
        and len(set(mode) & set("rwxa")) == 1
    )


def _are_options(mode: str, buffering: Any, text_options: tuple[Any, ...]) -> bool:
    """Whether `open` would get as far as the file with them."""
    return (
        isinstance(buffering, int)
        and not {"b", "t"} <= set(mode)
        and all(option is None or isinstance(option, str) for option in text_options)
        and ("b" not in mode or text_options == (None, None, None))
    )
