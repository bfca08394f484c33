"""RESP2 as a test speaks it: a command as bytes, and a strict, bounded reading of replies.

Whatever a server sends, `ReplyReader.read` soon returns a value or fails the test with a sentence.
Where the bytes come from is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

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


class ReplyReader:
    """Reads replies from chunks of bytes; `more()` gives the next chunk, an empty one at the end.

    `bytes_read` counts what replies and `take` have used up so far.
    """

    def __init__(self, more: Callable[[], bytes]) -> None:
        self._next_chunk = more
        self._buffer = bytearray()
        self.bytes_read = 0

    def read(self) -> Any:
        """Read one reply: `str` (simple string), `Error`, `int`, `bytes`, `None` or a list of
        these.
        """
        return self._read(0)

    def take(self, count: int) -> bytes:
        """Take exactly `count` bytes; fewer only at the end."""
        while len(self._buffer) < count and self._more():
            pass
        return self._take(count)

    def take_all(self) -> bytes:
        """Take everything up to the end."""
        while self._more():
            pass
        return self._take(len(self._buffer))

    def _read(self, depth: int) -> Any:
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
            return [self._read(depth + 1) for _ in range(number)]
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
        self.bytes_read += len(taken)
        return taken

    def _more(self) -> bool:
        chunk = self._next_chunk()
        self._buffer += chunk
        assert len(self._buffer) <= _BUFFER_BYTES_MAX, "a reply of more than 80 MiB"
        return bool(chunk)


def resp_array(*words: bytes) -> bytes:
    """A command as Redis clients send it."""
    parts = [b"*%d\r\n" % len(words)]
    parts += [b"$%d\r\n%s\r\n" % (len(word), word) for word in words]
    return b"".join(parts)
