"""A bare client of the server under test, and a strict reading of its replies (RESP2)."""

from __future__ import annotations

import re
from typing import Any

from grader.remote.handle import Handle
from grader.remote.session import Session

_NUMBER = re.compile(rb"-?[0-9]{1,19}")
# A server without end must cost its own test and nothing else: the largest value is 64 MiB.
_BUFFER_BYTES_MAX = 80 * 1024 * 1024
_LINE_BYTES_MAX = 64 * 1024
_ITEMS_MAX = 1_048_576
_DEPTH_MAX = 32  # of arrays in arrays


class Error(str):
    """An error reply, such as `Error("ERR syntax error")`."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return type(other) is Error and str.__eq__(self, other)

    def __hash__(self) -> int:
        return str.__hash__(self)

    def __repr__(self) -> str:
        return f"Error({str.__repr__(self)})"


class Client:
    """One TCP connection, made from beside the server."""

    def __init__(self, session: Session, name: str, host: str, port: int) -> None:
        self._session = session
        self._name = name
        self._buffer = bytearray()
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
        value = self._read_reply()
        self._session.trace.add(f"{self._name} reads a reply", self._session.text(value))
        return value

    def read(self, count: int) -> bytes:
        """Wait for exactly `count` bytes; fewer only when the server closes the connection."""
        while len(self._buffer) < count and self._more():
            pass
        taken = self._take(count)
        self._session.trace.add(f"{self._name} reads {count} bytes", self._session.text(taken))
        return taken

    def read_to_end(self) -> bytes:
        """Wait until the server closes the connection, and return all that it still sent."""
        while self._more():
            pass
        taken = self._take(len(self._buffer))
        self._session.trace.add(f"{self._name} reads to the end", self._session.text(taken))
        return taken

    def finish_sending(self) -> None:
        """Tell the server that nothing more will come; replies can still be read."""
        self._ask("finish_sending")

    def close(self) -> None:
        """Close the connection."""
        self._session.trace.note(f"{self._name} closes its connection")
        self._ask("close")

    def _read_reply(self, depth: int = 0) -> Any:
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest.decode("utf-8", "backslashreplace")
        if kind == b"-":
            return Error(rest.decode("utf-8", "backslashreplace"))
        assert kind in (b":", b"$", b"*"), f"not a RESP reply: {line!r}"
        assert _NUMBER.fullmatch(rest), f"not a number in a RESP reply: {line!r}"
        number = int(rest)
        if kind == b":":
            return number
        if number == -1:
            return None
        assert number >= 0, f"not a length in a RESP reply: {line!r}"
        if kind == b"*":
            assert number <= _ITEMS_MAX, f"a reply of {number:,} items"
            assert depth < _DEPTH_MAX, f"a reply of arrays more than {_DEPTH_MAX} deep"
            return [self._read_reply(depth + 1) for _ in range(number)]
        return self._bulk(number)

    def _bulk(self, size: int) -> bytes:
        while len(self._buffer) < size + 2:
            assert self._more(), f"the connection closed inside a reply of {size} bytes"
        value, end = self._take(size), self._take(2)
        assert end == b"\r\n", f"a bulk reply must end with CR LF, not {end!r}"
        return value

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n", 0, _LINE_BYTES_MAX)) < 0:
            start = bytes(self._buffer[:80])
            assert len(self._buffer) < _LINE_BYTES_MAX, f"a reply without a line end: {start!r} …"
            assert self._more(), f"the connection closed before a reply was complete: {start!r}"
        return self._take(end + 2)[:-2]

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    def _more(self) -> bool:
        chunk = self._ask("receive")
        assert type(chunk) is bytes
        self._buffer += chunk
        assert len(self._buffer) <= _BUFFER_BYTES_MAX, "a reply of more than 80 MiB"
        return bool(chunk)

    def _ask(self, verb: str, *args: Any) -> Any:
        doing = f"waiting for the server ({self._name})"
        return self._session.ask(doing, "use", self._handle, verb, args)


def resp_array(*words: bytes) -> bytes:
    """A command as Redis clients send it."""
    parts = [b"*%d\r\n" % len(words)]
    parts += [b"$%d\r\n%s\r\n" % (len(word), word) for word in words]
    return b"".join(parts)
