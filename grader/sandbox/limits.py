"""What one agent may use, in numbers: alone, and with all that it starts together."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

# Of each process, held by the kernel. Address space counts thread stacks too, 1 MiB each.
LIMITS = {
    "as": 1024**3,
    "cpu": 60,
    "fsize": 512 * 1024**2,
    "nofile": 1024,
    "nproc": 256,
    "core": 0,
}
# Of an agent and all that it started together, looked at by `grader.remote.overseer`.
TREE_MEMORY_BYTES_MAX = 2 * 1024**3
TREE_THREADS_MAX = 512
FOLDER_BYTES_MAX = 1024**3
FOLDER_FILES_MAX = 20_000
FOLDER_DEPTH_MAX = 64
# Of the private temporary folders in memory, where there are any.
TEMPORARY_BYTES_MAX = 64 * 1024**2
SHARED_MEMORY_BYTES_MAX = 16 * 1024**2


def limits(*, own_user: bool) -> dict[str, int]:
    """The limits of each process of an agent.

    The kernel counts processes and threads by user. Those that this user has already do not count
    where Linux tells how many they are; elsewhere there is no such limit.
    """
    if own_user:
        return LIMITS
    if sys.platform != "linux":
        return {name: value for name, value in LIMITS.items() if name != "nproc"}
    return {**LIMITS, "nproc": LIMITS["nproc"] + _threads_of_this_user()}


@cache
def _threads_of_this_user() -> int:
    count = 0
    for entry in os.scandir("/proc"):
        try:
            if entry.name.isdigit() and entry.stat().st_uid == os.getuid():
                count += len(list(Path(entry.path, "task").iterdir()))
        except OSError:  # it has ended
            continue
    return count
