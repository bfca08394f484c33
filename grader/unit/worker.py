"""Run a unit in a process of its own and collect its outcomes; the process may die without harm to
the others.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable

import msgspec

from grader.course import ROOT
from grader.outcome import Outcome, UnitResult
from grader.unit.run import Unit

UNIT_SECONDS = 600.0


def run_in_worker(
    unit: Unit, report: Callable[[Outcome], None] = lambda outcome: None
) -> UnitResult:
    """Run one unit; `report` is told each outcome as it comes.

    A worker that dies, or takes more than `UNIT_SECONDS`, leaves a `problem` behind.
    """
    command = [sys.executable, "-m", "grader.unit"]
    outcomes: list[Outcome] = []
    result = None
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
            if line.startswith(b'{"test":'):
                outcomes.append(msgspec.json.decode(line, type=Outcome))
                report(outcomes[-1])
            else:
                result = msgspec.json.decode(line, type=UnitResult)
        code = worker.wait()
        guard.cancel()
        errors.seek(0)
        last = errors.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
    if result is None:
        problem = f"the grader's worker ended with exit code {code}: {last}"
        return UnitResult(unit.stage, unit.seed, "unknown", tuple(outcomes), problem)
    return msgspec.structs.replace(result, outcomes=tuple(outcomes))
