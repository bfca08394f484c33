"""The id of one schedule of one program of one test: `TEST:SEED:PROGRAM:CHECK:KEPT:KIND:SWITCHES`.

`SEED` is the run's, from which the test draws its programs; `PROGRAM` is the place of this one
among them, from 0, and `CHECK` four hexadecimal digits by which it is known again; `KEPT` a bit for
each call of it that was kept, in hexadecimal, the first call being the lowest; `KIND` is `c` for
coarse switch points and `f` for fine ones; `SWITCHES` is `STEP-TASK` for each step at which another
task than usual goes on, joined by dots. So an id holds for as long as the course's tests and the
student's files stay as they are.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

from grader.mistake import MistakeError
from grader.oracle.history import Op
from grader.oracle.workload import Workload

_ID = re.compile(
    r"(?P<test>test_\w+):(?P<seed>\d{1,19}):(?P<program>\d{1,9}):(?P<check>[0-9a-f]{4})"
    r":(?P<kept>[0-9a-f]{1,99}):(?P<kind>[cf]):(?P<switches>(\d{1,9}-\d{1,9}(\.\d{1,9}-\d{1,9})*)?)",
    re.ASCII,
)


class ReplayError(MistakeError):
    """A replay id that is none, or none of the tests that are here."""


@dataclass(frozen=True)
class Replay:
    """One schedule; see the file's beginning."""

    test: str
    seed: int
    program: int
    check: int
    kept: int
    coarse: bool
    switches: tuple[tuple[int, int], ...]

    def __str__(self) -> str:
        switches = ".".join(f"{step}-{task}" for step, task in self.switches)
        kind = "c" if self.coarse else "f"
        program = f"{self.program}:{self.check:04x}:{self.kept:x}"
        return f"{self.test}:{self.seed}:{program}:{kind}:{switches}"

    def workload(self, whole: Workload) -> Workload:
        """Return what is left of the program that a test has at its place; raises `ReplayError` if
        that is another program.
        """
        if self.check != check_of(whole) or self.kept >> call_count(whole):
            raise ReplayError(
                f"{self.test} has another program there than when this schedule was found: search"
                " again, the tests have changed since"
            )
        left = keep(whole, self.kept)
        if not left.plans:
            raise ReplayError("the id of a schedule leaves no call: copy it whole")
        return left


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
        int(found["check"], 16),
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


def check_of(whole: Workload) -> int:
    """Return 16 bits by which a program is known again."""
    return zlib.crc32(repr((whole.before, whole.plans)).encode()) & 0xFFFF


def call_count(workload: Workload) -> int:
    """How many calls a workload has, those before the threads included."""
    return len(workload.before) + sum(map(len, workload.plans))
