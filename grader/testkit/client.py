"""A bare client of the server under test."""

from __future__ import annotations

from typing import Any

from grader.remote.handle import Handle
from grader.remote.session import Session
from grader.testkit.resp import ReplyReader, resp_array


class Client:
    """One TCP connection, made from beside the server."""

    def __init__(self, session: Session, name: str, host: str, port: int) -> None:
        self._session = session
        self._name = name
        self._replies = ReplyReader(self._receive)
        session.trace.note(f"{name} connects")
        self._handle: Handle = session.hold(f"{name} connects", "tool", "client", (host, port))

    def send(self, data: bytes) -> None:
        """Send bytes, and wait for nothing."""
        self._session.trace.note(f"{self._name} sends {self._session.text(data)}")
        self._ask("send", data)

    def command(self, *words: bytes) -> Any:
        """Send one command as a RESP array and return its reply."""
        self.send(resp_array(*words))
        return self.reply()

    def reply(self) -> Any:
        """Wait for one reply: `str` (simple string), `Error`, `int`, `bytes`, `None` or a list of
        these.
        """
        value = self._replies.read()
        self._session.trace.add(f"{self._name} reads a reply", self._session.text(value))
        return value

    def read(self, count: int) -> bytes:
        """Wait for exactly `count` bytes; fewer only when the server closes the connection."""
        taken = self._replies.take(count)
        self._session.trace.add(f"{self._name} reads {count} bytes", self._session.text(taken))
        return taken

    def read_to_end(self) -> bytes:
        """Wait until the server closes the connection, and return all that it still sent."""
        taken = self._replies.take_all()
        self._session.trace.add(f"{self._name} reads to the end", self._session.text(taken))
        return taken

    def finish_sending(self) -> None:
        """Tell the server that nothing more will come; replies can still be read."""
        self._ask("finish_sending")

    def close(self) -> None:
        """Close the connection."""
        self._session.trace.note(f"{self._name} closes its connection")
        self._ask("close")

    def _receive(self) -> bytes:
        chunk = self._ask("receive")
        assert type(chunk) is bytes
        return chunk

    def _ask(self, verb: str, *args: Any) -> Any:
        doing = f"waiting for the server ({self._name})"
        return self._session.ask(doing, "use", self._handle, verb, args)
