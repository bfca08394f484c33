"""Shut the doors from inside, before any code under test is imported.

Each door is optional in the settings. What was really shut is looked at afterwards and reported, so
that the other side can compare it with what it asked for; nothing is decided here.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` itself takes a tenth of an agent's start
    from typing import Any

try:
    import resource
except ImportError:  # Windows has no resource limits
    resource = None  # type: ignore[assignment]


def confine(settings: dict[str, Any]) -> dict[str, Any]:
    """Apply the settings and say what is now in force; raises `OSError` when a door does not shut.

    `namespaces`: folders to be covered in namespaces of its own. `orphans`: True for a process that
    collects them. `limits`: numbers by name. `landlock`: the folders to `read`, to see `names` in,
    to `write`. `user`: a number to become. `privileges`: False to give up what root may do.
    `seccomp`: a filter. `probe`: a file that must be out of reach. All but the last may be missing.
    """
    if "namespaces" in settings:
        from . import namespaces

        namespaces.enter(settings["namespaces"])
    elif settings.get("orphans"):
        from . import family

        family.go_on_in_a_child()
    report: dict[str, Any] = {"namespaces": _namespaces()}
    report["limits"] = _limit(settings.get("limits", {}))
    report["landlock"] = _landlock(settings["landlock"]) if "landlock" in settings else 0
    if settings.get("privileges") is False:
        from . import family, privileges

        privileges.give_up(settings.get("user"))
        family.die_with_parent()
    elif "user" in settings:
        _become(settings["user"])
    if "seccomp" in settings:
        from . import privileges

        privileges.refuse_calls(settings["seccomp"])
    report["user"] = os.getuid() if hasattr(os, "getuid") else -1
    report["hidden"] = not _can_read(settings["probe"])
    return report


def _namespaces() -> dict[str, int]:
    """The numbers of this process's namespaces by name; none where the system has no such thing."""
    found = {}
    for name in ("net", "pid"):
        try:
            found[name] = os.stat(f"/proc/self/ns/{name}").st_ino
        except OSError:
            continue
    return found


def _limit(limits: dict[str, int]) -> list[str]:
    """Set resource limits; return the names of those that this system took."""
    applied: list[str] = []
    if resource is None:
        return applied
    for name, value in limits.items():
        number = getattr(resource, f"RLIMIT_{name.upper()}", None)
        if number is None:
            continue
        try:
            _soft, hard = resource.getrlimit(number)
            ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(number, (ceiling, ceiling))
            applied.append(name)
        except (OSError, ValueError):  # macOS refuses some of them
            continue
    return applied


def _landlock(doors: dict[str, list[str]]) -> int:
    from . import landlock

    # A rule holds for a folder of /proc only as long as somebody has it open: this is never closed.
    os.open("/proc/self", os.O_PATH | os.O_CLOEXEC)
    return landlock.restrict(doors["read"], doors["names"], doors["write"])


def _become(user: int) -> None:
    """Give up root for a user that owns nothing and whose processes can be counted."""
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def _can_read(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_RDONLY))
    except OSError:
        return False
    return True
