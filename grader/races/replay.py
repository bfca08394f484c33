"""The id of one schedule of one program of one test: `TEST:SEED:PROGRAM:CHECK:KEPT:KIND:SWITCHES`.

The first five are explained in `grader.replay`; `PROGRAM` is the place of this one among those that
the test draws. `KIND` is `c` for coarse switch points and `f` for fine ones; `SWITCHES` is
`STEP-TASK` for each step at which another task than usual goes on, joined by dots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from grader.oracle.workload import Workload
from grader.replay import Beginning, ReplayError, check_of, keep_calls, read_beginning, read_id

_ENDING = r"(?P<kind>[cf]):(?P<switches>(\d{1,9}-\d{1,9}(\.\d{1,9}-\d{1,9})*)?)"


@dataclass(frozen=True)
class ScheduleReplay(Beginning):
    """One schedule; see the file's beginning."""

    WHOLE: ClassVar[str] = "program"
    ONE: ClassVar[str] = "schedule"

    coarse: bool
    switches: tuple[tuple[int, int], ...]

    def __str__(self) -> str:
        switches = ".".join(f"{step}-{task}" for step, task in self.switches)
        kind = "c" if self.coarse else "f"
        return f"{super().__str__()}:{kind}:{switches}"

    def workload(self, whole: Workload) -> Workload:
        """Return what is left of the program that a test has at its place; raises `ReplayError` if
        that is another program.
        """
        self.check_fit(check_of_program(whole), call_count(whole))
        left = keep(whole, self.kept)
        if not left.plans:
            raise ReplayError("the id of a schedule leaves no call: copy it whole")
        return left


def parse_schedule(text: str) -> ScheduleReplay:
    """Read an id; raises `ReplayError`."""
    found = read_id(text, _ENDING)
    if found is None:
        raise ReplayError(
            f"{text!r} is not the id of a schedule: copy it whole from the failure that it replays"
        )
    pairs = [pair.partition("-") for pair in found["switches"].split(".") if pair]
    switches = tuple((int(step), int(task)) for step, _, task in pairs)
    return ScheduleReplay(*read_beginning(found), found["kind"] == "c", switches)


def keep(workload: Workload, kept: int) -> Workload:
    """Return the workload with only the calls whose bit is set; a thread without calls is left
    out.
    """
    bits = kept
    parts = []
    for calls in (workload.before, *workload.plans):
        parts.append(keep_calls(calls, bits))
        bits >>= len(calls)
    return Workload(parts[0], tuple(plan for plan in parts[1:] if plan))


def check_of_program(whole: Workload) -> int:
    """Return 16 bits by which a program is known again."""
    return check_of((whole.before, whole.plans))


def call_count(workload: Workload) -> int:
    """How many calls a workload has, those before the threads included."""
    return len(workload.before) + sum(map(len, workload.plans))
