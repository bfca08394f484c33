"""Races of threads that use one segment of the log, and what must be in its file afterwards."""

from __future__ import annotations

from dataclasses import dataclass, replace

from grader.oracle.history import Call, Op
from grader.oracle.workload import Workload
from grader.races.explorer import Run
from grader.races.problem import Problem
from grader.races.program import Invocation, Program, named
from grader.testkit import formats
from grader.testkit.formats import Row

_SEGMENT = formats.segment_name(1)


@dataclass(frozen=True)
class LogSubject:
    """A `WAL` to which threads append: `("append", (1, 2))` appends rows 1 and 2 as one frame.

    The segment begins with whole frames of `intact`, then `torn` bytes. One thread may also read
    it: `("replay", ())`, and then `("next", ())` for each frame and for the end.
    """

    sync: str = "never"
    intact: tuple[Row, ...] = ()
    torn: bytes = b""

    name = "wal"

    def program(self, workload: Workload) -> Program:
        """Lay the segment, make the entries, append, close, and look at the file."""
        numbers = sorted({n for plan in workload.plans for name, args in plan for n in args})
        found = b"".join(formats.frame(row) for row in self.intact) + self.torn
        setup = (
            Invocation("files", "write", (_SEGMENT, found)),
            Invocation("files", "path", (_SEGMENT,), into="path"),
            Invocation(":entry", "Op", (formats.SET,), into="SET"),
            *(_entry(number) for number in numbers),
            Invocation(":wal", "WAL", (named("path"),), {"sync": self.sync}, into=self.name),
        )
        plans = tuple(tuple(self._call(op) for op in plan) for plan in workload.plans)
        ending = (
            Invocation(self.name, "close"),
            Invocation("files", "unsynced", (_SEGMENT,)),
            Invocation("files", "read", (_SEGMENT,)),
        )
        return Program(setup, plans, ending, files=True)

    def judge(self, workload: Workload, run: Run) -> Problem | None:
        """Every append that returned is one whole frame, in an order that fits the calls, and an
        fsync has covered it.
        """
        allowed = {"StopIteration"}  # how a replay says that there are no more frames
        if any(call.name == "close" for call in run.plans):
            allowed.add("ValueError")
        problem = _unexpected(run, allowed)
        if problem is not None:
            return problem
        unsynced = run.after[-2].result
        if unsynced != 0:
            sentence = f"the log is closed, and its last {unsynced} bytes were never synced"
            return Problem("state", sentence)
        frames = _frames(run)
        return frames if isinstance(frames, Problem) else self._judge_frames(frames, run)

    def _judge_frames(self, frames: list[list[Row]], run: Run) -> Problem | None:
        before = [[row] for row in self.intact]
        if frames[: len(before)] != before:
            return Problem("state", "frames that were there before are gone")
        logged = frames[len(before) :]
        placed = []
        for call, rows in _appends(run):
            if logged.count(rows) != (0 if call.errors else 1):
                times = f"stands {logged.count(rows)} times in the file"
                how = "was refused" if call.errors else "returned"
                return Problem("state", f"a frame whose append {how} {times}", (call,))
            if not call.errors:
                placed.append((call, logged.index(rows)))
        if len(logged) != len(placed):
            return Problem("state", "the file holds a frame that nobody appended")
        return _judge_order(placed)

    def _call(self, op: Op) -> Invocation:
        name, numbers = op
        if name == "replay":
            return Invocation(self.name, name, into="frames")
        if name == "next":
            return Invocation("frames", "__next__")
        return Invocation(self.name, name, tuple(named(f"entry {number}") for number in numbers))


@dataclass(frozen=True)
class FailingLogSubject(LogSubject):
    """A `WAL` whose first fsync fails."""

    sync: str = "always"

    def program(self, workload: Workload) -> Program:
        """As without the failure, which is told to come before the threads begin."""
        whole = super().program(workload)
        return replace(whole, setup=(*whole.setup, Invocation("files", "fail_next_sync")))

    def judge(self, workload: Workload, run: Run) -> Problem | None:
        """Nothing that is appended behind the frame whose fsync failed returns."""
        problem = _unexpected(run, {"OSError", "LogFailedError"})
        if problem is not None:
            return problem
        frames = _frames(run)
        if isinstance(frames, Problem):
            return frames
        failed = [rows for call, rows in _appends(run) if "OSError" in call.errors]
        if not failed or failed[0] not in frames:
            return None
        behind = frames[frames.index(failed[0]) + 1 :]
        for call, rows in _appends(run):
            if not call.errors and rows in behind:
                sentence = "an append returned although it stands behind one whose fsync failed"
                return Problem("state", sentence, (call,))
        return None


def _unexpected(run: Run, allowed: set[str]) -> Problem | None:
    """A call that raised something else."""
    for call in [*run.plans, *run.after]:
        if call.errors and not allowed & set(call.errors):
            return Problem("exception", f"{call.name} raised {call.errors[0]}", (call,))
    return None


def _frames(run: Run) -> list[list[Row]] | Problem:
    """The frames of the file in the end."""
    try:
        return formats.parse_frames(run.after[-1].result, _SEGMENT)
    except (AssertionError, ValueError, TypeError) as problem:
        return Problem("state", f"the file is damaged: {problem}")


def _appends(run: Run) -> list[tuple[Call, list[Row]]]:
    """The appends, each with its rows, which it was given by the names of their entries."""
    return [
        (call, [_row(int(name.rpartition(" ")[2])) for _dollar, name in call.args])
        for call in run.plans
        if call.name == "append"
    ]


def _judge_order(placed: list[tuple[Call, int]]) -> Problem | None:
    """What returned before another began stands before it."""
    for first, its_place in placed:
        for second, other_place in placed:
            is_before = first.returned is not None and first.returned < second.invoked
            if is_before and its_place > other_place:
                sentence = "an append that began after another had returned stands before it"
                return Problem("state", sentence, (first, second))
    return None


def _entry(number: int) -> Invocation:
    _op, timestamp, key, value = _row(number)
    args = (named("SET"), timestamp, key, value)
    return Invocation(":entry", "Entry", args, into=f"entry {number}")


def _row(number: int) -> Row:
    return formats.SET, number, f"key {number}", b"value %d" % number
