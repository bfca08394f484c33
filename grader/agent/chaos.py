"""Run plans of calls from many threads at once, switching between threads at the lines where it
hurts.

CPython switches threads rarely, and seldom in the middle of a method, so most races hide. Here
every line of the package under test is a chance, drawn from a seed, to give way to another thread.
"""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from .objects import describe_error, is_student_file

_now = time.perf_counter_ns
_sleep = time.sleep
_settrace = sys.settrace
_SWITCHES = ((sys, "settrace"), (sys, "setswitchinterval"), (threading, "settrace"))
_PAUSE_SECONDS = 1e-5

Call = tuple[Any, str, tuple[Any, ...]]
Record = tuple[int, int, int, int, bool, Any]


def run_plans(plans: list[list[Call]], seed: int, chance: float) -> list[Record]:
    """Run each plan in a thread of its own, all started together, and return what happened, by
    start time.

    A record is `(thread, index in its plan, started ns, ended ns, returned?, result or error)`.
    `chance` is the probability of giving way at each line of the package under test.
    """
    records: list[Record] = []
    barrier = threading.Barrier(len(plans))
    threads = [
        threading.Thread(
            target=_run_plan,
            args=(number, plan, barrier, records, _tracer(random.Random(seed + number), chance)),
            daemon=True,
        )
        for number, plan in enumerate(plans)
    ]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    # The code under test must not turn the switching off while it is on.
    kept = [getattr(module, name) for module, name in _SWITCHES]
    for module, name in _SWITCHES:
        setattr(module, name, _nothing)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        for (module, name), function in zip(_SWITCHES, kept, strict=True):
            setattr(module, name, function)
        sys.setswitchinterval(before)
    return sorted(records, key=lambda record: record[2])


def _nothing(*_args: object) -> None:
    """Stand in for what the code under test must not do."""


def _run_plan(
    number: int,
    plan: list[Call],
    barrier: threading.Barrier,
    records: list[Record],
    tracer: Callable[..., Any],
) -> None:
    barrier.wait()
    _settrace(tracer)
    for index, (owner, method, args) in enumerate(plan):
        started = _now()
        try:
            result, returned = getattr(owner, method)(*args), True
        except BaseException as error:
            result, returned = describe_error(error), False
        records.append((number, index, started, _now(), returned, result))
    _settrace(None)


def _tracer(chances: random.Random, chance: float) -> Callable[..., Any]:
    def on_line(_frame: FrameType, event: str, _arg: object) -> Callable[..., Any]:
        if event == "line" and chances.random() < chance:
            _sleep(_PAUSE_SECONDS)
        return on_line

    def on_call(frame: FrameType, _event: str, _arg: object) -> Callable[..., Any] | None:
        return on_line if is_student_file(frame.f_code.co_filename) else None

    return on_call
