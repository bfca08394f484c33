"""A program of calls, as `grader.agent.race.explore` runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from grader.remote.trace import show


def named(name: str) -> tuple[str, str]:
    """An argument that stands for an object of the program: one that a call was `into`, or the
    agent's "clock", "folder" or "files".
    """
    return ("$", name)


@dataclass(frozen=True)
class Invocation:
    """One call: `owner.name(*args, **kwargs)`; an owner ":memory" is the module `kvstore.memory`.

    The result gets the name `into`, and then does not come back.
    """

    owner: str
    name: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    into: str = ""

    def wire(self) -> tuple[str, str, str, list[Any], dict[str, Any]]:
        """As the agent takes it."""
        return (self.into, self.owner, self.name, list(self.args), dict(self.kwargs))

    def text(self) -> str:
        """As a student would write it."""
        if self.owner in _TOOLS:
            return _tool_text(self.name, self.args)
        words = [_word(value) for value in self.args]
        words += [f"{name}={_word(value)}" for name, value in self.kwargs.items()]
        if self.name == "__len__":
            return f"len({self.owner})"
        owner = "" if self.owner.startswith(":") else f"{self.owner}."
        made = f"{self.into} = " if self.into else ""
        return f"{made}{owner}{self.name}({', '.join(words)})"


@dataclass(frozen=True)
class Program:
    """Calls before anything else, calls of each thread, calls when all of them are done.

    `files` says that an empty folder is needed.
    """

    setup: tuple[Invocation, ...]
    plans: tuple[tuple[Invocation, ...], ...]
    after: tuple[Invocation, ...] = ()
    files: bool = False

    def wire(self) -> dict[str, Any]:
        """As the agent takes it."""
        return {
            "setup": [call.wire() for call in self.setup],
            "plans": [[call.wire() for call in plan] for plan in self.plans],
            "after": [call.wire() for call in self.after],
            "files": self.files,
        }


_TOOLS = ("blocks", "pause")  # the agent's own


def _tool_text(name: str, args: tuple[Any, ...]) -> str:
    """What a tool of the agent's does, as a student would write it."""
    if name == "enter":
        return f"with {_word(args[0])}.{args[1]}():"
    if name == "leave":
        return "leave the with block" + (" by an exception" if args[0] else "")
    return f"sleep({args[0]:g})"


def _word(value: Any) -> str:
    return value[1] if isinstance(value, tuple) and value[:1] == ("$",) else show(value)
