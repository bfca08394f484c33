"""Lay out folders as power cuts left them, and have each opened by fresh processes.

A folder is opened in a fork of this process, in which no code under test has run (see `ready`); its
sessions, between which it is closed, run there one after the other. Folders that are only looked at
may share a fork. What they say is what the package says: nobody could gain by forging it. But
nobody may carry anything from one folder to the next: whatever else is left, a file or a process,
ends the run, as far as that can be told here.

Where a process cannot fork (Windows), or a debugger wants to stop, all runs in this one.
"""

from __future__ import annotations

import os
from functools import partial

from ..doing import doing, good
from ..primitives import (
    close,
    end_process,
    exit_now,
    fork,
    is_number,
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
from .ready import make_ready
from .recorder import take as take_events
from .recorder import watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

    from ..doing import Do, Outcome
    from ..front import Step

    Made = Generator[Step, None, Any]

_HUNG: dict[str, Any] = {"end": "timeout", "calls": [], "events": []}
_CRASHED: dict[str, Any] = {"end": "crashed", "calls": [], "events": []}
_STRAYED: dict[str, Any] = {"end": "strayed", "calls": [], "events": []}
# Where this process may write besides its work folder; where there is no such variable, the usual
# folders are its own and in memory.
_TEMPORARY: str | None = os.environ.get("TMPDIR")
_OWN_FOLDERS = ("/tmp", "/dev/shm")  # noqa: S108
_PROCESSES_MAX = 8  # more than a sandbox has; others cannot be told from those of the machine
_strays: list[set[str]] = []  # what there was at the beginning
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
    of the store's folder in the tree, or empty; `seconds`, for each process; `modules`, to import
    beforehand; `faults` of the disk; `record`, whether the events of the first session are wanted;
    `forks`, whether it is to run in another process; `trees_a_process`, how many trees share one.
    """
    do = doing(box, [])
    home = root
    if fork is not None and options["forks"]:
        home = _OWN_FOLDERS[0] if _TEMPORARY is None else _TEMPORARY
        _has_strays(root)
    yield from prepare(do)
    yield from do(make_ready, options["modules"])
    run = partial(_sessions, history, box, sessions=sessions, options=options)
    results: list[Any] = []
    for first in range(0, len(trees), options["trees_a_process"]):
        group = trees[first : first + options["trees_a_process"]]
        results += yield from _opened(do, run, home, group, options)
        if home != root and _has_strays(root):
            results[-1] = [_STRAYED]
        if results[-1] in ([_HUNG], [_STRAYED]):
            break
    return "ok", results


def _has_strays(root: str) -> bool:
    """Whether there is anything that was not there when this was asked first."""
    folders = _OWN_FOLDERS if _TEMPORARY is None else (_TEMPORARY,)
    there = _names("/proc", digits=True)
    there = there if 0 < len(there) <= _PROCESSES_MAX else set()
    for folder in (root, root + "/..", *folders):
        there |= _names(folder)
    if not _strays:
        _strays[:] = [there]
    return not there <= _strays[0]


def _names(folder: str, *, digits: bool = False) -> set[str]:
    """What is in a folder; of /proc only processes."""
    try:
        names = list_folder(folder)
    except OSError:
        return set()
    return {folder + "/" + name for name in names if not digits or is_number(name)}


def _opened(
    do: Do, run: Callable[[str], Made], root: str, trees: list[Any], options: dict[str, Any]
) -> Made:
    """What came of each tree, up to the first that hangs. All run in one process, or where that
    does not end well, each in one of its own.
    """
    places = [f"{root}/state-{number}" for number in range(len(trees))]
    for place, (folders, files) in zip(places, trees, strict=True):
        _lay_out(place, folders, files)
    if fork is None or not options["forks"]:
        said = yield from _each(run, places)
    else:
        said = yield from _in_a_fork(do, _each(run, places), options["seconds"])
    for place in places:
        _remove(place)
    if type(said) is list and len(said) == len(trees):
        return said
    if len(trees) == 1:
        return [[_HUNG if said is None else _CRASHED]]
    results: list[Any] = []
    for tree in trees:
        results += yield from _opened(do, run, root, [tree], options)
        if results[-1] == [_HUNG]:
            break
    return results


def _each(run: Callable[[str], Made], places: list[str]) -> Made:
    results: list[Any] = []
    for place in places:
        results += ((yield from run(place)),)
    return results


def _sessions(
    history: Callable[..., Made],
    box: list[Outcome],
    place: str,
    *,
    sessions: list[Any],
    options: dict[str, Any],
) -> Made:
    """What came of each session, up to the first in which a call raised."""
    store = f"{place}/{options['inside']}" if options["inside"] else place
    said: list[Any] = []
    watch(place if options["record"] or options["faults"] else "", options["faults"])
    for turn, calls in enumerate(sessions):
        rows = yield from history(box, store, calls, True)  # noqa: FBT003
        events = take_events() if turn == 0 and options["record"] else []
        said += ({"end": "done", "calls": rows, "events": events},)
        if any(row[0] != "ok" for row in rows):
            break
    watch("", [])
    return said


def _in_a_fork(do: Callable[..., Made], run: Made, seconds: float) -> Made:
    """Go through `run` in a child process, and return what it returned there: None when it hung,
    and False when it ended otherwise.
    """
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
        return None
    try:
        return decode(reply)
    except BufferError:
        return False


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
