"""The functions in C that the agent calls while code under test is there, looked up before it is.

Code under test shares the interpreter. It can put its own functions into every module, and with
some effort even into the dictionaries of built-in types, so that `lock.acquire()` would run code of
its own below the agent's. A function that was looked up at the start stays what it was. So the rule
for files of the agent that must be believed (`core`, `disk`, `chaos`, `threads`, `sockets`, `wire`,
`objects`, `seal`, `guard`): names of this file, built-in functions, operators and subscripts, but
no method of any object once code under test runs, and no function of the standard library that is
written in Python.
"""

from __future__ import annotations

import _thread
import gc
import os
import select
import sys
import time
from _functools import _lru_cache_wrapper  # type: ignore[import-not-found]
from types import CodeType, FrameType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

    from .front import Step

now_ns = time.perf_counter_ns
now_seconds = time.monotonic
sleep = time.sleep

new_lock = _thread.allocate_lock
lock_acquire = _thread.LockType.acquire
lock_release = _thread.LockType.release
start_thread = _thread.start_new_thread
thread_id = _thread.get_ident
native_thread_id = _thread.get_native_id

exit_now = os._exit
read, write, close, stat, fstat = os.read, os.write, os.close, os.stat, os.fstat
open_file, working_folder, list_folder = os.open, os.getcwd, os.listdir
make_folder, remove_folder, remove_file = os.mkdir, os.rmdir, os.unlink
new_pipe, end_process, wait_for_process = os.pipe, os.kill, getattr(os, "waitpid", None)
fork = getattr(os, "fork", None)  # Windows lacks it
wait_until_readable = select.select
_READ_ONLY, _CHUNK_BYTES = os.O_RDONLY, 1024 * 1024
read_link = getattr(os, "readlink", None)  # Windows may lack it

settrace = sys.settrace
set_switch_interval = sys.setswitchinterval
get_switch_interval = sys.getswitchinterval
current_frames = sys._current_frames

collect, collecting, collect_on, collect_off = gc.collect, gc.isenabled, gc.enable, gc.disable

# What attribute access on these built-in types would call; `below` is the frame's caller.
below = FrameType.f_back.__get__
globals_of = FrameType.f_globals.__get__
code_of = FrameType.f_code.__get__
last_instruction = FrameType.f_lasti.__get__
file_of = CodeType.co_filename.__get__
name_of = type.__dict__["__name__"].__get__
ancestors_of = type.__dict__["__mro__"].__get__
exact_text = str.__str__
without_traceback = BaseException.with_traceback
decode_bytes, find_in_buffer = bytes.decode, bytearray.find
split_bytes, partition_from_right = bytes.split, bytes.rpartition
partition, partition_text_from_right = str.partition, str.rpartition
is_number = str.isdecimal
values_of, items_of, sort = dict.values, dict.items, list.sort


_is_collecting = collecting()


def pause_collecting() -> None:
    """Keep the garbage collector from running code under test below frames of the agent's; called
    by the thread that serves requests, whenever its own code goes on.
    """
    global _is_collecting
    _is_collecting = collecting()
    collect_off()


def resume_collecting() -> None:
    """Leave the collector as code under test had left it."""
    if _is_collecting:
        collect_on()


def opaque(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a callable in C that calls `function` and through which nobody can get at it.

    It is a cache of no entries: unlike a Python function, a bound method or a partial, it has no
    attribute that leads to what it calls.
    """
    return _lru_cache_wrapper(function, 0, False, tuple)  # type: ignore[no-any-return]  # noqa: FBT003


def take(box: list[Any]) -> tuple[str, Any]:
    """Return the outcome that `front.drive` left; it may come from code under test instead, which
    can only spoil what its own call returned.
    """
    outcome = box[0]
    if type(outcome) is not tuple or len(outcome) != 2 or type(outcome[0]) is not str:
        raise RuntimeError("code under test reached into the frame above it")
    return outcome


def read_file(path: str) -> bytes:
    """What is in a file; nothing when it cannot be read."""
    data = bytearray()
    try:
        descriptor = open_file(path, _READ_ONLY)
        try:
            while chunk := read(descriptor, _CHUNK_BYTES):
                data += chunk
        finally:
            close(descriptor)
    except OSError:
        return b""
    return bytes(data)


def or_end(steps: Generator[Step, None, None]) -> Generator[Step, None, None]:
    """The same steps; when they end by an exception, so does the process. An exception of the
    agent's own is nothing that code under test may see: its frames lead to the agent.
    """
    try:
        yield from steps
    except BaseException:
        exit_now(1)


def new_held_lock() -> Any:
    """A lock that somebody else will release."""
    lock = new_lock()
    lock_acquire(lock)
    return lock


def wait_for(lock: Any, seconds: float = -1) -> bool:
    """Wait until the lock was released, and leave it released; False when time ran out."""
    if not lock_acquire(lock, True, seconds):  # noqa: FBT003
        return False
    lock_release(lock)
    return True
