"""The wire: bytes from a client become commands, replies become bytes (RESP2, the Redis protocol).

Sans-IO: no socket, no thread, no clock. Bytes go in by a call and commands come out by a call, so
one parser serves the server, the REPL and every test.

Invariants:
- How the bytes were cut into pieces never changes what comes out.
- Nothing is allocated for what a client merely announces, and every length has a limit.
- Whole commands before the damage come out; after it nothing does.

Not here: what a command means (commands.py), and who sent it (server.py).

The format: README.md, and https://redis.io/docs/latest/develop/reference/protocol-spec/
"""

from __future__ import annotations

from dataclasses import dataclass

# You will also need: `ProtocolError` of .errors. `re.Pattern.fullmatch` is a strict way to tell
# whether bytes are a number: `int(b" +1_0 ")` is 10.


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
        # TODO: keep the limits, and what a parser must remember between two feeds: the bytes not
        # read yet, and how far it is in a command that has only begun.
        raise NotImplementedError("stage 6: Parser")

    def feed(self, data: bytes) -> None:
        """Take more bytes, in pieces of any size; raises `ProtocolError` if the parser is spent."""
        # TODO: keep the bytes for `next_command`. Read nothing here: damage found now would come
        # out before the commands that stand in front of it.
        raise NotImplementedError("stage 6: Parser.feed")

    def next_command(self) -> list[bytes] | None:
        """Return the next whole command, or None when it needs more bytes.

        Raises `ProtocolError` when no further bytes could help. The parser is spent then: where the
        next command would begin is anyone's guess, so every later call raises the same.
        """
        # TODO: look at the first byte: an array, or a line? Read as far as the bytes reach, and
        # remember where you are. What is no command (an empty line, `*0`, `*-1`) is passed over.
        # Check each length when its line is there, not when its bytes are: a client that announces
        # a gigabyte must be refused before it sends one. A line has a limit before it has an end.
        raise NotImplementedError("stage 6: Parser.next_command")


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
    # TODO: one case for each type. An array holds replies, so it is encoded by this same function.
    # A client finds the end of a simple string and of an error by their CRLF: text with a line end
    # in it would be read as two replies, and the second one would say what an attacker likes.
    raise NotImplementedError("stage 6: encode")
