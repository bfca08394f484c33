"""The life of an agent process: take the pipes, shut the doors, answer requests until the pipe
closes.

The first message holds the settings: which package, what to confine, the key of the seals. Only
after the doors are shut and the guard is on is the package under test importable. What it prints
goes to the output pipe. Requests are served by a thread that is not the main one: the handler of a
signal runs in the main thread, and is given the frame that stands there.
"""

from __future__ import annotations

import os
import struct
import sys
import threading
from _frozen_importlib_external import FileFinder

from . import guard
from .confine import confine
from .core import answerer, converse
from .disk import watch_disk
from .front import drive_to_the_end, report_thread_error
from .primitives import (
    exit_now,
    lock_acquire,
    new_held_lock,
    or_end,
    pause_collecting,
    read,
    resume_collecting,
    start_thread,
    write,
)
from .seal import REPLIES, REQUESTS, opener, sealer
from .wire import decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_pack_length, _unpack_length = struct.Struct(">I").pack, struct.Struct(">I").unpack
_LENGTH_BYTES = 4
_CHUNK_BYTES = 64 * 1024  # what a pipe holds
_STACK_BYTES = 1024 * 1024  # of a thread; the usual 8 MiB would use up the address space
_SERVING_STACK_BYTES = 8 * 1024 * 1024
# What code under test may see of the agent; see `front`.
_VISIBLE = {
    *("front", "verbs", "describe", "clock", "program"),
    *("scheduler", "strategies", "virtual", "points", "fresh", "files", "look"),
    *("steps", "instrument", "stateless"),
    *("standins", "helpers", "ready", "inert"),
}


def main() -> None:
    """Serve the parent on standard input and output; never returns."""
    requests, replies = _take_pipes()
    read_message = _reader(requests)
    settings = decode(read_message() or b"")
    confined = confine(settings["confine"])
    box: list[Any] = []
    answer = answerer(settings["package_dir"], box, _tool_loader())
    receive, send = _sealed(read_message, replies, settings["key"])
    watch_disk()
    threading.excepthook = report_thread_error
    sys.path.insert(0, os.path.dirname(settings["package_dir"]))
    del settings
    _disappear()
    send(encode(("ready", confined)))
    threading.stack_size(_SERVING_STACK_BYTES)
    steps = or_end(converse(receive, send, answer))
    start_thread(drive_to_the_end, (steps, box, exit_now))
    threading.stack_size(_STACK_BYTES)
    del read_message, receive, send, answer, steps, box
    _wait_for_ever()


def _sealed(
    read_message: Callable[[], bytes | None], replies: int, key: bytes
) -> tuple[Callable[[], bytes | None], Callable[[bytes], None]]:
    """Return how to receive a request and how to send a reply; a fork of this process can do
    neither.
    """
    seals = [sealer(key, REPLIES), opener(key, REQUESTS)]
    os.register_at_fork(after_in_child=seals.clear)

    def receive() -> bytes | None:
        sealed = read_message()
        return None if sealed is None else seals[1](sealed)

    def send(message: bytes) -> None:
        _write_message(replies, seals[0](message))

    return receive, send


def _disappear() -> None:
    """Leave nothing of the agent where code under test could find it, and put up the guard."""
    guard.hide_memory()
    guard.install()
    _hide_modules()
    foreign = [name for name in sys.modules if name.partition(".")[0] in ("ctypes", "_ctypes")]
    for name in foreign:
        del sys.modules[name]
    main_module = vars(sys.modules["__main__"])
    main_module.clear()
    main_module["__name__"] = "__main__"


def _hide_modules() -> None:
    ours = [name for name in sys.modules if name.partition(".")[0] == "grader_agent"]
    hidden = [vars(sys.modules[name]) for name in ours if name.rpartition(".")[2] not in _VISIBLE]
    guard.hide_frames(hidden)
    for name in ours:
        del sys.modules[name]


def _tool_loader() -> Callable[[str, str], dict[str, Any]]:
    """Return a function that loads the race finder or the recorder; most agents never need one."""
    ours = {name: sys.modules[name] for name in sys.modules if name.startswith("grader_agent")}
    folder = ours["grader_agent"].__path__[0]
    folders = (folder, *(os.path.join(folder, name) for name in ("race", "powercut")))
    loader: tuple[Any, list[str]] = (type(__spec__.loader), [".py"])

    def load(kind: str, package_dir: str) -> dict[str, Any]:
        sys.modules.update(ours)
        sys.path_importer_cache.update({path: FileFinder(path, loader) for path in folders})
        tools: Callable[[str], dict[str, Any]]
        if kind == "race":
            from .race.explore import race_tools

            tools = race_tools
        else:
            from .powercut.record import power_tools

            tools = power_tools
        for path in folders:
            del sys.path_importer_cache[path]
        _hide_modules()
        # What goes wrong when objects of a run that was broken off are dropped means nothing.
        sys.unraisablehook = str
        return tools(package_dir)

    return load


def _wait_for_ever() -> None:
    lock = new_held_lock()
    while True:
        try:
            lock_acquire(lock)
        except BaseException:  # noqa: S112  (code under test can interrupt the main thread)
            continue


def _take_pipes() -> tuple[int, int]:
    """Move the pipes out of the way of `print` and `input`, which then reach the output pipe and
    nothing.
    """
    requests, replies = os.dup(0), os.dup(1)
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


def _reader(descriptor: int) -> Callable[[], bytes | None]:
    """Return a function that waits for the next message; None when the pipe ends."""
    waiting = bytearray()

    def take(count: int) -> bytes | None:
        while len(waiting) < count:
            resume_collecting()
            chunk = read(descriptor, _CHUNK_BYTES)
            pause_collecting()
            if not chunk:
                return None
            waiting[len(waiting) :] = chunk
        taken = bytes(waiting[:count])
        del waiting[:count]
        return taken

    def read_message() -> bytes | None:
        header = take(_LENGTH_BYTES)
        return None if header is None else take(_unpack_length(header)[0])

    return read_message


def _write_message(descriptor: int, message: bytes) -> None:
    data = memoryview(_pack_length(len(message)) + message)
    while data:
        data = data[write(descriptor, data) :]
