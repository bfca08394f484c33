"""What the child process may see and use: the kinds of walls that this machine may build."""

from grader.sandbox.isolation import (
    Isolation,
    IsolationError,
    Walls,
    candidates,
    find_isolation,
    require,
)

__all__ = [
    "AGENT_DIR",
    "Isolation",
    "IsolationError",
    "Walls",
    "candidates",
    "find_isolation",
    "require",
]
