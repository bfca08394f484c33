"""The agent's own objects that a test may ask for by name, besides those of the package under test.

Each is imported when it is first asked for: most tests need none, and every import adds to the
start of every agent.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_TOOLS = {
    "actor": ("threads", "Actor"),
    "client": ("sockets", "Client"),
    "clock": ("clock", "ManualClock"),
    "disk": ("disk", "this_disk"),
    "plans": ("chaos", "run_plans"),
    "program": ("program", "Program"),
}


def make_tool(name: str, *args: Any) -> Any:
    """Make the tool called `name`, or carry out what it does."""
    module, attribute = _TOOLS[name]
    return getattr(import_module(f".{module}", __package__), attribute)(*args)
