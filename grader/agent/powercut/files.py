"""`open` and `io.FileIO` while changes are recorded: the buffers are Python's own, and the raw file
below them asks the recorder for each change.

Source of how the layers fit together: `_pyio.open` in the standard library.
"""

from __future__ import annotations

import builtins
import io
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    Attempts = Mapping[str, Callable[..., Any]]
    _Raw: Any
_real_open, _Raw = builtins.open, io.FileIO
_BUFFER_BYTES = 8192
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

    def init(
        self: Any, file: Any, mode: str = "r", closefd: Any = True, opener: Any = None
    ) -> None:
        if isinstance(file, int) or opener is not None or set(mode) - set("rwxab+"):
            real_init(self, file, mode, closefd, opener)
            return
        fd = change("open", os.fspath(file), _flags(mode), 0o666, None)
        try:
            real_init(self, fd, mode)
        except BaseException:
            os.close(fd)
            raise
        self.name = file

    def write(self: Any, data: Any, /) -> Any:
        if not self.writable():
            return real_write(self, data)  # raises as it should
        try:
            return change("write", self.fileno(), bytes(memoryview(data)), None)
        except BlockingIOError:
            return None

    def truncate(self: Any, size: int | None = None, /) -> Any:
        if not self.writable():
            return real_truncate(self, size)
        length = self.tell() if size is None else int(size)
        change("truncate", self.fileno(), length)
        return length

    real_init, real_write, real_truncate = _Raw.__init__, _Raw.write, _Raw.truncate
    return type("FileIO", (_Raw,), {"__init__": init, "write": write, "truncate": truncate})


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
        kinds = [kind for kind in "rwxa" if kind in mode]
        is_binary, is_updating = "b" in mode, "+" in mode
        is_odd = len(kinds) != 1 or set(mode) - set("rwxabt+") or len(mode) != len(set(mode))
        text_options = (encoding, errors, newline) != (None, None, None)
        if (
            is_odd
            or (is_binary and ("t" in mode or text_options))
            or (not is_binary and not buffering)
        ):
            return _real_open(file, mode, buffering, encoding, errors, newline, closefd, opener)
        raw = raw_file(file, kinds[0] + "+" * is_updating, closefd, opener)
        try:
            if buffering == 0:
                return raw
            size = buffering if buffering > 1 else _buffer_size(raw)
            if is_updating:
                buffer: Any = io.BufferedRandom(raw, size)
            else:
                buffer = (io.BufferedReader if kinds == ["r"] else io.BufferedWriter)(raw, size)
            if is_binary:
                return buffer
            is_line = buffering == 1 or (buffering == -1 and raw.isatty())
            text = io.TextIOWrapper(buffer, encoding, errors, newline, is_line)
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


def _buffer_size(raw: io.FileIO) -> int:
    return max(getattr(os.fstat(raw.fileno()), "st_blksize", 0), _BUFFER_BYTES)
