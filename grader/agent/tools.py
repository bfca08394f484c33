"""The agent's own objects that a test may ask for by name, besides those of the package under test.

All are imported before the package under test is, which could otherwise put its own in their place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .chaos import run_plans
from .clock import ManualClock
from .disk import this_disk
from .program import Program
from .sockets import Client
from .threads import Actor

TOOLS: dict[str, Callable[..., Any]] = {
    "actor": Actor,
    "client": Client,
    "clock": ManualClock,
    "disk": this_disk,
    "plans": run_plans,
    "program": Program,
}
