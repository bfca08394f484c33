"""An agent within this process, for `--debug`: a `breakpoint()` in the student's code then has the
terminal.

The same requests, the same codec, and no walls: only for code that you wrote yourself.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.agent.core import answerer
from grader.agent.disk import watch_disk
from grader.agent.front import drive
from grader.agent.powercut.record import power_tools
from grader.agent.primitives import resume_collecting
from grader.agent.race.explore import race_tools

if TYPE_CHECKING:
    from grader.agent.front import Step


class LocalProcess:
    """Stands in for `grader.remote.process.AgentProcess`."""

    def __init__(self, package_dir: Path) -> None:
        self._box: list[Any] = []
        self._answer = answerer(str(package_dir), self._box, _load_tools)
        watch_disk()
        parent = str(package_dir.parent)
        if parent not in sys.path:
            sys.path.insert(0, parent)

    def request(self, message: bytes, _seconds: float, _doing: str) -> bytes:
        """Answer at once, or when the debugger lets go; there is no deadline."""
        replies: list[bytes] = []

        def steps() -> Generator[Step, None, None]:
            replies.append((yield from self._answer(message)))

        drive(steps(), self._box)
        resume_collecting()
        return replies[0]

    def output(self) -> str:
        """Nothing: it went to the terminal."""
        return ""

    def close(self) -> None:
        """Forget the package, so that the next process imports it afresh."""
        for name in [name for name in sys.modules if name.partition(".")[0] == "kvstore"]:
            del sys.modules[name]


def _load_tools(kind: str, package_dir: str) -> dict[str, Any]:
    return race_tools(package_dir) if kind == "race" else power_tools(package_dir)
