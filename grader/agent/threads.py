"""Threads that a test steers: each actor makes one call at a time, and can be asked whether it is
stuck.

"Stuck" is seen, not timed: a thread is taken for waiting when its innermost frame stands still, the
operating system says that it sleeps, and it uses no processor time, over several looks. Where the
system does not tell (macOS, Windows), more looks are taken. A thread that polls never stands still;
after a second without a result it counts as waiting too.
"""

from __future__ import annotations

from .front import drive
from .guard import permit
from .primitives import (
    current_frames,
    last_instruction,
    lock_acquire,
    lock_release,
    native_thread_id,
    new_held_lock,
    now_seconds,
    opaque,
    or_end,
    partition_from_right,
    read_file,
    split_bytes,
    start_thread,
    take,
    thread_id,
    wait_for,
)
from .verbs import call_method

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from .front import Step

_LOOK_SECONDS = 0.002
_LOOKS = 8
_LOOKS_UNTOLD = 50
_POLLING_SECONDS = 1.0


def start_actor(_name: str) -> tuple[str, Any]:
    """Start a thread, a tool: `begin(owner, method, args)` starts a call and returns at once;
    `settle()` is True once it has returned, False once its thread can only be waiting for another
    one; `finish()` waits for it and is its outcome.
    """
    wanted, started, done = new_held_lock(), new_held_lock(), new_held_lock()
    box: list[Any] = []
    ids: list[int] = []
    call: tuple[Any, ...] = ()

    def calls() -> Generator[Step, None, None]:
        nonlocal ids
        ids += (thread_id(), native_thread_id())
        lock_release(started)
        while True:
            lock_acquire(wanted)
            yield call_method, call, []
            lock_release(done)

    def begin(*wanted_call: Any) -> tuple[str, Any]:
        nonlocal call
        call = wanted_call
        lock_acquire(done, False)  # noqa: FBT003
        lock_release(wanted)
        return "ok", None

    def settle() -> tuple[str, Any]:
        return "ok", _settle(done, *ids)

    def finish() -> tuple[str, Any]:
        wait_for(done)
        return take(box)

    actions = {"begin": begin, "settle": settle, "finish": finish}
    start_thread(drive, (or_end(calls()), box))
    lock_acquire(started)
    return "ok", opaque(lambda name, *args: actions[name](*args))


def _settle(done: Any, thread: int, native: int) -> bool:
    seen, quiet, started = None, 0, now_seconds()
    while not wait_for(done, _LOOK_SECONDS):
        place, told = _place(thread, native)
        quiet = quiet + 1 if place is not None and place == seen else 0
        seen = place
        if quiet >= (_LOOKS if told else _LOOKS_UNTOLD):
            return False
        if now_seconds() - started > _POLLING_SECONDS:
            return False
    return True


def _place(thread: int, native: int) -> tuple[Any, bool]:
    """Where the thread stands (None while it runs), and whether the system told us that it
    sleeps.
    """
    permit("sys._current_frames")
    frames = current_frames()
    if thread not in frames:
        return None, False
    place = (id(frames[thread]), last_instruction(frames[thread]))
    state, user_ticks, system_ticks = _system_says(native)
    if not state:
        return place, False
    return (None if state != b"S" else (*place, user_ticks, system_ticks)), True


def _system_says(native: int) -> tuple[bytes, bytes, bytes]:
    """A thread's state and processor time so far, from proc(5): fields 3, 14 and 15, after a name
    that may hold anything.
    """
    fields = split_bytes(partition_from_right(read_file(f"/proc/self/task/{native}/stat"), b")")[2])
    return (fields[0], fields[11], fields[12]) if fields else (b"", b"", b"")
