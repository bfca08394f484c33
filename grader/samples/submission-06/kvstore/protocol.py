"""The wire: bytes from a client become commands, replies become bytes (RESP2). Sans-IO.

The parser gathers all bytes in one buffer and uses up only whole lines and whole arguments, so it
cannot matter how the bytes were cut into pieces.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import ProtocolError

_DIGITS = re.compile(rb"[0-9]+")
_NUMBER_LINE_BYTES_MAX = 64  # a line that holds a number is never longer


class Parser:
    """Cuts one client's bytes into commands, each a list of arguments with the name first."""

    def __init__(
        self,
        *,
        max_inline: int = 65_536,
        max_arguments: int = 1_048_576,
        max_bulk: int = 67_108_864,
    ) -> None:
        self._max_inline = max_inline
        self._max_arguments = max_arguments
        self._max_bulk = max_bulk
        self._buffer = bytearray()
        self._arguments: list[bytes] = []
        self._missing = 0  # how many arguments of the array under way are not there yet
        self._bulk_len: int | None = None  # of the argument under way, once it is known
        self._damage: str | None = None

    def feed(self, data: bytes) -> None:
        """Take more bytes, in pieces of any size; raises `ProtocolError` if the parser is spent."""
        if self._damage is not None:
            raise ProtocolError(self._damage)
        self._buffer += data

    def next_command(self) -> list[bytes] | None:
        """Return the next whole command, or None when it needs more bytes."""
        if self._damage is not None:
            raise ProtocolError(self._damage)
        try:
            return self._next()
        except ProtocolError as error:
            self._damage = str(error)
            self._buffer.clear()
            self._arguments.clear()
            raise

    def _next(self) -> list[bytes] | None:
        while True:
            if self._missing == 0:
                if not self._buffer:
                    return None
                if self._buffer[:1] != b"*":
                    line = self._line(self._max_inline, "too big inline request")
                    if line is None:
                        return None
                    if words := line.split():
                        return words
                elif not self._begin_array():
                    return None
            elif not self._take_argument():
                return None
            elif self._missing == 0:
                arguments, self._arguments = self._arguments, []
                return arguments

    def _begin_array(self) -> bool:
        line = self._line(_NUMBER_LINE_BYTES_MAX, "invalid multibulk length")
        if line is None:
            return False
        if line != b"*-1":
            self._missing = _number(line[1:], self._max_arguments, "invalid multibulk length")
        return True

    def _take_argument(self) -> bool:
        """Take the next argument off the buffer; False if it is not whole yet."""
        if self._bulk_len is None:
            if self._buffer and self._buffer[:1] != b"$":
                raise ProtocolError(f"expected '$', got {chr(self._buffer[0])!r}")
            line = self._line(_NUMBER_LINE_BYTES_MAX, "invalid bulk length")
            if line is None:
                return False
            self._bulk_len = _number(line[1:], self._max_bulk, "invalid bulk length")
        end = self._bulk_len
        if not b"\r\n".startswith(self._buffer[end : end + 2]):
            raise ProtocolError("an argument is not followed by CRLF")
        if len(self._buffer) < end + 2:
            return False
        self._arguments.append(bytes(self._buffer[:end]))
        del self._buffer[: end + 2]
        self._bulk_len = None
        self._missing -= 1
        return True

    def _line(self, limit: int, complaint: str) -> bytes | None:
        """Take a line off the buffer, without its end; None if it has no end yet."""
        end = self._buffer.find(b"\n")
        if end < 0:
            return None
        line = bytes(self._buffer[:end]).removesuffix(b"\r")
        if len(line) > limit:
            raise ProtocolError(complaint)
        del self._buffer[: end + 1]
        return line


def _number(text: bytes, limit: int, complaint: str) -> int:
    if _DIGITS.fullmatch(text) is None or int(text) > limit:
        raise ProtocolError(complaint)
    return int(text)


@dataclass(frozen=True)
class ErrorReply:
    """An error for the client; `message` begins with its code: `"ERR unknown command 'NOPE'"`."""

    message: str


def encode(reply: object) -> bytes:
    """Return the bytes of a reply in RESP2."""
    match reply:
        case None:
            return b"$-1\r\n"
        case bytes():
            return b"$%d\r\n%b\r\n" % (len(reply), reply)
        case str():
            return b"+%b\r\n" % _one_line(reply)
        case ErrorReply():
            return b"-%b\r\n" % _one_line(reply.message)
        case int() if not isinstance(reply, bool):
            return b":%d\r\n" % reply
        case list() | tuple():
            return b"*%d\r\n" % len(reply) + b"".join(map(encode, reply))
    raise TypeError(f"RESP has no {type(reply).__name__}")


def _one_line(text: str) -> bytes:
    return text.replace("\r", " ").replace("\n", " ").encode("utf-8", "backslashreplace")
