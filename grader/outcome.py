"""What running a test led to: the one currency between running, grading and reporting.

Everything here is plain data (msgspec Structs), written to disk as JSON lines and read back by
another process. Texts are already shortened; nothing in an outcome needs the code under test again.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Status = Literal["passed", "failed", "timeout", "crashed", "skipped", "error"]
Suite = Literal["correctness", "concurrency", "persistence", "protocol", "quality"]

SUITES: tuple[Suite, ...] = ("correctness", "concurrency", "persistence", "protocol", "quality")


class Step(msgspec.Struct, frozen=True):
    """One thing that the test did, and what came back (empty for a remark)."""

    text: str
    result: str = ""


class Frame(msgspec.Struct, frozen=True):
    """One line of the student's own code on the way to an error."""

    file: str
    line: int
    function: str
    source: str


class Comparison(msgspec.Struct, frozen=True):
    """The comparison that failed. `expected` and `actual` are shown as they are; bytes also come
    whole, up to a limit.
    """

    operator: str
    expected: str
    actual: str
    expected_bytes: bytes | None = None
    actual_bytes: bytes | None = None


class Failure(msgspec.Struct, frozen=True):
    """Why a test did not pass, in the student's terms.

    `reason` is one sentence. `unwritten` names a function that still raises the skeleton's
    `NotImplementedError`, such as "WAL.append". `frames` are the student's own, oldest first.
    `printed` is what their code printed.
    """

    reason: str
    steps: tuple[Step, ...] = ()
    comparison: Comparison | None = None
    unwritten: str | None = None
    frames: tuple[Frame, ...] = ()
    printed: str = ""


class Outcome(msgspec.Struct, frozen=True):
    """The outcome of one test.

    `test` is its id within the course, such as
    "stage3_wal/hidden/test_torn.py::test_a_torn_tail_is_cut"; `title` says the behaviour in one
    sentence; `points` is what it is worth in its suite; `seconds` is wall time.
    """

    test: str
    title: str
    stage: int
    suite: Suite
    points: float
    hint: str
    hidden: bool
    status: Status
    seconds: float
    failure: Failure | None = None

    @property
    def name(self) -> str:
        """The function's name alone."""
        return self.test.rpartition("::")[2]

    @property
    def earned(self) -> float:
        """The points that it brings: all or none."""
        return self.points if self.status == "passed" else 0.0


class UnitResult(msgspec.Struct, frozen=True):
    """All outcomes of one unit: one stage's tests against one assembled package.

    `problem` is one sentence when the unit could not run as a whole (then every outcome says so
    too).
    """

    stage: int
    seed: int
    isolation: str
    outcomes: tuple[Outcome, ...]
    problem: str = ""
