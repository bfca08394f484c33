"""The walls that can be put around code under test, and what each kind holds.

In order of strength: bubblewrap (own file system, processes and network), Landlock with namespaces
of the agent's own, Landlock with a seccomp filter, resource limits alone. This file decides *what*
is walled off; `bubblewrap.py` says how for bubblewrap, and `grader.agent.confine` shuts the doors
that are shut from inside. Which kind works here is found by trying: `choose_isolation` of
`grader.remote.process`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from grader.agent import landlock, seccomp
from grader.mistake import MistakeError
from grader.sandbox import bubblewrap
from grader.sandbox.folders import (
    AGENT_DIR,
    hidden_folders,
    python_program,
    readable_folders,
    without_hidden,
)
from grader.sandbox.limits import LIMITS, limits
from grader.sandbox.users import owner_for

ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "PYTHONHASHSEED": "0",
    "MALLOC_ARENA_MAX": "2",  # each arena reserves 64 MiB of address space
}
_REQUIRED = ("files", "network", "processes")


class IsolationError(MistakeError):
    """The isolation that was asked for cannot be had, in one sentence."""


@dataclass(frozen=True)
class Walls:
    """How to start one agent: the command, its environment, and the doors that it shuts itself.

    `descriptors` are open files that the command inherits; whoever starts it closes them.
    """

    command: list[str]
    environment: dict[str, str]
    confine: dict[str, Any]
    descriptors: tuple[int, ...] = ()


@dataclass(frozen=True)
class Isolation:
    """One way to wall off the code under test.

    `key` is its name for a program, such as "bubblewrap-as-nobody". `holds` says what the code is
    kept from: "files" (but Python's and its own), "network" (reaching anybody), "processes" (seeing
    or signalling others), "user" (being the user who grades), "limits" (using more than its share).
    Each agent checks that as it starts.
    """

    key: str
    title: str
    holds: tuple[str, ...]
    build: Callable[[Path, Path], Walls]

    def __str__(self) -> str:
        """What a result says was in force."""
        return f"{self.title} ({', '.join(self.holds) or 'nothing is walled off'})"

    def walls(self, package_dir: Path, work_dir: Path) -> Walls:
        """Return how to start an agent that reads `package_dir` and writes to `work_dir` alone."""
        return self.build(package_dir, work_dir)

    def missing(self, report: Mapping[str, Any]) -> tuple[str, ...]:
        """What it should hold and, by the report of an agent that has just started, does not."""
        found = _held(report) if self.holds else {}
        return tuple(name for name in self.holds if not found[name])


def candidates() -> Iterator[Isolation]:
    """Every isolation that might work here, the strongest first; limits alone come last."""
    if sys.platform != "linux":
        yield Isolation("rlimits", "rlimits alone", (), partial(_rlimits, own_user=False))
        return
    everything = ("files", "network", "processes")
    if bubblewrap.program():
        yield from _by_user("bubblewrap", "bubblewrap", everything, _bubblewrap)
    version = landlock.version()
    if version:
        title = "Landlock with namespaces"
        yield from _by_user("landlock-namespaces", title, everything, _landlock_namespaces)
    if version and seccomp.build() is not None:
        scoped = ("files", "processes") if version >= landlock.SCOPES_ABI else ("files",)
        title = "Landlock with seccomp"
        yield from _by_user("landlock-seccomp", title, scoped, _landlock_seccomp)
    yield from _by_user("rlimits", "rlimits alone", (), _rlimits)


def find_isolation(key: str) -> Isolation:
    """Return the isolation with this key without trying it: it was chosen by who started this run.

    Raises `IsolationError` when this machine cannot have one of that name.
    """
    known = {isolation.key: isolation for isolation in candidates()}
    if key not in known:
        raise IsolationError(f"there is no isolation {key} here; there is {', '.join(known)}")
    return known[key]


def require(isolation: Isolation) -> None:
    """Raise `IsolationError` unless files, network and processes are all walled off."""
    missing = [name for name in _REQUIRED if name not in isolation.holds]
    if missing:
        raise IsolationError(
            f"{isolation} does not wall off {', '.join(missing)}: install bubblewrap, or allow"
            " user namespaces, or run as root"
        )


def _by_user(
    key: str, title: str, holds: tuple[str, ...], build: Callable[..., Walls]
) -> Iterator[Isolation]:
    """A kind of wall; started by root, first with a user of the agent's own."""
    if os.geteuid() == 0:
        own = (*holds, "user", "limits")
        yield Isolation(f"{key}-as-nobody", title, own, partial(build, own_user=True))
    yield Isolation(key, title, (*holds, "limits"), partial(build, own_user=False))


def _held(report: Mapping[str, Any]) -> dict[str, bool]:
    """What is held, by what an agent says was shut before it imported anything."""
    spaces = report["namespaces"].items()
    own = {name for name, number in spaces if number != _namespace(name)}
    unseen = report["landlock"] >= landlock.SCOPES_ABI or report["user"] != os.getuid()
    return {
        "files": report["hidden"],
        "network": "net" in own,
        "processes": "pid" in own or bool(report["landlock"] and unseen),
        "user": report["user"] not in (0, os.getuid()),
        "limits": set(LIMITS) <= set(report["limits"]),
    }


def _namespace(name: str) -> int:
    return Path(f"/proc/self/ns/{name}").stat().st_ino


def _bubblewrap(package_dir: Path, work_dir: Path, *, own_user: bool) -> Walls:
    doors: dict[str, Any] = {"limits": limits(own_user=own_user)}
    if own_user:
        doors["user"] = owner_for(work_dir)
    refused = bubblewrap.filter_descriptor()
    wrapped = bubblewrap.command(
        _agent_command(),
        read=[*readable_folders(), package_dir.parent],
        hidden=hidden_folders(),
        write=work_dir,
        environment=ENVIRONMENT,
        filter_descriptor=refused,
        may_change_user=own_user,
    )
    return Walls(wrapped, {}, _probed(doors), () if refused is None else (refused,))


def _landlock_namespaces(package_dir: Path, work_dir: Path, *, own_user: bool) -> Walls:
    shown = (*readable_folders(), package_dir.parent)
    # A mount hides a folder faster than Landlock can, but also what is to be seen in it.
    covered = [path for path in hidden_folders() if not any(s.is_relative_to(path) for s in shown)]
    hidden = tuple(path for path in hidden_folders() if path not in covered)
    walls = _landlock(shown, hidden, work_dir, own_user=own_user)
    walls.confine["namespaces"] = [str(path) for path in covered]
    return walls


def _landlock_seccomp(package_dir: Path, work_dir: Path, *, own_user: bool) -> Walls:
    shown = (*readable_folders(), package_dir.parent)
    return _landlock(shown, hidden_folders(), work_dir, own_user=own_user)


def _landlock(
    shown: tuple[Path, ...], hidden: tuple[Path, ...], work_dir: Path, *, own_user: bool
) -> Walls:
    walls = _rlimits(Path(), work_dir, own_user=own_user)
    read, names = without_hidden(shown, hidden)
    walls.confine["landlock"] = {
        "read": [*read, "/proc/self", "/dev/urandom"],
        "names": names,
        "write": [str(work_dir), "/dev/null"],
    }
    program = seccomp.build()
    if program is not None:
        walls.confine["seccomp"] = program
    return walls


def _rlimits(_package_dir: Path, work_dir: Path, *, own_user: bool) -> Walls:
    kept = {"SYSTEMROOT": os.environ["SYSTEMROOT"]} if "SYSTEMROOT" in os.environ else {}
    doors: dict[str, Any] = {"limits": limits(own_user=own_user)}
    if sys.platform == "linux":
        doors.update(privileges=False, orphans=True)
    if own_user:
        doors["user"] = owner_for(work_dir)
    environment = {**ENVIRONMENT, **kept, "TMPDIR": str(work_dir)}
    return Walls(_agent_command(), environment, _probed(doors))


def _probed(doors: dict[str, Any]) -> dict[str, Any]:
    """The doors, and a file of the grader's that tells whether the files are walled off."""
    return {**doors, "probe": __file__}


def _agent_command() -> list[str]:
    """Python without `site`, user folder or caller's path: a quarter of the usual start-up time."""
    start = AGENT_DIR / "__main__.py"  # not the folder, for which Python would import more
    return [str(python_program()), "-s", "-S", "-P", "-B", "-X", "utf8", str(start)]
