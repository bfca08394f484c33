"""Run a unit in a process of its own and collect its outcomes; the process may die without harm to
the others.

`run_in_worker` starts each process from nothing. `WarmWorkers` forks it from one that has imported
the grader already and runs nothing itself, which saves most of the start where units are short and
many. Either way a process runs one unit, and what comes out of it are lines of JSON: an outcome
each, then the result without them.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

import msgspec

from grader.course import ROOT
from grader.outcome import Outcome, UnitResult
from grader.unit.run import Unit, run_unit

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext  # Windows lacks the first

UNIT_SECONDS = 600.0

Report = Callable[[Outcome], None]


def work(job: bytes, write: Callable[[bytes], None]) -> None:
    """Run the unit that `job` describes, in this process, which is the worker; `write` is given the
    lines.
    """
    unit = msgspec.json.decode(job, type=Unit)
    result = run_unit(unit, lambda outcome: write(msgspec.json.encode(outcome)))
    write(msgspec.json.encode(msgspec.structs.replace(result, outcomes=())))


def run_in_worker(unit: Unit, report: Report = lambda outcome: None) -> UnitResult:
    """Run one unit; `report` is told each outcome as it comes.

    A worker that dies, or takes more than `UNIT_SECONDS`, leaves a `problem` behind.
    """
    command = [sys.executable, "-m", "grader.unit"]
    heard = _Heard(unit, report)
    pipe = subprocess.PIPE
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=errors) as worker,
    ):
        assert worker.stdin
        assert worker.stdout
        guard = threading.Timer(UNIT_SECONDS, worker.kill)
        guard.start()
        worker.stdin.write(msgspec.json.encode(unit))
        worker.stdin.close()
        for line in worker.stdout:
            if not line.endswith(b"\n"):
                break  # it died while it wrote
            heard.take(line)
        code = worker.wait()
        guard.cancel()
        errors.seek(0)
        last = errors.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
    return heard.result(f"exit code {code}: {last}")


class WarmWorkers:
    """Runs units as `run_in_worker` does, each in a fork of one process that ends with this one.

    Any number of threads may use it. Where the system cannot fork, a worker starts from nothing.
    """

    def __init__(self) -> None:
        self._context: ForkServerContext | SpawnContext
        if "forkserver" in multiprocessing.get_all_start_methods():
            self._context = multiprocessing.get_context("forkserver")
            self._context.set_forkserver_preload([__name__])
        else:
            self._context = multiprocessing.get_context("spawn")

    def run(self, unit: Unit, report: Report = lambda outcome: None) -> UnitResult:
        """Run one unit, as `run_in_worker` does; what a worker says as it dies goes to our own
        standard error.
        """
        heard = _Heard(unit, report)
        receiving, sending = self._context.Pipe(duplex=False)
        worker = self._context.Process(target=_work, args=(msgspec.json.encode(unit), sending))
        worker.start()
        sending.close()
        guard = threading.Timer(UNIT_SECONDS, worker.kill)
        guard.start()
        with receiving:
            try:
                while True:
                    heard.take(receiving.recv_bytes())
            except EOFError:
                worker.join()
        guard.cancel()
        code = worker.exitcode
        worker.close()
        return heard.result(f"exit code {code}")


def _work(job: bytes, sending: Connection) -> None:
    os.chdir(ROOT)
    with sending:
        work(job, sending.send_bytes)


class _Heard:
    """What a worker has written so far."""

    def __init__(self, unit: Unit, report: Report) -> None:
        self._unit = unit
        self._report = report
        self._outcomes: list[Outcome] = []
        self._rest: UnitResult | None = None

    def take(self, line: bytes) -> None:
        """Read one line."""
        if line.startswith(b'{"test":'):
            self._outcomes.append(msgspec.json.decode(line, type=Outcome))
            self._report(self._outcomes[-1])
        else:
            self._rest = msgspec.json.decode(line, type=UnitResult)

    def result(self, end: str) -> UnitResult:
        """All that is known once the worker has ended; `end` says how it did."""
        outcomes = tuple(self._outcomes)
        if self._rest is not None:
            return msgspec.structs.replace(self._rest, outcomes=outcomes)
        problem = f"the grader's worker ended with {end}"
        return UnitResult(self._unit.stage, self._unit.seed, "unknown", outcomes, problem)
