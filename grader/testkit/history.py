"""What happened when many threads of the package's process ran calls at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from grader.remote.failures import RemoteError


@dataclass(frozen=True)
class Record:
    """One call: who made it, when (nanoseconds of one clock), and what came back."""

    thread: int
    method: str
    args: tuple[Any, ...]
    started_ns: int
    ended_ns: int
    result: Any = None
    error: str = ""


def results(history: list[Record]) -> list[Any]:
    """Return the result of every call; the first one that raised fails the test."""
    for record in history:
        if record.error:
            text = f"thread {record.thread}: {record.method}{record.args!r} raised {record.error}"
            raise RemoteError((record.error.partition(":")[0],), text)
    return [record.result for record in history]
