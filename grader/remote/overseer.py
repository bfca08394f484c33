"""Bounds what an agent uses together with all that it started, which no limit of the kernel's does.

One thread for all agents of this process looks at each of them a few times a second: memory,
processes and threads, and what it put on the disk. Whoever uses too much is stopped with a reason.
Where there is no /proc (macOS, Windows) only the folder is looked at.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.remote import tree
from grader.sandbox.limits import (
    FOLDER_BYTES_MAX,
    FOLDER_DEPTH_MAX,
    FOLDER_FILES_MAX,
    TREE_MEMORY_BYTES_MAX,
    TREE_THREADS_MAX,
)

LOOK_SECONDS = 0.1
_TOO_DEEP = f"made folders more than {FOLDER_DEPTH_MAX} deep in each other"
_SEALED = "made a folder that cannot be looked into"
_BLOCK_BYTES = 512  # the unit of `st_blocks`, whatever the file system's own is


@dataclass(frozen=True)
class _Watch:
    root: int
    folder: Path
    stop: Callable[[str], None]


class Overseer:
    """Watches agents by the process id of the first of their processes.

    `_lock` protects `_watches`, and is held during a look: who was forgotten is not stopped any
    more.
    """

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._watches: dict[int, _Watch] = {}
        self._thread: threading.Thread | None = None

    def watch(self, root: int, folder: Path, stop: Callable[[str], None]) -> None:
        """Look at the tree of `root` and at its folder from now on; call `stop` with a reason when
        it uses too much.
        """
        with self._lock:
            self._watches[root] = _Watch(root, folder, stop)
            if self._thread is None:
                self._thread = threading.Thread(target=self._look_on, name="overseer", daemon=True)
                self._thread.start()
            self._lock.notify()

    def forget(self, root: int) -> None:
        """Look at it no more."""
        with self._lock:
            self._watches.pop(root, None)

    def _look_on(self) -> None:
        while True:
            with self._lock:
                self._lock.wait_for(lambda: self._watches)
                for watch in list(self._watches.values()):
                    reason = excess(watch.root, watch.folder)
                    if reason:
                        del self._watches[watch.root]
                        watch.stop(reason)
            _PAUSE.wait(LOOK_SECONDS)


_PAUSE = threading.Event()  # never set: waiting for it does not hold up the process's end
OVERSEER = Overseer()


def excess(root: int, folder: Path) -> str:
    """What the tree of `root` uses too much of, as the end of a sentence; empty when nothing."""
    pids = [root, *tree.descendants(root)]
    found = [status for status in map(tree.status, pids) if status is not None]
    if sum(status.threads for status in found) > TREE_THREADS_MAX:
        return f"ran more than {TREE_THREADS_MAX} processes and threads"
    # What forked processes share counts for each of them, so a second, slower look decides.
    if sum(status.memory_bytes for status in found) > TREE_MEMORY_BYTES_MAX and (
        sum(map(tree.own_memory_bytes, pids)) > TREE_MEMORY_BYTES_MAX
    ):
        return f"used more than {_size(TREE_MEMORY_BYTES_MAX)} of memory"
    return _excess_of_files(pids, folder)


def _excess_of_files(pids: list[int], folder: Path) -> str:
    total = sum(_deleted_bytes(pid) for pid in pids)
    count = 0
    try:
        for status in _statuses(folder, 0):
            count += 1
            total += _bytes_on_disk(status)
            if count > FOLDER_FILES_MAX:
                return f"made more than {FOLDER_FILES_MAX:,} files"
    except _UnreadableError as problem:
        return str(problem)
    if total > FOLDER_BYTES_MAX:
        return f"wrote more than {_size(FOLDER_BYTES_MAX)} to the disk"
    return ""


class _UnreadableError(Exception):
    """A folder that cannot be looked into; no honest store makes one."""


def _statuses(folder: str | Path, depth: int) -> Iterator[os.stat_result]:
    """The status of everything below a folder that may change meanwhile."""
    try:
        entries = os.scandir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return  # it has gone
    except OSError as problem:
        too_deep = problem.errno == errno.ENAMETOOLONG
        raise _UnreadableError(_TOO_DEEP if too_deep else _SEALED) from None
    with entries:
        if depth > FOLDER_DEPTH_MAX:
            raise _UnreadableError(_TOO_DEEP)
        for entry in entries:
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue  # it has gone
            yield status
            if stat.S_ISDIR(status.st_mode):
                yield from _statuses(entry.path, depth + 1)


def _bytes_on_disk(status: os.stat_result) -> int:
    blocks = getattr(status, "st_blocks", None)
    return status.st_size if blocks is None else blocks * _BLOCK_BYTES


def _deleted_bytes(pid: int) -> int:
    """What files take up that a process holds open and that are in no folder any more."""
    total = 0
    # The process may have ended, or not be ours to look at; a file may be closed meanwhile.
    with contextlib.suppress(OSError), os.scandir(f"/proc/{pid}/fd") as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                status = entry.stat()
                if stat.S_ISREG(status.st_mode) and status.st_nlink == 0:
                    total += _bytes_on_disk(status)
    return total


def _size(count: int) -> str:
    return f"{count / 1024**3:g} GiB"
