"""A process and all that it started, wherever they went: found, measured, killed.

On Linux by what /proc says; elsewhere (macOS, Windows) a tree is what the system itself can kill at
once.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_LOOK_SECONDS = 0.002
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@dataclass(frozen=True)
class Status:
    """What the system says of a process: its state's letter, its parent, threads and memory."""

    state: str
    parent: int
    threads: int
    memory_bytes: int


def status(pid: int) -> Status | None:
    """Return what the system says of a process; None once it has ended, or without /proc."""
    try:
        # The name, in parentheses, may hold anything.
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    memory = int(fields[21]) * _PAGE_BYTES
    return Status(fields[0].decode(), int(fields[1]), int(fields[17]), memory)


def own_memory_bytes(pid: int) -> int:
    """What memory a process has, where what it shares with others counts in parts: its share."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_bytes().splitlines():
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:  # it has ended, or is not ours to look at so closely
        pass
    found = status(pid)
    return found.memory_bytes if found else 0


def descendants(root: int) -> list[int]:
    """Every process below `root`, each after its parent."""
    children = _children if _told_by_thread() else _children_by_parent()
    found: list[int] = []
    waiting = [root]
    while waiting:
        below = children(waiting.pop())
        found += below
        waiting += below
    return found


def kill(root: int, seconds: float) -> bool:
    """End `root`, which leads a group, and all below it; return whether those ended in time.

    Those below go first, over and over until there are none, since their tie to the root is how
    they are known. Signals that cannot be caught do it, so nothing that they do can stop them.
    """
    if sys.platform == "win32":
        command = ["taskkill", "/F", "/T", "/PID", str(root)]
        subprocess.run(command, capture_output=True)
        return True
    deadline = time.monotonic() + seconds
    while (alive := [pid for pid in descendants(root) if _is_alive(pid)]) and _ahead(deadline):
        for pid in alive:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        while any(map(_is_alive, alive)) and _ahead(deadline):
            time.sleep(_LOOK_SECONDS)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(root, signal.SIGKILL)
    return not alive


def _ahead(deadline: float) -> bool:
    return time.monotonic() < deadline


def _is_alive(pid: int) -> bool:
    found = status(pid)
    return found is not None and found.state not in "ZX"


@cache
def _told_by_thread() -> bool:
    """Whether this kernel lists the children of each thread; most do."""
    return Path("/proc/thread-self/children").exists()


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):  # it has ended
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208  (names are all it takes)
            found += map(int, Path(f"/proc/{pid}/task/{thread}/children").read_bytes().split())
    return found


def _children_by_parent() -> Callable[[int], list[int]]:
    """The children of each process, by asking all for their parent."""
    below: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        found = status(int(entry.name))
        if found is not None:
            below.setdefault(found.parent, []).append(int(entry.name))
    return lambda pid: below.get(pid, [])
