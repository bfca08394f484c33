"""The agent's own tools, whose word a test takes: threads, the disk's record, a client.

A tool is one callable, opaque: `tool(name, *arguments)` returns an outcome, `("ok", value)` or
what `front.drive` left. There is no class and no method, since code under test finds every class
that there is, and could put its own methods into it.
"""

from __future__ import annotations

from .chaos import run_plans
from .disk import this_disk
from .restless import make_threads_restless
from .sockets import connect
from .threads import start_actor
from .traffic import run_traffic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

TOOLS: dict[str, Callable[..., tuple[str, Any]]] = {
    "actor": start_actor,
    "client": connect,
    "disk": this_disk,
    "plans": run_plans,
    "restless": make_threads_restless,
    "traffic": run_traffic,
}
