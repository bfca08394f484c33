"""The package's command line, run as a program of its own."""

from __future__ import annotations

from typing import Any, NamedTuple

from grader.remote.handle import Handle
from grader.remote.session import Session


class Ended(NamedTuple):
    """How a program ended."""

    output: str
    errors: str
    exit_code: int


class Program:
    """`python -m kvstore` with arguments, running."""

    def __init__(self, session: Session, package_parent: str, args: list[str]) -> None:
        self._session = session
        self._text = "python -m kvstore " + " ".join(args)
        self._handle: Handle = session.hold(self._text, "tool", "program", (package_parent, args))
        session.trace.add(self._text, "started")

    def read_line(self) -> str:
        """Wait for its next line of output, without the line's end; empty when there is no more."""
        line = self._ask("read_line").decode("utf-8", "replace").rstrip("\r\n")
        self._session.trace.add("read a line of its output", repr(line))
        return str(line)

    def interrupt(self, name: str = "SIGTERM") -> None:
        """Send it a signal."""
        self._session.trace.note(f"send it {name}")
        self._ask("interrupt", name)

    def finish(self, text: str = "") -> Ended:
        """Give it `text` as its input, and wait for its end."""
        output, errors, code = self._ask("interact", text.encode())
        ended = Ended(output.decode("utf-8", "replace"), errors.decode("utf-8", "replace"), code)
        self._session.trace.add(f"{self._text} with input {text!r}", f"exit code {code}")
        return ended

    def _ask(self, verb: str, *args: Any) -> Any:
        return self._session.ask(self._text, "method", self._handle, verb, args, {})
