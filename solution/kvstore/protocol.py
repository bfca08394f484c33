"""The wire: bytes from a client become commands, replies become bytes (RESP2, the Redis protocol).

Sans-IO: no socket, no thread, no clock, so that one parser serves the server, the REPL and every
test. What a command *means* is the business of commands.py; who sent it, of server.py.

Invariants:
- How the bytes were cut into pieces never changes what comes out.
- Nothing is allocated for what a client merely announces, and every length has a limit.
- The time taken is linear in the bytes, for a pipeline of a thousand commands in one piece as for
  a value of 64 MiB in small ones. Only a line is looked at again with every piece: it is short.

The format: https://redis.io/docs/latest/develop/reference/protocol-spec/
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import ProtocolError

_ARRAY, _BULK = b"*$"  # the first byte of a request array, and of each argument in it
_CRLF = b"\r\n"

# Strict, as Redis is: no plus sign, no leading zero, no space. Nineteen digits hold any 64 bits.
_LENGTH = re.compile(rb"-?[1-9][0-9]{0,18}|0")


class Parser:
    r"""Cuts one client's bytes into commands, each a list of arguments with the name first.

    A command is a RESP array of bulk strings, or one line of words ("inline": what a person types
    into `nc`). Words may be quoted as in redis-cli: `"two words\x21"`, `'as it is'`.

    `max_inline` is the longest line in bytes, without its line end; `max_arguments` the most
    elements of an array; `max_bulk` the longest argument in bytes.
    """

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
        self._position = 0  # what lies before it in the buffer has been read
        self._arguments: list[bytes] = []  # of the array under way
        self._missing = 0  # how many more arguments that array needs
        self._bulk_length: int | None = None  # of the argument under way, once it is known
        self._complaint: str | None = None  # set once the parser is spent

    def feed(self, data: bytes) -> None:
        """Take more bytes, in pieces of any size; raises `ProtocolError` if the parser is spent."""
        self._raise_if_spent()
        # Dropping what was read here, and not after each command, keeps a long pipeline linear.
        del self._buffer[: self._position]
        self._position = 0
        self._buffer += data

    def next_command(self) -> list[bytes] | None:
        """Return the next whole command, or None when it needs more bytes.

        Raises `ProtocolError` when no further bytes could help. The parser is spent then: where the
        next command would begin is anyone's guess, so every later call raises the same.
        """
        self._raise_if_spent()
        try:
            return self._parse()
        except ProtocolError as error:
            self._complaint = str(error)
            self._buffer.clear()
            self._arguments.clear()
            raise

    def _raise_if_spent(self) -> None:
        if self._complaint is not None:
            raise ProtocolError(self._complaint)

    def _parse(self) -> list[bytes] | None:
        while self._position < len(self._buffer):
            if self._missing:
                if not self._read_argument():
                    return None
                if not self._missing:
                    command, self._arguments = self._arguments, []
                    return command
            elif self._buffer[self._position] == _ARRAY:
                count = self._read_length("multibulk", lowest=-1, highest=self._max_arguments)
                if count is None:
                    return None
                self._missing = max(count, 0)
            else:
                line = self._read_line("inline request")
                if line is None:
                    return None
                if words := _split_words(line):
                    return words
        return None

    def _read_argument(self) -> bool:
        """Read one bulk string of the array under way; False if it needs more bytes."""
        if self._bulk_length is None:
            first = self._buffer[self._position]
            if first != _BULK:
                raise ProtocolError(f"Protocol error: expected '$', got {chr(first)!a}")
            self._bulk_length = self._read_length("bulk", lowest=0, highest=self._max_bulk)
            if self._bulk_length is None:
                return False
        end = self._position + self._bulk_length
        after = end + len(_CRLF)
        if len(self._buffer) < after:
            return False
        if self._buffer[end:after] != _CRLF:
            raise ProtocolError("Protocol error: expected CRLF after a bulk string")
        with memoryview(self._buffer) as view:  # a slice of the bytearray would be a second copy
            self._arguments.append(bytes(view[self._position : end]))
        self._position = after
        self._bulk_length = None
        self._missing -= 1
        return True

    def _read_length(self, kind: str, *, lowest: int, highest: int) -> int | None:
        """Read a line such as `*3` or `$5`; None if it needs more bytes."""
        line = self._read_line("mbulk count string" if kind == "multibulk" else "bulk count string")
        if line is None:
            return None
        if not _LENGTH.fullmatch(line, 1) or not lowest <= int(line[1:]) <= highest:
            raise ProtocolError(f"Protocol error: invalid {kind} length")
        return int(line[1:])

    def _read_line(self, what: str) -> bytes | None:
        """Read up to LF or CRLF and return the line without it; None if it needs more bytes."""
        end = self._buffer.find(b"\n", self._position)
        stop = len(self._buffer) if end == -1 else end
        line = bytes(self._buffer[self._position : stop]).removesuffix(b"\r")
        if len(line) > self._max_inline:
            raise ProtocolError(f"Protocol error: too big {what}")
        if end == -1:
            return None
        self._position = end + 1
        return line


# One word of an inline command. A quoted part must end its word, as in Redis. The `*+` never give
# back what they took, so an escaped quote cannot be mistaken for a closing one.
_WORD = re.compile(
    rb"""(?P<plain>[^\s"']*)
         (?: "(?P<double>(?:\\.|[^"\\])*+)" | '(?P<single>(?:\\'|[^'])*+)' )?
         (?:\s+|\Z)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"a": b"\a"}


def _split_words(line: bytes) -> list[bytes]:
    if b'"' not in line and b"'" not in line:
        return line.split()
    words = []
    line = line.strip()
    position = 0
    while position < len(line):
        word = _WORD.match(line, position)
        if word is None:
            raise ProtocolError("Protocol error: unbalanced quotes in request")
        double = _ESCAPE.sub(_unescape, word["double"] or b"")
        single = (word["single"] or b"").replace(b"\\'", b"'")
        words.append(word["plain"] + double + single)
        position = word.end()
    return words


def _unescape(match: re.Match[bytes]) -> bytes:
    code: bytes = match[1]
    if len(code) > 1:
        return bytes.fromhex(code[1:].decode())
    return _ESCAPED.get(code, code)


@dataclass(frozen=True)
class ErrorReply:
    """An error for the client; `message` begins with its code: `"ERR unknown command 'NOPE'"`."""

    message: str


def encode(reply: object) -> bytes:
    """Return the bytes of a reply in RESP2.

    `str` is a simple string, `bytes` a bulk string, `int` an integer, None the null bulk string,
    `list` and `tuple` arrays of replies, `ErrorReply` an error. A simple string and an error are
    one line, so CR and LF in them become spaces. Any other type raises `TypeError`; so does
    `bool`, which RESP2 has no word for.
    """
    match reply:
        case bytes():
            return b"$%d\r\n%b\r\n" % (len(reply), reply)
        case None:
            return b"$-1\r\n"
        case str():
            return b"+%b\r\n" % _one_line(reply)
        case int() if not isinstance(reply, bool):
            return b":%d\r\n" % reply
        case ErrorReply():
            return b"-%b\r\n" % _one_line(reply.message)
        case list() | tuple():
            return b"*%d\r\n%b" % (len(reply), b"".join(map(encode, reply)))
    raise TypeError(f"a reply cannot be a {type(reply).__name__}")


def _one_line(text: str) -> bytes:
    # A file name in an error's text may hold what UTF-8 cannot: show it, rather than fail.
    return text.replace("\r", " ").replace("\n", " ").encode("utf-8", "backslashreplace")
