"""Locks, threads and time of a schedule, in the place of Python's own.

`Lock` and `RLock` here replace `threading.Lock` and `RLock`; conditions, events, semaphores,
barriers, queues, timers and executors are written in Python on top of these, and follow. A thread
is a task of the scheduler. The clock is the scheduler's, so `sleep(10)` takes no time. An fsync is
an operation like another, and does not go to the disk: what is looked at here is who sees what.

Outside of a schedule a lock is always free, so that an object that dies later finds it so.
"""

from __future__ import annotations

import _frozen_importlib
import _queue
import _thread
import functools
import itertools
import os
import queue
import sys
import threading
import time
from types import SimpleNamespace

from .files import sync_file
from .scheduler import DONE, SCHEDULER, Abort

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any

    from .scheduler import Task

IDENT_BASE = 1000  # of the numbers that `threading.get_ident` gives
_EPOCH, _BOOT = 1_700_000_000.0, 1000.0  # virtual zero of `time.time` and of `time.monotonic`
_getframe = sys._getframe


_numbers = itertools.count(1)


def _steady_hash(self: Any) -> int:
    """A hash that does not hang on where an object lies, so that sets have the same order in every
    process: an executor joins its threads in that of a set.
    """
    number = self.__dict__.get("_number")
    if number is None:
        number = self.__dict__["_number"] = next(_numbers)
    return int(number)


class Lock:
    """`threading.Lock` in virtual time."""

    __hash__ = _steady_hash
    _is_quiet = False  # whether taking and releasing it are no steps of the schedule

    def __init__(self) -> None:
        self._owner: Any = None
        self.made_at = _place() if SCHEDULER.recorder is not None else None
        self.taken_at: Any = None

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:  # noqa: FBT001, FBT002
        """As Python's: True when taken, False when it was not to be had (in time)."""
        seconds = _patience(blocking, timeout)
        if not SCHEDULER.active:
            return True
        if not self._is_quiet:
            SCHEDULER.sync()
        end = None if seconds is None else SCHEDULER.now + seconds
        while self._owner is not None:
            if not SCHEDULER.block(self, None if end is None else end - SCHEDULER.now):
                return False
        self._own(SCHEDULER.current)
        return True

    def release(self) -> None:
        """As Python's: anybody may release it; RuntimeError when it is free."""
        if not SCHEDULER.active or SCHEDULER.aborting:
            self._owner = None
            return
        if self._owner is None:
            raise RuntimeError("release unlocked lock")
        self._disown()
        SCHEDULER.wake(self)
        if not self._is_quiet:
            SCHEDULER.sync()

    def locked(self) -> bool:
        """Whether somebody has it."""
        return self._owner is not None

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *error: object) -> None:
        self.release()

    def _own(self, task: Any) -> None:
        self._owner = task
        if SCHEDULER.recorder is not None:
            self.taken_at = _place()
            task.held.append(self)

    def _disown(self) -> None:
        owner, self._owner = self._owner, None
        if SCHEDULER.recorder is not None and self in owner.held:
            owner.held.remove(self)

    def _at_fork_reinit(self) -> None:
        self._owner = None


class RLock(Lock):
    """`threading.RLock` in virtual time, with what a condition needs of it."""

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:  # noqa: FBT001, FBT002
        """As Python's: who has it may take it again."""
        _patience(blocking, timeout)
        if self._is_owned():
            self._count += 1
            return True
        taken = super().acquire(blocking, timeout)
        if taken:
            self._count = 1
        return taken

    def release(self) -> None:
        """As Python's: only who has it may release it, as often as he took it."""
        if not SCHEDULER.active or SCHEDULER.aborting:
            self._owner = None
            return
        if not self._is_owned():
            raise RuntimeError("cannot release un-acquired lock")
        self._count -= 1
        if self._count == 0:
            super().release()

    def __enter__(self) -> bool:
        return self.acquire()

    def _is_owned(self) -> bool:
        return SCHEDULER.active and self._owner is SCHEDULER.current

    def _release_save(self) -> int:
        count, self._count = self._count, 1
        self.release()
        return count

    def _acquire_restore(self, count: int) -> None:
        self.acquire()
        self._count = count

    def _recursion_count(self) -> int:
        return self._count if self._is_owned() else 0


class _QuietLock(Lock):
    """A lock of the import system, so that importing takes no steps: a module is imported once in
    a process, and is there in the schedules after that.
    """

    _is_quiet = True


class _QuietRLock(RLock):
    """The same, re-entrant; also what guards a cached property, which only Python 3.11 does."""

    _is_quiet = True


def _patience(blocking: bool, timeout: float) -> float | None:  # noqa: FBT001
    """How many seconds `acquire` may wait, None for any time; raises what Python's raises."""
    if not blocking and timeout != -1:
        raise ValueError("can't specify a timeout for a non-blocking call")
    if timeout == -1:
        return None if blocking else 0
    _check_seconds(timeout, "timeout value must be a non-negative number")
    return timeout


def _check_seconds(seconds: float, refusal: str) -> None:
    if seconds != seconds:  # only NaN is not equal to itself
        raise ValueError("Invalid value NaN (not a number)")
    if seconds < 0:
        raise ValueError(refusal)
    if seconds > threading.TIMEOUT_MAX:
        raise OverflowError("timeout value is too large")


def _place() -> tuple[str, int, str] | None:
    """The innermost line of the package's that is under way: file, line, function."""
    frame: FrameType | None = _getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if os.path.dirname(file) == SCHEDULER.package_dir:
            return os.path.basename(file), frame.f_lineno, frame.f_code.co_name
        try:
            frame = frame.f_back
        except ValueError:
            return None
    return None


def _get_ident() -> int:
    return IDENT_BASE + SCHEDULER.current.number if SCHEDULER.active else _real_ident()


_real_ident = _thread.get_ident
_OFTEN_IN_SETS = (
    *(threading.Thread, threading.Event, threading.Condition),
    *(threading.Semaphore, threading.Barrier),
)


def _start(self: Any) -> None:
    if not self._initialized:
        raise RuntimeError("thread.__init__() not called")
    if self._started._flag:
        raise RuntimeError("threads can only be started once")

    active = threading._active  # type: ignore[attr-defined]

    def body() -> None:
        active[self._ident] = self
        try:
            self.run()
        finally:
            active.pop(self._ident, None)

    self._task = _spawn(body, self.name)
    self._ident = IDENT_BASE + self._task.number
    self._started._flag = True
    SCHEDULER.sync()


def _start_new_thread(
    function: Callable[..., object], args: tuple[Any, ...], kwargs: dict[str, Any] | None = None
) -> int:
    """`_thread.start_new_thread`."""
    task = _spawn(lambda: function(*args, **(kwargs or {})), "a thread")
    SCHEDULER.sync()
    return IDENT_BASE + task.number


def _spawn(function: Callable[[], object], name: str) -> Task:
    """Start a thread; what ends it is noted."""

    def whole() -> None:
        try:
            function()
        except (Abort, SystemExit):
            return
        except BaseException as error:
            SCHEDULER.thread_errors.append((name, error))

    return SCHEDULER.spawn(whole, name)


def _join(self: Any, timeout: float | None = None) -> None:
    if not self._initialized:
        raise RuntimeError("Thread.__init__() not called")
    if not self._started._flag:
        raise RuntimeError("cannot join thread before it is started")
    task = _task_of(self)
    if task is SCHEDULER.current:
        raise RuntimeError("cannot join current thread")
    SCHEDULER.join(task, timeout)


def _is_alive(self: Any) -> bool:
    return bool(self._started._flag) and _task_of(self).state != DONE


def _task_of(thread: Any) -> Task:
    """The task of a thread; the process's main thread is taken for the one that sets up."""
    return getattr(thread, "_task", None) or SCHEDULER.tasks[0]


def _sleep(seconds: float) -> None:
    _check_seconds(seconds, "sleep length must be non-negative")
    SCHEDULER.sync()
    SCHEDULER.block("time", seconds)


# What the import system looks up in `_thread`.
_IMPORT_SYSTEM = SimpleNamespace(
    allocate_lock=_QuietLock, RLock=_QuietRLock, get_ident=_get_ident, LockType=Lock
)


class Pause:
    """Lets a program's thread sleep in virtual time."""

    def sleep(self, seconds: float) -> None:
        """Sleep."""
        _sleep(seconds)


def _clock(zero: float) -> tuple[Callable[[], float], Callable[[], int]]:
    """A clock of the scheduler's time, in seconds and in nanoseconds."""
    return lambda: zero + SCHEDULER.now, lambda: int((zero + SCHEDULER.now) * 1e9)


def _replacements() -> list[tuple[Any, str, Any]]:
    wall, wall_ns = _clock(_EPOCH)
    steady, steady_ns = _clock(_BOOT)
    thread = threading.Thread
    return [
        *((threading, name, Lock) for name in ("Lock", "_allocate_lock")),
        *((threading, name, RLock) for name in ("RLock", "_CRLock", "_PyRLock")),
        *((_thread, name, Lock) for name in ("allocate_lock", "allocate", "lock", "LockType")),
        *((_thread, "RLock", RLock), (functools, "RLock", _QuietRLock)),
        (_frozen_importlib, "_thread", _IMPORT_SYSTEM),
        *((_thread, name, _start_new_thread) for name in ("start_new_thread", "start_new")),
        *((module, "get_ident", _get_ident) for module in (threading, _thread)),
        (threading, "_time", steady),
        *((kind, "__hash__", _steady_hash) for kind in _OFTEN_IN_SETS),
        *((thread, "start", _start), (thread, "join", _join), (thread, "is_alive", _is_alive)),
        *((module, "SimpleQueue", queue._PySimpleQueue) for module in (queue, _queue)),  # type: ignore[attr-defined]
        (queue, "time", steady),
        *((time, "time", wall), (time, "time_ns", wall_ns), (time, "sleep", _sleep)),
        *((time, name, steady) for name in ("monotonic", "perf_counter")),
        *((time, name, steady_ns) for name in ("monotonic_ns", "perf_counter_ns")),
        *((os, name, sync_file) for name in ("fsync", "fdatasync")),
    ]


def replace_primitives() -> Callable[[], None]:
    """Put everything into its place; returns a function that puts Python's own back."""
    before = []
    for owner, name, stand_in in _replacements():
        if hasattr(owner, name):
            before.append((owner, name, getattr(owner, name)))
            setattr(owner, name, stand_in)

    def put_back() -> None:
        for owner, name, original in before:
            setattr(owner, name, original)

    return put_back


def forget_threads() -> None:
    """Leave no thread of the last schedule where `threading.current_thread` looks, and number those
    that come from the beginning.
    """
    global _numbers
    _numbers = itertools.count(1)
    active = threading._active  # type: ignore[attr-defined]
    for ident in list(active):  # a thread that has just ended may be removing itself
        if ident in range(IDENT_BASE, 2 * IDENT_BASE):
            active.pop(ident, None)
    threading._counter = itertools.count(1).__next__  # type: ignore[attr-defined]
    executors = sys.modules.get("concurrent.futures.thread")
    if executors is not None:
        executors.ThreadPoolExecutor._counter = itertools.count().__next__
