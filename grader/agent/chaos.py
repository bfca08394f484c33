"""Run plans of calls from many threads at once, switching between threads at the lines where it
hurts.

CPython switches threads rarely, and seldom in the middle of a method, so most races hide. Here
every line of code that is not the standard library's is a chance, drawn from a seed, to give way to
another thread. Code under test cannot turn this off: the guard keeps `sys.settrace` from it, and
what it does to the switch interval is undone while it runs.
"""

from __future__ import annotations

import _random

from .front import drive
from .guard import is_ours_or_standard, permit
from .primitives import (
    code_of,
    file_of,
    get_switch_interval,
    lock_acquire,
    lock_release,
    new_held_lock,
    now_ns,
    opaque,
    or_end,
    set_switch_interval,
    settrace,
    sleep,
    sort,
    start_thread,
    take,
    wait_for,
)
from .verbs import call_method

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import FrameType
    from typing import Any

    from .front import Step

    Call = tuple[Any, str, tuple[Any, ...]]
    Record = tuple[int, int, int, int, bool, Any]

_PAUSE_SECONDS = 1e-5
_SWITCH_SECONDS = 1e-6
_LOOK_SECONDS = 1e-3

_Random = _random.Random
_blank, _seed, _draw = _Random.__new__, _Random.seed, _Random.random


def run_plans(plans: list[list[Call]], seed: int, chance: float) -> tuple[str, list[Record]]:
    """Run each plan in a thread of its own, all started together, and return what happened, by
    start time.

    A record is `(thread, index in its plan, started ns, ended ns, returned?, result or error)`.
    `chance` is the probability of giving way at each line of the package under test.
    """
    records: list[Record] = []
    start = new_held_lock()
    ready, over = [new_held_lock() for _ in plans], [new_held_lock() for _ in plans]
    for number, plan in enumerate(plans):
        box: list[Any] = []
        at_start = (ready[number], start, over[number])
        steps = _calls(number, plan, at_start, records, restless(seed + number, chance), box)
        start_thread(drive, (or_end(steps), box))
    for lock in ready:
        lock_acquire(lock)
    lock_release(start)
    wait_restlessly(over)
    sort(records, key=lambda record: record[2])
    return "ok", records


def wait_restlessly(locks: list[Any]) -> None:
    """Wait until each of the locks was released; until then Python switches between threads as
    often as it can.
    """
    before = get_switch_interval()
    try:
        for lock in locks:
            set_switch_interval(_SWITCH_SECONDS)
            while not wait_for(lock, _LOOK_SECONDS):
                set_switch_interval(_SWITCH_SECONDS)
    finally:
        set_switch_interval(before)


def _calls(
    number: int,
    plan: list[Call],
    locks: tuple[Any, Any, Any],
    records: list[Record],
    tracer: Callable[..., Any],
    box: list[Any],
) -> Generator[Step, None, None]:
    """The calls of one thread, as steps for `front.drive`; records what came of each."""
    ready, start, over = locks
    lock_release(ready)
    wait_for(start)
    trace_this_thread(tracer)
    for index, call in enumerate(plan):
        started = now_ns()
        yield call_method, call, []
        ended = now_ns()
        kind, value = take(box)
        if kind == "missing":
            value = {"names": ("AttributeError",), "message": value}
        records += ((number, index, started, ended, kind == "ok", value),)
    trace_this_thread(None)
    lock_release(over)


def trace_this_thread(tracer: Callable[..., Any] | None) -> None:
    """Trace this thread from now on, or no more. Only one thread at a time can ask for it, and code
    under test may be asking (in vain) as well.
    """
    while True:
        permit("sys.settrace")
        try:
            settrace(tracer)
        except RuntimeError:
            sleep(_PAUSE_SECONDS)
        else:
            return


def restless(seed: int, chance: float) -> Callable[..., Any]:
    """Return what a thread is traced by so that it gives way, with probability `chance`, at each
    line of the package under test.
    """
    chances = _blank(_Random)
    _seed(chances, seed)

    def on_line(_frame: FrameType, event: str, _arg: object) -> Callable[..., Any]:
        if event == "line" and _draw(chances) < chance:
            set_switch_interval(_SWITCH_SECONDS)
            sleep(_PAUSE_SECONDS)
        return local

    def on_call(frame: FrameType, _event: str, _arg: object) -> Callable[..., Any] | None:
        return None if is_ours_or_standard(file_of(code_of(frame))) else local

    local = opaque(on_line)
    return opaque(on_call)
