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
# Of its points, unless the rubric says otherwise; rubric.toml says the same.
LATENT_SHARE = 0.5
STRICT_SHARE = 0.5


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


class HistoryCall(msgspec.Struct, frozen=True):
    """One call of the history before a power cut, as a student would write it, and what came back.

    `state` is "returned" (its caller counts on it), "raised", "under way" (the power went before it
    returned) or "after" (never made).
    """

    text: str
    state: Literal["returned", "raised", "under way", "after"]
    result: str = ""


class DiskOperation(msgspec.Struct, frozen=True):
    """One thing that the package asked of the disk, in the order in which it did.

    `call` is the place in `PowerCut.calls` of the call that made it; -1 if it was made while the
    store was opened again. `fate` is what the power cut left of it: "kept" (on disk), "lost",
    "part" (the beginning of a write), "zeros" (a write of which only the length arrived), "after"
    (not made any more). `note` says more, such as "12 of 46 bytes"; `synced` says that an fsync had
    covered it, so that no power cut could take it.
    """

    call: int
    text: str
    fate: Literal["kept", "lost", "part", "zeros", "after"]
    note: str = ""
    synced: bool = False


class DiskFile(msgspec.Struct, frozen=True):
    """A file as a power cut left it: its path in the data folder, its size in bytes, and its first
    bytes. `stopped_at` is the offset at which recovery gave up, or cut; -1 if it did not.
    """

    name: str
    size: int
    data: bytes
    stopped_at: int = -1


class PowerCut(msgspec.Struct, frozen=True):
    """The shortest history that was found to lose data, and the power cut that shows it.

    `cuts` are places in `operations`: right before each the power went; none when the process was
    only killed. There are two when the power went again while the first was being recovered from;
    the operations between them have `call` -1. `what` is what the disk made of it, in a few words,
    such as "the write under way was cut after 12 of 46 bytes". `files` is what lay on disk then.
    `reopened` is how the store was opened again, and what it answered; `differences` is what it
    should have answered and did, a line a key. `diagnosis` is one sentence. `model` "strict" says
    that it needs a file system that keeps no more than POSIX asks for. `states` is how many
    different states of the disk were opened until one failed, 0 if this one was made again;
    `replay` is the id that makes exactly this one again.
    """

    calls: tuple[HistoryCall, ...]
    operations: tuple[DiskOperation, ...]
    cuts: tuple[int, ...]
    what: str
    files: tuple[DiskFile, ...]
    reopened: tuple[Step, ...]
    differences: tuple[str, ...]
    diagnosis: str
    model: Literal["ordered", "strict"]
    states: int
    replay: str


class Failure(msgspec.Struct, frozen=True):
    """Why a test did not pass, in the student's terms.

    `reason` is one sentence. `unwritten` names a function that still raises the skeleton's
    `NotImplementedError`, such as "WAL.append". `frames` are the student's own, oldest first.
    `printed` is what their code printed. `interleaving` shows a failure that needs several threads,
    `power_cut` one that needs the power to go.
    """

    reason: str
    steps: tuple[Step, ...] = ()
    comparison: Comparison | None = None
    unwritten: str | None = None
    frames: tuple[Frame, ...] = ()
    printed: str = ""
    interleaving: Interleaving | None = None
    power_cut: PowerCut | None = None


class Outcome(msgspec.Struct, frozen=True):
    """The outcome of one test.

    `test` is its id within the course, such as
    "stage3_wal/hidden/test_torn.py::test_a_torn_tail_is_cut"; `title` says the behaviour in one
    sentence; `points` is what it is worth in its suite; `seconds` is wall time. `latent_share` and
    `strict_share` are the share of its points, 0.0 to 1.0, that it brings if its failure is latent
    or strict: the rubric's. `note` says in one sentence how thorough the test was, whether it
    passed or not, where that is worth saying: "1,500 of 4,210 states of the disk were opened: that
    is the most that a test opens".
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
    strict_share: float = STRICT_SHARE
    note: str = ""

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
    def is_strict(self) -> bool:
        """Whether it failed on no file system but one that keeps no more than POSIX asks for."""
        cut = self.failure.power_cut if self.failure is not None else None
        return self.status == "failed" and cut is not None and cut.model == "strict"

    @property
    def share(self) -> float:
        """The share of its points that it brings: all or none, some of a latent failure's or of a
        strict one's.
        """
        if self.status == "passed":
            return 1.0
        if self.is_latent:
            return self.latent_share
        return self.strict_share if self.is_strict else 0.0

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
    too). `left` is the data folder that was left as a power cut left it, if one was made again.
    """

    stage: int
    seed: int
    isolation: str
    outcomes: tuple[Outcome, ...]
    problem: str = ""
    left: str = ""
