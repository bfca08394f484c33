"""What a history finds besides what it makes: paths in its folder, rows instead of entries, and
attributes as plain values. Stands in the open, since all of it runs code under test.
"""

from __future__ import annotations

import os
import warnings
from importlib import import_module

from ..clock import ManualClock
from ..verbs import PACKAGE, pull

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CLOCK_START = 1_700_000_000.0  # seconds; `grader.oracle` begins at the same instant
_ROW = ("op.value", "timestamp", "key", "value")


class Helper:
    """The calls of a history that are the test's own."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def path(self, name: str) -> str:
        """The path of a file in the folder."""
        return os.path.join(self._folder, name)

    def frames(self, log: Any, is_last: bool) -> list[list[Any]]:  # noqa: FBT001  (from the wire)
        """What a log replays, each frame as a list of rows."""
        return pull(log.replay(is_last=is_last), _ROW, 2)  # type: ignore[no-any-return]

    def append(self, log: Any, rows: list[tuple[Any, ...]]) -> None:
        """Append rows to a log as one frame."""
        entry = import_module(f"{PACKAGE}.entry")
        log.append(*(entry.Entry(entry.Op(row[0]), *row[1:]) for row in rows))

    def latest(self, folder: str) -> int | None:
        """The number of the latest snapshot in a folder; None if there is none."""
        found = import_module(f"{PACKAGE}.snapshot").latest_snapshot(folder)
        return None if found is None else found[0]

    def load(self, path: str) -> Any:
        """What a snapshot holds; None if there is none."""
        if not os.path.exists(path):
            return None
        return import_module(f"{PACKAGE}.snapshot").load_snapshot(path)

    def attributes(self, owner: Any, names: list[str]) -> list[Any]:
        """Attributes of an object, of which dotted ones are those of an attribute."""
        return list(pull(owner, tuple(names), 0))


def make_helpers(folder: str) -> tuple[ManualClock, Helper]:
    """The clock, which stands still until it is moved, and the helper."""
    return ManualClock(CLOCK_START), Helper(folder)


def be_quiet() -> None:
    """Python warns of forks in a process with threads; here only a sleeping one is lost."""
    warnings.filterwarnings("ignore", message=".*multi-threaded.*", category=DeprecationWarning)


def place_of(error: Any) -> tuple[str | None, int | None]:
    """The file and the offset that an exception names, if it names them."""
    path, offset = getattr(error, "path", None), getattr(error, "offset", None)
    path = os.fspath(path) if isinstance(path, os.PathLike) else path
    return (
        str(path) if isinstance(path, str) else None,
        int(offset) if isinstance(offset, int) else None,
    )
