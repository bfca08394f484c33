"""The id of one schedule of one program of one test: `TEST:SEED:PROGRAM:KEPT:KIND:SWITCHES`.

`SEED` is the run's, from which the test draws its programs; `PROGRAM` is the place of this one
among them, from 0; `KEPT` a bit for each call of it that was kept, in hexadecimal, the first call
being the lowest; `KIND` is `c` for coarse switch points and `f` for fine ones; `SWITCHES` is
`STEP-TASK` for each step at which another task than usual goes on, joined by dots. So an id holds
for as long as the course's tests and the student's files stay as they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from grader.mistake import MistakeError
from grader.oracle.history import Op
from grader.oracle.workload import Workload

_ID = re.compile(
    r"(?P<test>test_\w+):(?P<seed>\d+):(?P<program>\d+):(?P<kept>[0-9a-f]+):(?P<kind>[cf])"
    r":(?P<switches>(\d+-\d+(\.\d+-\d+)*)?)",
    re.ASCII,
)


class ReplayError(MistakeError):
    """A replay id that is none."""


@dataclass(frozen=True)
class Replay:
    """One schedule; see the file's beginning."""

    test: str
    seed: int
    program: int
    kept: int
    coarse: bool
    switches: tuple[tuple[int, int], ...]

    def __str__(self) -> str:
        switches = ".".join(f"{step}-{task}" for step, task in self.switches)
        kind = "c" if self.coarse else "f"
        return f"{self.test}:{self.seed}:{self.program}:{self.kept:x}:{kind}:{switches}"


def parse_replay(text: str) -> Replay:
    """Read an id; raises `ReplayError`."""
    found = _ID.fullmatch(text.strip())
    if found is None:
        raise ReplayError(
            f"{text!r} is not the id of a schedule: copy it whole from the failure that it replays"
        )
    pairs = [pair.partition("-") for pair in found["switches"].split(".") if pair]
    switches = tuple((int(step), int(task)) for step, _, task in pairs)
    return Replay(
        found["test"],
        int(found["seed"]),
        int(found["program"]),
        int(found["kept"], 16),
        found["kind"] == "c",
        switches,
    )


def keep(workload: Workload, kept: int) -> Workload:
    """Return the workload with only the calls whose bit is set; a thread without calls is left
    out.
    """
    bits = kept
    parts: list[tuple[Op, ...]] = []
    for calls in (workload.before, *workload.plans):
        parts.append(tuple(call for number, call in enumerate(calls) if bits >> number & 1))
        bits >>= len(calls)
    return Workload(parts[0], tuple(plan for plan in parts[1:] if plan))


def call_count(workload: Workload) -> int:
    """How many calls a workload has, those before the threads included."""
    return len(workload.before) + sum(map(len, workload.plans))
