"""Choose the walls around the code under test, and say which they are.

In order of strength: bubblewrap (own file system, processes and network), Landlock (own file
system), resource limits alone. Which one is in force is found by trying it, once per process, and
is stated in every result. This file decides *what* is walled off; `bubblewrap.py` says how for
bubblewrap, and `grader.agent.confine` shuts the doors that are shut from inside.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.agent import landlock
from grader.sandbox import bubblewrap
from grader.sandbox.users import owner_for

AGENT_DIR = Path(__file__).resolve().parent.parent / "agent"

# What one agent may use. Address space counts thread stacks too, 1 MiB each.
LIMITS = {
    "as": 1024**3,
    "cpu": 60,
    "fsize": 512 * 1024**2,
    "nofile": 1024,
    "nproc": 256,
    "core": 0,
}
_MALLOC_ARENAS = {"MALLOC_ARENA_MAX": "2"}  # each arena reserves 64 MiB of address space
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "PYTHONHASHSEED": "0",
    **_MALLOC_ARENAS,
}


@dataclass(frozen=True)
class Walls:
    """How to start one agent: the command, its environment, and the doors that it shuts itself."""

    command: list[str]
    environment: dict[str, str]
    confine: dict[str, Any]


@dataclass(frozen=True)
class Isolation:
    """One way to wall off the code under test; `name` is what a result says was in force."""

    name: str
    build: Callable[[list[str], Path, Path], Walls]

    def walls(self, package_dir: Path, work_dir: Path) -> Walls:
        """Return how to start an agent that reads `package_dir` and may write to `work_dir`, and to
        nothing else.
        """
        return self.build(agent_command(), package_dir, work_dir)


def agent_command() -> list[str]:
    """Python without `site`, user folder or caller's path: a quarter of the usual start-up time."""
    python = str(Path(getattr(sys, "_base_executable", None) or sys.executable).resolve())
    return [python, "-s", "-S", "-P", "-B", "-X", "utf8", str(AGENT_DIR)]


def readable_folders(package_dir: Path) -> list[Path]:
    """Python itself, the system's libraries, the agent and the package under test; nothing else."""
    system = [Path(name) for name in ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache")]
    return [*system, Path(sys.base_prefix).resolve(), AGENT_DIR, package_dir.parent]


def candidates() -> Iterator[Isolation]:
    """Every isolation that might work here, the strongest first."""
    if bubblewrap.program():
        if os.geteuid() == 0:
            yield Isolation("bubblewrap", _bubblewrap_as_nobody)
        yield Isolation("bubblewrap", _bubblewrap)
    if sys.platform == "linux" and landlock.version() > 0:
        yield Isolation("landlock", _landlock)
    yield Isolation("rlimits", _rlimits)


def strongest(works: Callable[[Isolation], bool]) -> Isolation:
    """Return the first candidate that `works`; resource limits alone are the last resort and always
    do.
    """
    for isolation in candidates():
        if isolation.name == "rlimits" or works(isolation):
            return isolation
    raise AssertionError("resource limits are always a candidate")


def _bubblewrap(command: list[str], package_dir: Path, work_dir: Path) -> Walls:
    read = readable_folders(package_dir)
    wrapped = bubblewrap.command(command, read, work_dir, ENVIRONMENT, may_change_user=False)
    return Walls(wrapped, {}, {"limits": LIMITS})


def _bubblewrap_as_nobody(command: list[str], package_dir: Path, work_dir: Path) -> Walls:
    read = readable_folders(package_dir)
    wrapped = bubblewrap.command(command, read, work_dir, ENVIRONMENT, may_change_user=True)
    return Walls(wrapped, {}, {"limits": LIMITS, "user": owner_for(work_dir)})


def _landlock(command: list[str], package_dir: Path, work_dir: Path) -> Walls:
    read = [*readable_folders(package_dir), Path("/proc"), Path("/dev/urandom")]
    write = [work_dir, Path("/dev/null")]
    doors = {"read": [str(path) for path in read], "write": [str(path) for path in write]}
    return Walls(command, _own_environment(work_dir), {"limits": LIMITS, "landlock": doors})


def _rlimits(command: list[str], package_dir: Path, work_dir: Path) -> Walls:
    return Walls(command, _own_environment(work_dir), {"limits": LIMITS})


def _own_environment(work_dir: Path) -> dict[str, str]:
    kept = {"SYSTEMROOT": os.environ["SYSTEMROOT"]} if "SYSTEMROOT" in os.environ else {}
    return {**ENVIRONMENT, **kept, "TMPDIR": str(work_dir)}
