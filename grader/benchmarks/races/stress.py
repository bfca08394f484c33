"""A stress test: the same programs, in plain threads, again and again until time is up.

It is what one can do without a scheduler, and is given every advantage: the switch interval is as
short as Python allows, threads set off together at a barrier, a thread that hangs is noticed, and
the oracle that judges the schedules judges this as well. A program runs as it is and, where that
makes sense, with each thread's calls 20 times over, so that the threads meet more often; both kinds
take turns.

Runs in a process of its own, without walls: for packages of the project's own only.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from grader.agent.clock import ManualClock
from grader.agent.race.files import Files
from grader.agent.race.look import Blocks, call_named
from grader.oracle.history import Call
from grader.oracle.whole import START_NS
from grader.oracle.workload import Workload
from grader.races.explorer import Raised, Run
from grader.races.problem import Subject, UnknownVerdictError, judge
from grader.races.program import Invocation, Program
from grader.testkit.subjects import LockSubject, MemorySubject, StoreSubject

SWITCH_SECONDS = 1e-6
REPEATS = 20
_PAUSE_SCALE = 0.005  # of a program's pause, which is in virtual time
_LOOK_SECONDS = 0.001
_HANG_SECONDS = 2.0  # without any call that returns: the threads wait for each other
_SPARE_SECONDS = 20.0  # for the process to start, and to notice a hang
_Programs = Sequence[tuple[Subject, Workload]]


@dataclass(frozen=True)
class Stress:
    """What came of it: rounds that were run, and the seconds until one went wrong; None if none
    did.
    """

    rounds: int
    found_seconds: float | None


def stress(package: Path, programs: _Programs, seconds: float) -> Stress:
    """Run programs on a package for so long, or until a round goes wrong."""
    longer = [(subject, _repeated(one)) for subject, one in programs if _is_repeatable(subject)]
    return plain_rounds(package, [*programs, *longer], seconds)


def plain_rounds(package: Path, programs: _Programs, seconds: float) -> Stress:
    """The same with the programs as they are."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    arguments = sender, package, programs, seconds
    process = context.Process(target=_serve, args=arguments, daemon=True)
    process.start()
    sender.close()
    try:
        if not receiver.poll(seconds + _SPARE_SECONDS):
            raise TimeoutError("the stress test did not end")
        return receiver.recv()  # type: ignore[no-any-return]
    finally:
        process.kill()
        process.join()
        process.close()
        receiver.close()


def _is_repeatable(subject: Subject) -> bool:
    """Whether a thread may do the same again: not if each call is to be found exactly once, or if
    threads stay inside.
    """
    return isinstance(subject, MemorySubject) or (
        isinstance(subject, LockSubject) and subject.is_freed
    )


def _repeated(workload: Workload) -> Workload:
    return Workload(workload.before, tuple(plan * REPEATS for plan in workload.plans))


def _serve(sender: Connection, package: Path, programs: _Programs, seconds: float) -> None:
    sys.path.insert(0, str(package.parent))
    sys.setswitchinterval(SWITCH_SECONDS)
    sys.unraisablehook = lambda _what: None  # objects of a round that hangs are dropped anyhow
    with tempfile.TemporaryDirectory(prefix="kv-stress-") as folder:
        shuffled = random.Random(len(programs)).sample(programs, len(programs))
        sender.send(_until_wrong(folder, shuffled, seconds))
    sender.close()
    os._exit(0)  # threads that hang stay behind


def _until_wrong(folder: str, programs: _Programs, seconds: float) -> Stress:
    rounds, started = 0, time.perf_counter()
    for subject, workload in itertools.cycle(programs):
        if time.perf_counter() - started > seconds:
            break
        rounds += 1
        run = _Round(subject.program(workload), folder).run()
        if _is_wrong(subject, workload, run):
            noticing = _HANG_SECONDS if run.end == "deadlock" else 0.0
            return Stress(rounds, time.perf_counter() - started - noticing)
    return Stress(rounds, None)


def _is_wrong(subject: Subject, workload: Workload, run: Run) -> bool:
    try:
        return judge(subject, workload, run) is not None
    except UnknownVerdictError:
        return False


class _Round:
    """One run of a program; the objects that its calls name."""

    def __init__(self, program: Program, folder: str) -> None:
        self._program = program
        self._files = Files(folder)
        self._objects: dict[str, Any] = {
            "clock": ManualClock(START_NS / 1e9),
            "folder": folder,
            "files": self._files,
            "pause": _Pause(),
            "blocks": Blocks(),
        }
        self._raised: dict[int, Raised] = {}
        self._returned = 0

    def run(self) -> Run:
        """Set up, run the threads, look at the end."""
        if self._program.files:
            self._files.empty()
        setup = [self._call(-1, call) for call in self._program.setup]
        plans, is_over = self._together(self._program.plans)
        after: list[Call] = []
        if is_over:
            (after,), is_over = self._together((self._program.after,), first=-1)
        seen = sorted(itertools.chain(*plans), key=lambda call: call.invoked)
        store = self._objects.get(StoreSubject.name)
        if is_over and store is not None and hasattr(store, "close"):
            store.close()  # the next round empties its folder
        end = "done" if is_over else "deadlock"
        return Run(end, 0, setup, seen, after, [], [], self._raised)

    def _together(
        self, plans: Sequence[Sequence[Invocation]], first: int = 0
    ) -> tuple[list[list[Call]], bool]:
        """Run each plan in a thread, numbered from `first`; what was called, and whether all of
        them came to an end.
        """
        called: list[list[Call]] = [[] for _ in plans]
        barrier = threading.Barrier(len(plans))

        def work(place: int) -> None:
            barrier.wait()
            for call in plans[place]:
                called[place].append(self._call(first + place, call))
                self._returned += 1

        threads = [
            threading.Thread(target=work, args=(place,), daemon=True) for place in range(len(plans))
        ]
        for thread in threads:
            thread.start()
        return called, self._wait_for(threads)

    def _wait_for(self, threads: list[threading.Thread]) -> bool:
        """Wait for all of them; False if none has come on for long."""
        last, since = -1, time.perf_counter()
        while (
            alive := next((thread for thread in threads if thread.is_alive()), None)
        ) is not None:
            alive.join(_LOOK_SECONDS)
            if self._returned != last:
                last, since = self._returned, time.perf_counter()
            elif time.perf_counter() - since > _HANG_SECONDS:
                return False
        return True

    def _call(self, thread: int, call: Invocation) -> Call:
        owner = call.owner if call.owner.startswith(":") else self._objects[call.owner]
        args = [self._named(value) for value in call.args]
        kwargs = {name: self._named(value) for name, value in call.kwargs.items()}
        record = partial(Call, thread, call.name, call.args)
        invoked = time.perf_counter_ns()
        try:
            result = call_named(owner, call.name, args, kwargs)
        except Exception as error:
            returned = time.perf_counter_ns()
            names = tuple(kind.__name__ for kind in type(error).__mro__)
            self._raised[invoked] = Raised(str(error))
            return record(invoked, returned, None, names)
        returned = time.perf_counter_ns()
        if call.into:
            self._objects[call.into] = result
            result = None
        return record(invoked, returned, result)

    def _named(self, value: Any) -> Any:
        return self._objects[value[1]] if type(value) is tuple and value[:1] == ("$",) else value


class _Pause:
    """Lets the others go on for a moment."""

    def sleep(self, seconds: float) -> None:
        """Sleep, a moment for each second."""
        time.sleep(seconds * _PAUSE_SCALE)
