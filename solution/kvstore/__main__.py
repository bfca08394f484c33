"""The command line: `python -m kvstore serve` and `python -m kvstore repl`.

Arguments in; a server or a conversation out. What goes wrong is one sentence on standard error and
exit code 1. No command is understood here: the parser and the dispatcher do that.
"""

from __future__ import annotations

import argparse
import math
import signal
import sys
from collections.abc import Sequence
from typing import BinaryIO

from .commands import Dispatcher
from .errors import KVStoreError, ProtocolError
from .protocol import ErrorReply, Parser
from .server import Server
from .store import Store

_DEFAULT_DATA_DIR = "kvstore-data"
_DEFAULT_PORT = 6379  # where redis-cli looks


def main(argv: Sequence[str] | None = None) -> int:
    """Run one of the two commands and return the exit code; bad arguments exit with 2."""
    options = _parse_arguments(argv)
    try:
        if options.command == "serve":
            _serve(options)
        else:
            _repl(options)
    except KeyboardInterrupt:
        pass  # being told to stop is no failure; everything was closed on the way here
    except (KVStoreError, OSError) as error:
        sys.stderr.write(f"kvstore: {error}\n")
        return 1
    return 0


def _parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="kvstore", description="A durable key-value store.")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve the store to redis-cli and its kin")
    repl = commands.add_parser("repl", help="one command a line from standard input")
    for command in (serve, repl):
        command.add_argument(
            "--data-dir", default=_DEFAULT_DATA_DIR, metavar="DIR", help="default: %(default)s"
        )
    serve.add_argument("--host", default="127.0.0.1", metavar="H", help="default: %(default)s")
    serve.add_argument(
        "--port", type=int, default=_DEFAULT_PORT, metavar="P", help="0: any; default: %(default)s"
    )
    serve.add_argument(
        "--sync",
        choices=("always", "interval", "never"),
        default="always",
        help="when a write reaches the disk; default: %(default)s",
    )
    serve.add_argument(
        "--snapshot-interval", type=_seconds, metavar="S", help="seconds; default: no snapshots"
    )
    return parser.parse_args(argv)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not (math.isfinite(seconds) and seconds > 0):
        raise argparse.ArgumentTypeError(f"not a positive number of seconds: {text}")
    return seconds


def _serve(options: argparse.Namespace) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)  # raises KeyboardInterrupt
    store = Store.open(
        options.data_dir, sync=options.sync, snapshot_interval=options.snapshot_interval
    )
    with store:
        _tell_what_was_cut(store)
        server = Server(store, options.host, options.port)
        _start(server, f"{options.host}:{options.port}")
        try:
            host, port = server.address
            _write_line(f"kvstore: listening on {host}:{port}")
            server.serve_forever()
        finally:
            server.stop()


def _start(server: Server, where: str) -> None:
    try:
        server.start()
    except (OSError, OverflowError) as error:
        raise OSError(f"cannot listen on {where}: {error}; try another --port or --host") from error


def _tell_what_was_cut(store: Store) -> None:
    recovery = store.recovery
    if recovery.bytes_cut:
        sys.stderr.write(
            f"kvstore: the last write was torn: cut {recovery.bytes_cut} bytes from "
            f"{recovery.cut_path} at offset {recovery.cut_offset}\n"
        )


def _repl(options: argparse.Namespace) -> None:
    prompt = "kvstore> " if sys.stdin.isatty() else ""
    with Store.open(options.data_dir) as store:
        _tell_what_was_cut(store)
        dispatcher = Dispatcher(store)
        while line := _ask(prompt, sys.stdin.buffer):
            if line.strip().lower() in (b"quit", b"exit"):
                break
            _answer(dispatcher, line)


def _ask(prompt: str, source: BinaryIO) -> bytes:
    """Return the next line, or nothing at the end of the input."""
    sys.stdout.write(prompt)
    sys.stdout.flush()
    return source.readline()


def _answer(dispatcher: Dispatcher, line: bytes) -> None:
    parser = Parser()  # a fresh one, so that a bad line does not spoil the next
    parser.feed(line + b"\n")
    try:
        while command := parser.next_command():
            _write_line(_render(dispatcher.execute(command)))
    except ProtocolError as error:
        _write_line(_render(ErrorReply(f"ERR {error}")))


def _write_line(text: str) -> None:
    # Bytes, since a key may be written in letters that the terminal's own encoding does not have.
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace") + b"\n")
    sys.stdout.buffer.flush()


_ESCAPES = {
    ord(raw): "\\" + escaped for raw, escaped in zip('\\"\n\r\t\a\b', '\\"nrtab', strict=True)
}


def _render(reply: object, indent: str = "") -> str:
    """Return a reply as redis-cli prints it."""
    match reply:
        case None:
            return "(nil)"
        case bytes():
            return '"' + "".join(map(_printable, reply)) + '"'
        case int():
            return f"(integer) {reply}"
        case ErrorReply():
            return f"(error) {reply.message}"
        case []:
            return "(empty array)"
        case [*items]:
            width = len(str(len(items)))
            inner = indent + " " * (width + 2)
            lines = (f"{n:>{width}}) {_render(item, inner)}" for n, item in enumerate(items, 1))
            return f"\n{indent}".join(lines)
    return str(reply)


def _printable(byte: int) -> str:
    if byte in _ESCAPES:
        return _ESCAPES[byte]
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}"


if __name__ == "__main__":
    sys.exit(main())
