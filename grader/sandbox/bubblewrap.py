"""How to start a command under bubblewrap (bwrap): its own view of files, processes and network.

Nothing of the machine is there but the named folders, read-only, and one folder to write to. The
network is a loopback of its own. When bubblewrap dies, everything inside dies with it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path


def program() -> str | None:
    """The path of `bwrap`, or None where it is not installed."""
    return shutil.which("bwrap")


def command(
    inner: list[str],
    read: Iterable[Path],
    write: Path,
    environment: Mapping[str, str],
    *,
    may_change_user: bool,
) -> list[str]:
    """Return the command line that runs `inner` with `read` visible and `write` writable.

    With `may_change_user` (only root can ask for it) the command keeps the right to become another
    user.
    """
    bwrap = program()
    assert bwrap is not None
    arguments = [bwrap, "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    arguments += ["--unshare-cgroup-try", "--die-with-parent", "--new-session", "--clearenv"]
    if may_change_user:
        arguments += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        arguments += ["--unshare-user-try"]
    arguments += ["--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--tmpfs", "/tmp"]  # noqa: S108
    read = list(read)
    for folder in _folders_above([*read, write]):
        arguments += ["--perms", "0755", "--dir", str(folder)]
    for path in read:
        arguments += _visible(path)
    arguments += ["--bind", str(write), str(write), "--chdir", str(write)]
    for name, value in environment.items():
        arguments += ["--setenv", name, value]
    return [*arguments, "--", *inner]


def _folders_above(paths: Iterable[Path]) -> list[Path]:
    """Every folder above these, outermost first: bubblewrap would hide them from other users."""
    above = {folder for path in paths for folder in path.parents}
    return sorted(above - {Path("/"), Path("/tmp")})  # noqa: S108


def _visible(path: Path) -> list[str]:
    """A symbolic link such as /lib -> usr/lib stays one."""
    if path.is_symlink():
        return ["--symlink", str(path.readlink()), str(path)]
    return ["--ro-bind-try", str(path), str(path)]
