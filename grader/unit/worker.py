"""Run a unit in a process of its own and collect its outcomes; the process may die without harm to
the others.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import msgspec

from grader.course import ROOT
from grader.outcome import Outcome, UnitResult
from grader.unit.run import Unit


def run_in_worker(
    unit: Unit, report: Callable[[Outcome], None] = lambda outcome: None
) -> UnitResult:
    """Run one unit; `report` is told each outcome as it comes. A worker that dies leaves a
    `problem` behind.
    """
    command = [sys.executable, "-m", "grader.unit"]
    worker = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with worker:
        assert worker.stdin
        assert worker.stdout
        assert worker.stderr
        worker.stdin.write(msgspec.json.encode(unit))
        worker.stdin.close()
        outcomes: list[Outcome] = []
        result = None
        for line in worker.stdout:
            if line.startswith(b'{"test":'):
                outcomes.append(msgspec.json.decode(line, type=Outcome))
                report(outcomes[-1])
            else:
                result = msgspec.json.decode(line, type=UnitResult)
        errors = worker.stderr.read().decode("utf-8", "replace")
    if result is None:
        last = errors.strip().rpartition("\n")[2]
        problem = f"the grader's worker ended with exit code {worker.returncode}: {last}"
        return UnitResult(unit.stage, unit.seed, "unknown", tuple(outcomes), problem)
    return msgspec.structs.replace(result, outcomes=tuple(outcomes))
