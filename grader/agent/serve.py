"""The life of an agent process: take the pipes, shut the doors, answer requests until the pipe
closes.

The first message holds the settings: which package, what to confine. Only after the doors are shut
is the package under test importable. What it prints goes to the output pipe; the reply pipe is a
descriptor that only this file knows.
"""

from __future__ import annotations

import os
import struct
import sys
import threading
from typing import Any, BinaryIO

from .confine import confine
from .disk import this_disk
from .verbs import Agent
from .wire import decode, encode

_LENGTH = struct.Struct(">I")
_STACK_BYTES = 1024 * 1024  # of a thread; the usual 8 MiB would use up the address space


def main() -> None:
    """Serve the parent on standard input and output."""
    requests, replies = _take_pipes()
    settings = decode(_read_message(requests) or b"")
    confined = confine(settings["confine"])
    package_dir = settings["package_dir"]
    sys.path.insert(0, os.path.dirname(package_dir))
    this_disk().install()
    threading.excepthook = _report_thread_error
    threading.stack_size(_STACK_BYTES)
    agent = Agent(package_dir)
    for name in [name for name in sys.modules if name.partition(".")[0] == "grader_agent"]:
        del sys.modules[name]  # the package under test has no business with them
    _write_message(replies, encode(("ready", confined)))
    while (request := _read_message(requests)) is not None:
        _write_message(replies, agent.answer(request))
    os._exit(0)


def _take_pipes() -> tuple[BinaryIO, int]:
    """Move the pipes out of the way of `print` and `input`, which then reach the output pipe and
    nothing.
    """
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.dup(1)
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream: Any = open(  # noqa: SIM115
            descriptor, "w", encoding="utf-8", errors="replace", buffering=1, closefd=False
        )
        setattr(sys, name, stream)
    return requests, replies


def _read_message(stream: BinaryIO) -> bytes | None:
    header = stream.read(_LENGTH.size)
    if len(header) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(header)
    return stream.read(length)


def _write_message(descriptor: int, message: bytes) -> None:
    data = memoryview(_LENGTH.pack(len(message)) + message)
    while data:
        data = data[os.write(descriptor, data) :]


def _report_thread_error(args: threading.ExceptHookArgs) -> None:
    name = args.thread.name if args.thread else "a thread"
    print(f"{name} ended with {args.exc_type.__name__}: {args.exc_value}", file=sys.stderr)  # noqa: T201
