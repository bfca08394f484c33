"""A stress test: the same programs, in plain threads, again and again until time is up.

It is what one can do without a scheduler, and is given every advantage: the switch interval is as
short as Python allows, threads set off together at a barrier, a thread that hangs is noticed, and
the oracle that judges the schedules judges this as well. A program runs as it is and, so that the
threads meet more often, with each thread's calls 20 times over; both kinds take turns.

Runs in a process of its own, without walls: for packages of the project's own only.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
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
from grader.oracle.workload import Workload
from grader.races.explorer import Raised, Run
from grader.races.problem import Subject, UnknownVerdictError, judge
from grader.races.program import Invocation, Program

SWITCH_SECONDS = 1e-6
REPEATS = (1, 20)
_PAUSE_SECONDS = 0.001  # what a program's pause is here, however long it says
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
    return _in_a_process(_until_wrong, package, programs, seconds, REPEATS)


def plain_rounds(package: Path, programs: _Programs, seconds: float) -> Stress:
    """The same, with each program as it is: how many rounds there are in that time."""
    return _in_a_process(_until_wrong, package, programs, seconds, (1,))


def _in_a_process(work: Any, package: Path, *arguments: Any) -> Stress:
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(sender, work, package, *arguments), daemon=True)
    process.start()
    sender.close()
    try:
        if not receiver.poll(arguments[1] + _SPARE_SECONDS):
            raise TimeoutError("the stress test did not end")
        return receiver.recv()  # type: ignore[no-any-return]
    finally:
        process.kill()
        process.join()
        process.close()
        receiver.close()


def _serve(sender: Connection, work: Any, package: Path, *arguments: Any) -> None:
    sys.path.insert(0, str(package.parent))
    sys.setswitchinterval(SWITCH_SECONDS)
    with tempfile.TemporaryDirectory(prefix="kv-stress-") as folder:
        sender.send(work(folder, *arguments))
        sender.close()
        os._exit(0)  # threads that hang stay behind
    

def _until_wrong(
    folder: str, programs: _Programs, seconds: float, repeats: Sequence[int]
) -> Stress:
    rounds, started = 0, time.perf_counter()
    for repeat, (subject, workload) in itertools.cycle(itertools.product(repeats, programs)):
        elapsed = time.perf_counter() - started
        if elapsed > seconds:
            break
        repeated = Workload(workload.before, tuple(plan * repeat for plan in workload.plans))
        rounds += 1
        if _is_wrong(subject, repeated, folder):
            return Stress(rounds, time.perf_counter() - started)
    return Stress(rounds, None)


def _is_wrong(subject: Subject, workload: Workload, folder: str) -> bool:
    run = _Round(subject.program(workload), folder).run()
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
            "clock": ManualClock(0.0),
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
        plans: list[list[Call]] = [[] for _ in self._program.plans]
        barrier = threading.Barrier(len(plans))
        threads = [
            threading.Thread(target=self._plan, args=(number, barrier, calls), daemon=True)
            for number, calls in enumerate(plans)
        ]
        for thread in threads:
            thread.start()
        is_over = self._wait_for(threads)
        seen = sorted(itertools.chain(*plans), key=lambda call: call.invoked)
        after = [self._call(-1, call) for call in self._program.after] if is_over else []
        end = "done" if is_over else "deadlock"
        return Run(end, 0, setup, seen, after, [], [], self._raised)

    def _plan(self, number: int, barrier: threading.Barrier, calls: list[Call]) -> None:
        barrier.wait()
        for call in self._program.plans[number]:
            calls.append(self._call(number, call))
            self._returned += 1

    def _wait_for(self, threads: list[threading.Thread]) -> bool:
        """Wait for all of them; False if none has come on for long."""
        last, since = -1, time.perf_counter()
        while (alive := next((thread for thread in threads if thread.is_alive()), None)) is not None:
            alive.join(_PAUSE_SECONDS)
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

    def sleep(self, _seconds: float) -> None:
        """Sleep, for a moment only."""
        time.sleep(_PAUSE_SECONDS)
