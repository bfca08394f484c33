"""How to start a command under bubblewrap (bwrap): its own view of files, processes and network.

Nothing of the machine is there but the named folders, read-only, one folder to write to, and small
temporary folders in memory. The network is a loopback of its own. When bubblewrap dies, everything
inside dies with it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from grader.agent import seccomp
from grader.sandbox.limits import SHARED_MEMORY_BYTES_MAX, TEMPORARY_BYTES_MAX

_OLDEST = (0, 7)  # the first with --size


@cache
def program() -> str | None:
    """The path of `bwrap`, or None where it is not installed or too old."""
    path = shutil.which("bwrap")
    if path is None:
        return None
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"(\d+)\.(\d+)", said.stdout)
    return path if found and (int(found[1]), int(found[2])) >= _OLDEST else None


def filter_descriptor() -> int | None:
    """A new descriptor from which bubblewrap reads the seccomp filter, if this machine has one."""
    refused = seccomp.build()
    if refused is None:
        return None
    reading, writing = os.pipe()
    os.write(writing, refused)  # a pipe takes 4 KiB at least without anybody reading
    os.close(writing)
    return reading


def command(
    inner: list[str],
    *,
    read: Iterable[Path],
    hidden: Iterable[Path],
    write: Path,
    environment: Mapping[str, str],
    filter_descriptor: int | None,
    may_change_user: bool,
) -> list[str]:
    """Return the command line that runs `inner` with `read` visible and `write` writable.

    What is `hidden` is not visible, though it lies below what is; what of `read` lies below that is
    visible all the same. With `may_change_user` (only root can ask for it) the command
    keeps the right to become another user.
    """
    bwrap = program()
    assert bwrap is not None
    arguments = [bwrap, "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    arguments += ["--hostname", "grader", "--unshare-cgroup-try"]
    arguments += ["--die-with-parent", "--new-session", "--clearenv"]
    if may_change_user:
        arguments += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    elif os.geteuid() != 0:
        arguments += ["--unshare-user"]
    arguments += ["--proc", "/proc", "--dev", "/dev"]
    arguments += _memory("/dev/shm", SHARED_MEMORY_BYTES_MAX, "1777")  # noqa: S108
    arguments += _memory("/tmp", TEMPORARY_BYTES_MAX, "1777")  # noqa: S108
    arguments += _folders(list(read), list(hidden), write)
    arguments += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", str(write)]
    for name, value in environment.items():
        arguments += ["--setenv", name, value]
    if filter_descriptor is not None:
        arguments += ["--seccomp", str(filter_descriptor)]
    return [*arguments, "--", *inner]


def _memory(folder: str, bytes_max: int, mode: str) -> list[str]:
    return ["--perms", mode, "--size", str(bytes_max), "--tmpfs", folder]


def _folders(read: list[Path], hidden: list[Path], write: Path) -> list[str]:
    arguments: list[str] = []
    # Every folder above these, outermost first: bubblewrap would hide them from other users.
    above = {folder for path in (*read, write) for folder in path.parents}
    for folder in sorted(above - {Path("/"), Path("/tmp")}):  # noqa: S108
        arguments += ["--perms", "0755", "--dir", str(folder)]
    uncovered = [path for path in read if any(path.is_relative_to(other) for other in hidden)]
    for path in read:
        arguments += _visible(path) if path not in uncovered else []
    for path in hidden:
        arguments += _memory(str(path), 4096, "0755")
    for path in uncovered:
        arguments += _visible(path)
    for path in hidden:
        arguments += ["--remount-ro", str(path)]
    return [*arguments, "--bind", str(write), str(write)]


def _visible(path: Path) -> list[str]:
    """A symbolic link such as /lib -> usr/lib stays one."""
    if path.is_symlink():
        return ["--symlink", str(path.readlink()), str(path)]
    return ["--ro-bind-try", str(path), str(path)]
