from dataclasses import dataclass

from .errors import ProtocolError


@dataclass(frozen=True)
class ErrorReply:
    message: str


class Parser:
    def __init__(self, *, max_inline=65536, max_arguments=1048576, max_bulk=67108864):
        self.max_inline = max_inline
        self.max_arguments = max_arguments
        self.max_bulk = max_bulk
        self.buf = b""

    def feed(self, data):
        self.buf += data

    def next_command(self):
        # start again from the beginning of the buffer each time until the command is complete
        if b"\r\n" not in self.buf:
            return None
        line, rest = self.buf.split(b"\r\n", 1)
        if not line.startswith(b"*"):
            if len(line) > self.max_inline:
                raise ProtocolError("line too long")
            self.buf = rest
            return line.split() or self.next_command()
        count = self.number(line[1:])
        if count > self.max_arguments:
            raise ProtocolError("too many arguments")
        args = []
        for _ in range(count):
            if b"\r\n" not in rest:
                return None
            line, rest = rest.split(b"\r\n", 1)
            if line[:1] != b"$":
                raise ProtocolError("expected $")
            n = self.number(line[1:])
            if n > self.max_bulk:
                raise ProtocolError("argument too long")
            if len(rest) < n + 2:
                return None
            args.append(rest[:n])
            rest = rest[n + 2 :]
        self.buf = rest
        return args or self.next_command()

    def number(self, text):
        try:
            return int(text)
        except ValueError:
            raise ProtocolError("not a number: %r" % text)


def encode(reply):
    if reply is None:
        return b"$-1\r\n"
    if isinstance(reply, str):
        return b"+" + reply.encode() + b"\r\n"
    if isinstance(reply, bytes):
        return b"$%d\r\n" % len(reply) + reply + b"\r\n"
    if isinstance(reply, int):
        return b":%d\r\n" % reply
    if isinstance(reply, list):
        return b"*%d\r\n" % len(reply) + b"".join(encode(r) for r in reply)
    return b"-" + reply.message.encode() + b"\r\n"
