"""Paths below a folder that code under test can write to, safe for a test to use.

A test reads and writes there with the grader's own rights, while the package may have put anything
in the way: links that lead out, FIFOs that never end, devices, folders, files without end. So each
operation finds its way from the trusted folder one part at a time, follows no link, opens nothing
but regular files, and reads a bounded number of bytes; else it fails the test with one sentence.

Where the system cannot open a file relative to a folder (Windows), each part is looked at before
the whole path is used.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, NoReturn

READ_BYTES_MAX = 256 * 1024 * 1024
NAMES_MAX = 20_000

_RELATIVE = os.open in os.supports_dir_fd
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _NO_FOLLOW
_FILE = _NO_FOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_MODES = {
    "r": os.O_RDONLY,
    "r+": os.O_RDWR,
    "w": os.O_WRONLY | os.O_CREAT,
    "a": os.O_WRONLY | os.O_CREAT | os.O_APPEND,
    "x": os.O_WRONLY | os.O_CREAT | os.O_EXCL,
}
_KINDS = (
    (stat.S_ISLNK, "a link"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)

if TYPE_CHECKING:
    _Base = Path
else:
    _Base = type(Path())  # before Python 3.12 `Path` itself cannot be a base


class _Place(NamedTuple):
    """A path as the functions of `os` take it: relative to an open folder, where they can."""

    path: str
    folder: int | None


def safe_path(folder: Path) -> SafePath:
    """Return `folder`, which nobody else can replace, as a path below which all paths are safe."""
    kind = type("SafePath", (SafePath,), {"top": str(folder), "__slots__": ()})
    return kind(folder)  # type: ignore[no-any-return]


class SafePath(_Base):
    """A path at or below the folder `top`, which its class knows.

    What is refused raises `AssertionError`, and what is missing or forbidden `OSError`, as ever.
    """

    __slots__ = ()
    top = ""

    def open(  # type: ignore[override]
        self, mode: str = "r", buffering: int = -1, encoding: str | None = None
    ) -> IO[Any]:
        """Open a regular file; the modes are r, r+, w, a, x and each with b."""
        flags = _MODES[mode.replace("b", "")]
        with self._place() as place:
            status = self._look(place)
            if status is not None:
                self._check_regular(status, writing=flags != os.O_RDONLY)
            descriptor = os.open(place.path, flags | _FILE, 0o666, dir_fd=place.folder)
            try:
                self._check_regular(os.fstat(descriptor), writing=flags != os.O_RDONLY)
                if mode.startswith("w"):
                    os.truncate(descriptor, 0)
                return os.fdopen(descriptor, mode, buffering, encoding)
            except BaseException:
                os.close(descriptor)
                raise

    def read_bytes(self) -> bytes:
        """All bytes of a regular file of at most `READ_BYTES_MAX`."""
        with self.open("rb") as file:
            data: bytes = file.read(READ_BYTES_MAX + 1)
        if len(data) > READ_BYTES_MAX:
            self._refuse(f"holds more than {READ_BYTES_MAX:,} bytes")
        return data

    def read_text(self, encoding: str | None = None, errors: str | None = None) -> str:  # type: ignore[override, unused-ignore]
        """The text of a regular file."""
        return self.read_bytes().decode(encoding or "utf-8", errors or "strict")

    def write_bytes(self, data: Any) -> int:
        """Write a regular file anew."""
        with self.open("wb") as file:
            return int(file.write(data))

    def write_text(self, data: str, encoding: str | None = None) -> int:  # type: ignore[override]
        """Write a regular file anew."""
        return self.write_bytes(data.encode(encoding or "utf-8"))

    def touch(self, mode: int = 0o666, exist_ok: bool = True) -> None:  # noqa: FBT001, FBT002
        """Make an empty file, where there is none."""
        self.open("ab" if exist_ok else "xb").close()

    def stat(self, *, follow_symlinks: bool = False) -> os.stat_result:
        """The status of a regular file or a folder."""
        with self._place() as place:
            status = os.stat(place.path, dir_fd=place.folder, follow_symlinks=False)
        if not stat.S_ISDIR(status.st_mode):
            self._check_regular(status)
        return status

    lstat = stat

    def exists(self, *, follow_symlinks: bool = False) -> bool:
        """Whether there is a regular file or a folder."""
        try:
            self.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def is_file(self, *, follow_symlinks: bool = False) -> bool:
        """Whether there is a regular file."""
        return self.exists() and stat.S_ISREG(self.stat().st_mode)

    def is_dir(self, *, follow_symlinks: bool = False) -> bool:
        """Whether there is a folder."""
        return self.exists() and stat.S_ISDIR(self.stat().st_mode)

    def iterdir(self) -> Iterator[SafePath]:  # type: ignore[override]
        """What is in a folder, of at most `NAMES_MAX` names, in no order."""
        names: list[str] = []
        with self._folder() as folder, os.scandir(folder) as entries:
            for entry in entries:
                names.append(entry.name)
                if len(names) > NAMES_MAX:
                    self._refuse(f"holds more than {NAMES_MAX:,} names")
        return iter([self / name for name in names])

    def glob(self, pattern: str) -> Iterator[SafePath]:  # type: ignore[override]
        """What is in a folder and has a name like `pattern`, which is about one level."""
        assert "/" not in pattern, "a pattern of a name"
        assert "**" not in pattern, "a pattern of a name"
        return (path for path in self.iterdir() if fnmatchcase(path.name, pattern))

    def mkdir(self, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:  # noqa: FBT001, FBT002
        """Make a folder."""
        if exist_ok and self.is_dir():
            return
        with self._place() as place:
            os.mkdir(place.path, mode, dir_fd=place.folder)

    def unlink(self, missing_ok: bool = False) -> None:  # noqa: FBT001, FBT002
        """Remove a file, or whatever else is no folder."""
        with self._place() as place:
            if not (missing_ok and self._look(place) is None):
                os.unlink(place.path, dir_fd=place.folder)

    @contextmanager
    def _place(self) -> Iterator[_Place]:
        """Walk to the folder that holds this path's last part."""
        parts = self.relative_to(self.top).parts
        assert ".." not in parts, "a path that leads back up"
        if not _RELATIVE:
            for number in range(1, len(parts)):
                self._above(number).stat()
            yield _Place(str(self), None)
            return
        folder = os.open(self.top, _FOLDER)
        try:
            for number, part in enumerate(parts[:-1], 1):
                try:
                    below = os.open(part, _FOLDER, dir_fd=folder)
                except NotADirectoryError:
                    self._above(number).stat()  # says what it is, if that is what is wrong
                    raise
                os.close(folder)
                folder = below
            yield _Place(parts[-1] if parts else ".", folder)
        finally:
            os.close(folder)

    @contextmanager
    def _folder(self) -> Iterator[int | str]:
        """Open this folder, as `os.scandir` takes it."""
        if not self.is_dir():
            self._refuse("is not a folder")
        with self._place() as place:
            if place.folder is None:
                yield place.path
                return
            folder = os.open(place.path, _FOLDER, dir_fd=place.folder)
        try:
            yield folder
        finally:
            os.close(folder)

    def _above(self, number: int) -> SafePath:
        """The path of the first `number` parts below `top`."""
        return type(self)(self.top, *self.relative_to(self.top).parts[:number])

    def _look(self, place: _Place) -> os.stat_result | None:
        try:
            return os.stat(place.path, dir_fd=place.folder, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def _check_regular(self, status: os.stat_result, *, writing: bool = False) -> None:
        for is_kind, name in _KINDS:
            if is_kind(status.st_mode):
                self._refuse(f"is {name}; it should be a plain file")
        if writing and status.st_nlink > 1:
            self._refuse("is a file with a second name elsewhere (a hard link)")

    def _refuse(self, why: str) -> NoReturn:
        raise AssertionError(f"{self.relative_to(self.top).as_posix()} {why}")


def _unsafe(self: SafePath, *_args: Any, **_options: Any) -> NoReturn:
    raise TypeError("a test cannot do that with a path that code under test can write to")


for _name in (
    *("absolute", "chmod", "copy", "expanduser", "group", "hardlink_to", "is_block_device"),
    *(
        "is_char_device",
        "is_fifo",
        "is_mount",
        "is_socket",
        "is_symlink",
        "lchmod",
        "move",
        "owner",
    ),
    *(
        "readlink",
        "rename",
        "replace",
        "resolve",
        "rglob",
        "rmdir",
        "samefile",
        "symlink_to",
        "walk",
    ),
):
    setattr(SafePath, _name, _unsafe)
