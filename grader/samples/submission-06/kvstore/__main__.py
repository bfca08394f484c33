"""The command line: `python -m kvstore serve` and `python -m kvstore repl`."""

from __future__ import annotations

import argparse
import math
import signal
import sys
from collections.abc import Sequence

from .commands import Dispatcher, Reply
from .errors import KVStoreError, ProtocolError
from .protocol import ErrorReply, Parser
from .server import Server
from .store import Store

_DEFAULT_DATA_DIR = "kvstore-data"
_DEFAULT_PORT = 6379
_NAMED = {
    0x5C: "\\\\",
    0x22: '\\"',
    0x0A: "\\n",
    0x0D: "\\r",
    0x09: "\\t",
    0x07: "\\a",
    0x08: "\\b",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one of the two commands and return the exit code; bad arguments exit with 2."""
    options = _arguments().parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        if options.command == "serve":
            _serve(options)
        else:
            _repl(options)
    except KeyboardInterrupt:
        return 0
    except (KVStoreError, OSError) as error:
        print(f"kvstore: {error}", file=sys.stderr)
        return 1
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kvstore", description="A durable key-value store.")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve clients over TCP")
    repl = commands.add_parser("repl", help="read commands from standard input")
    for command in (serve, repl):
        command.add_argument("--data-dir", default=_DEFAULT_DATA_DIR)
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=_port, default=_DEFAULT_PORT)
    serve.add_argument("--sync", choices=("always", "interval", "never"), default="always")
    serve.add_argument("--snapshot-interval", type=_seconds, metavar="S")
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65_535:
        raise ValueError(text)
    return port


def _seconds(text: str) -> float:
    seconds = float(text)
    if not (math.isfinite(seconds) and seconds > 0):
        raise ValueError(text)
    return seconds


def _serve(options: argparse.Namespace) -> None:
    with (
        Store.open(
            options.data_dir, sync=options.sync, snapshot_interval=options.snapshot_interval
        ) as store,
        Server(store, options.host, options.port) as server,
    ):
        host, port = server.address
        print(f"kvstore: listening on {host}:{port}", flush=True)
        server.serve_forever()


def _repl(options: argparse.Namespace) -> None:
    is_terminal = sys.stdin.isatty()
    with Store.open(options.data_dir) as store:
        dispatcher = Dispatcher(store)
        while True:
            if is_terminal:
                print("kvstore> ", end="", flush=True)
            line = sys.stdin.buffer.readline()
            if not line:
                return
            for reply in _answers(dispatcher, line):
                print(_shown(reply), flush=True)


def _answers(dispatcher: Dispatcher, line: bytes) -> list[Reply]:
    parser = Parser()
    replies: list[Reply] = []
    try:
        parser.feed(line if line.endswith(b"\n") else line + b"\n")
        while (command := parser.next_command()) is not None:
            replies.append(dispatcher.execute(command))
    except ProtocolError as error:
        replies.append(ErrorReply(f"ERR Protocol error: {error}"))
    return replies


def _shown(reply: Reply) -> str:
    match reply:
        case None:
            return "(nil)"
        case bytes():
            return '"' + "".join(map(_shown_byte, reply)) + '"'
        case int():
            return f"(integer) {reply}"
        case ErrorReply():
            return f"(error) {reply.message}"
        case []:
            return "(empty array)"
        case list():
            return "\n".join(f"{n}) {_shown(one)}" for n, one in enumerate(reply, 1))
    return str(reply)


def _shown_byte(byte: int) -> str:
    if byte in _NAMED:
        return _NAMED[byte]
    return chr(byte) if 0x20 <= byte <= 0x7E else f"\\x{byte:02x}"


if __name__ == "__main__":
    sys.exit(main())
