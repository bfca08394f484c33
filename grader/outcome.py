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
LATENT_SHARE = 0.5  # of its points, unless the rubric says otherwise; rubric.toml says the same


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


class Moment(msgspec.Struct, frozen=True):
    """One row of an interleaving: what one thread did while all others stood still.

    `thread` counts from 0. `kind` is "call" (a call of the test begins: `text` is the call), "line"
    (a line of the student's: `text` is its source, at `file` and `line`), "wait" (that line waits
    for another thread), "return" or "raise" (`text` is what came back). `saw` holds what became
    known on that line, such as "value = b'41'". `hurts` marks a switch that the failure needs: the
    one right before this row.
    """

    thread: int
    kind: Literal["call", "line", "wait", "return", "raise"]
    text: str
    file: str = ""
    line: int = 0
    saw: tuple[str, ...] = ()
    hurts: bool = False


class Held(msgspec.Struct, frozen=True):
    """A lock that a thread holds, and the line on which it took it."""

    what: str
    place: Frame


class Wait(msgspec.Struct, frozen=True):
    """A thread of a deadlock: the call that it is in, what it waits for and where (the student's
    frames, outermost first), and what it holds meanwhile.
    """

    thread: int
    call: str
    wants: str
    frames: tuple[Frame, ...] = ()
    holds: tuple[Held, ...] = ()


class Interleaving(msgspec.Struct, frozen=True):
    """The shortest failing program and schedule that was found, as it ran.

    `threads` are their names; `before` and `after` the calls made while nothing else ran, each
    with what came back. `diagnosis` is one sentence. `latent` says that today's CPython never
    switches where this needs it. `schedules` is how many were tried until one failed, 0 if this
    one was run again; `replay` is the id that runs exactly this one again.
    """

    threads: tuple[str, ...]
    before: tuple[Step, ...]
    moments: tuple[Moment, ...]
    after: tuple[Step, ...]
    diagnosis: str
    schedules: int
    replay: str
    waits: tuple[Wait, ...] = ()
    latent: bool = False


class Failure(msgspec.Struct, frozen=True):
    """Why a test did not pass, in the student's terms.

    `reason` is one sentence. `unwritten` names a function that still raises the skeleton's
    `NotImplementedError`, such as "WAL.append". `frames` are the student's own, oldest first.
    `printed` is what their code printed. `interleaving` shows a failure that needs several threads.
    """

    reason: str
    steps: tuple[Step, ...] = ()
    comparison: Comparison | None = None
    unwritten: str | None = None
    frames: tuple[Frame, ...] = ()
    printed: str = ""
    interleaving: Interleaving | None = None


class Outcome(msgspec.Struct, frozen=True):
    """The outcome of one test.

    `test` is its id within the course, such as
    "stage3_wal/hidden/test_torn.py::test_a_torn_tail_is_cut"; `title` says the behaviour in one
    sentence; `points` is what it is worth in its suite; `seconds` is wall time. `latent_share` is
    the share of its points, 0.0 to 1.0, that it brings if its failure is latent: the rubric's.
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
    latent_share: float = LATENT_SHARE

    @property
    def name(self) -> str:
        """The function's name alone."""
        return self.test.rpartition("::")[2]

    @property
    def is_latent(self) -> bool:
        """Whether it failed in a way that today's CPython never comes to."""
        race = self.failure.interleaving if self.failure is not None else None
        return self.status == "failed" and race is not None and race.latent

    @property
    def share(self) -> float:
        """The share of its points that it brings: all or none, some of a latent failure's."""
        if self.status == "passed":
            return 1.0
        return self.latent_share if self.is_latent else 0.0

    @property
    def earned(self) -> float:
        """The points that it brings."""
        return self.points * self.share

    @property
    def lost(self) -> float:
        """The points that it does not bring."""
        return self.points - self.earned


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
