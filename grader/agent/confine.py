"""Shut the doors from inside, before any code under test is imported: limits, an unprivileged user,
Landlock.

Each door is optional in the settings, and what was really shut is reported back, so that a result
can say it.
"""

from __future__ import annotations

import os
from typing import Any

try:
    import resource
except ImportError:  # Windows has no resource limits
    resource = None  # type: ignore[assignment]


def confine(settings: dict[str, Any]) -> list[str]:
    """Apply the settings (`limits`, `user`, `landlock`, each may be missing) and name what is now
    in force.
    """
    in_force = []
    if settings.get("landlock"):
        from . import landlock

        landlock.restrict(settings["landlock"]["read"], settings["landlock"]["write"])
        in_force.append("landlock")
    if _limit(settings.get("limits", {})):
        in_force.append("rlimits")
    if settings.get("user"):
        _become(settings["user"])
        in_force.append("user")
    return in_force


def _limit(limits: dict[str, int]) -> bool:
    if resource is None:
        return False
    applied = False
    for name, value in limits.items():
        number = getattr(resource, f"RLIMIT_{name.upper()}", None)
        if number is None:
            continue
        try:
            _soft, hard = resource.getrlimit(number)
            ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(number, (ceiling, ceiling))
            applied = True
        except (OSError, ValueError):  # macOS refuses some of them
            continue
    return applied


def _become(user: int) -> None:
    """Give up root for a user that owns nothing and whose processes can be counted."""
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
