"""Lay out folders as power cuts left them, and have each opened by fresh processes.

A folder is opened in a fork of this process, in which the package is imported and nothing else has
happened; its sessions, between which it is closed, run there one after the other. What they say is
what the package says: nobody could gain by forging it.

Where a process cannot fork (Windows), or a debugger wants to stop, all runs in this one.
"""

from __future__ import annotations

import os

from ..doing import doing, good
from ..primitives import (
    close,
    end_process,
    exit_now,
    fork,
    list_folder,
    make_folder,
    new_pipe,
    now_seconds,
    open_file,
    read,
    remove_file,
    remove_folder,
    wait_for_process,
    wait_until_readable,
    write,
)
from ..wire import decode, encode
from .helpers import import_all
from .recorder import take as take_events
from .recorder import watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

    from ..doing import Outcome
    from ..front import Step

    Made = Generator[Step, None, Any]

_CHUNK_BYTES = 64 * 1024
_REPLY_BYTES_MAX = 64 * 1024 * 1024
_KILL = 9
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def reopen(
    prepare: Callable[..., Made],
    history: Callable[..., Made],
    box: list[Outcome],
    root: str,
    trees: list[Any],
    sessions: list[Any],
    options: dict[str, Any],
) -> Made:
    """For each tree a list of what came of its sessions, up to the first tree that hangs.

    A tree is `(folders, {path: bytes})`. A session is a list of calls. Options: `inside`, the path
    of the store's folder in the tree, or empty; `seconds`, for each tree; `modules`, to import
    beforehand; `faults` of the disk; `record`, whether the events of the first session are wanted;
    `forks`, whether it is to run in another process.
    """
    do = doing(box, [])
    yield from prepare(do)
    yield from do(import_all, options["modules"])  # what goes wrong here goes wrong again there
    results: list[Any] = []
    for number, (folders, files) in enumerate(trees):
        place = f"{root}/state-{number}"
        _lay_out(place, folders, files)
        run = _sessions(history, box, place, sessions, options)
        if fork is None or not options["forks"]:
            said = yield from run
        else:
            said = yield from _in_a_fork(do, run, options["seconds"])
        _remove(place)
        results += (said,)
        if said[-1]["end"] == "timeout":
            break
    return "ok", results


def _sessions(
    history: Callable[..., Made],
    box: list[Outcome],
    place: str,
    sessions: list[Any],
    options: dict[str, Any],
) -> Made:
    """What came of each session, up to the first in which a call raised."""
    store = f"{place}/{options['inside']}" if options["inside"] else place
    said: list[Any] = []
    watch(place if options["record"] or options["faults"] else "", options["faults"])
    for turn, calls in enumerate(sessions):
        rows, _kept = yield from history(box, store, calls, True)  # noqa: FBT003
        events = take_events() if turn == 0 and options["record"] else []
        said += ({"end": "done", "calls": rows, "events": events},)
        if any(row[0] != "ok" for row in rows):
            break
    watch("", [])
    return said


def _in_a_fork(do: Callable[..., Made], run: Made, seconds: float) -> Made:
    """Go through `run` in a child process, and return what it returned there."""
    receiving, sending = new_pipe()
    pid = good((yield from do(fork)))
    if pid == 0:
        result = yield from run
        _send(sending, result)
        exit_now(0)
    close(sending)
    reply = _receive(receiving, seconds)
    close(receiving)
    if reply is None:
        end_process(pid, _KILL)
    wait_for_process(pid, 0)  # type: ignore[misc]
    if reply is None:
        return [{"end": "timeout", "calls": [], "events": []}]
    try:
        return decode(reply)
    except BufferError:
        return [{"end": "crashed", "calls": [], "events": []}]


def _send(descriptor: int, result: Any) -> None:
    try:
        message = encode(result, lambda _value: "an object")
    except Exception:  # too deep, too large
        exit_now(1)
    data = memoryview(message)
    while data:
        data = data[write(descriptor, data) :]


def _receive(descriptor: int, seconds: float) -> bytes | None:
    """All that comes, up to the end; None when time is over or it is too much."""
    end, data = now_seconds() + seconds, bytearray()
    while len(data) <= _REPLY_BYTES_MAX:
        left = end - now_seconds()
        if left <= 0 or not wait_until_readable([descriptor], [], [], left)[0]:
            return None
        chunk = read(descriptor, _CHUNK_BYTES)
        if not chunk:
            return bytes(data)
        data += chunk
    return None


def _lay_out(place: str, folders: list[str], files: dict[str, bytes]) -> None:
    make_folder(place)
    for name in folders:
        make_folder(f"{place}/{name}")
    for name in files:
        descriptor = open_file(f"{place}/{name}", _NEW_FILE, 0o666)
        data = memoryview(files[name])
        while data:
            data = data[write(descriptor, data) :]
        close(descriptor)


def _remove(place: str) -> None:
    """Remove a folder as far as that is possible: the package may have put anything there."""
    try:
        for name in list_folder(place):
            path = f"{place}/{name}"
            try:
                remove_file(path)
            except OSError:
                _remove(path)
        remove_folder(place)
    except OSError:
        return
