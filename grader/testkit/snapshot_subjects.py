"""Races of a store with its snapshots: what is in the folder is looked at, not only what opening it
again makes of it.
"""

from __future__ import annotations

from dataclasses import replace

from grader.oracle.history import Call
from grader.oracle.linearizable import check_store
from grader.oracle.operations import state_after
from grader.oracle.whole import START_NS, State
from grader.oracle.workload import Workload
from grader.races.explorer import Run
from grader.races.problem import Problem, explained
from grader.races.program import Invocation, Program, named
from grader.testkit import formats
from grader.testkit.subjects import StoreSubject

_IDLE_SECONDS = 5.0
_SIZES = Invocation("files", "sizes")


class SnapshotSubject(StoreSubject):
    """A `Store` of which one thread takes the first snapshot: its file shows one instant between
    the beginning and the end of that call.
    """

    def program(self, workload: Workload) -> Program:
        """Load the snapshot's file when the threads are done."""
        whole = super().program(workload)
        path = Invocation("files", "path", (formats.snapshot_name(2),), into="saved")
        load = Invocation(":snapshot", "load_snapshot", (named("saved"),))
        return replace(whole, after=(path, load, *whole.after))

    def judge(self, workload: Workload, run: Run) -> Problem | None:
        """Judge the file as a dump that was made by the call."""
        saved = run.after[1]
        problem = super().judge(workload, replace(run, after=run.after[2:]))
        if problem is not None or not any(call.name == "snapshot" for call in run.plans):
            return problem
        if saved.errors:
            return Problem("state", f"load_snapshot raised {saved.errors[0]}", (saved,))
        seen = [_as_dump(call, saved) if call.name == "snapshot" else call for call in run.plans]
        start = state_after(State(now_ns=START_NS), workload.before)
        problem = explained(check_store(seen, start))
        if problem is not None and problem.kind == "order":
            sentence = "the snapshot holds what was never there at one instant"
            return replace(problem, sentence=sentence)
        return problem


class IdleSubject(StoreSubject):
    """A `Store` that takes snapshots by itself, and has had time for one when all is done."""

    def program(self, workload: Workload) -> Program:
        """Wait, and look at the folder."""
        whole = super().program(workload)
        wait = Invocation("pause", "sleep", (_IDLE_SECONDS,))
        return replace(whole, after=(wait, _SIZES, *whole.after))

    def judge(self, workload: Workload, run: Run) -> Problem | None:
        """The newest segment is empty, for all that was written is in a snapshot."""
        sizes = run.after[1].result
        newest = max((name for name in sizes if name.startswith("wal-")), default="")
        if sizes.get(newest, 0) > 0:
            return Problem("state", "the store is idle, and no snapshot holds its last writes")
        return super().judge(workload, replace(run, after=run.after[2:]))


class LeftSubject(StoreSubject):
    """A `Store` that is closed while others use it: its folder then stays as it is."""

    def program(self, workload: Workload) -> Program:
        """Look at the folder after each close, and in the end."""
        whole = super().program(workload)
        plans = tuple(
            tuple(each for call in plan for each in (call, _SIZES)[: 1 + (call.name == "close")])
            for plan in whole.plans
        )
        return replace(whole, plans=plans, after=(_SIZES, *whole.after))

    def judge(self, workload: Workload, run: Run) -> Problem | None:
        """Nothing has changed since the first close returned."""
        plans = [call for call in run.plans if call.name != _SIZES.name]
        for look in run.plans:
            if look.name == _SIZES.name and look.result != run.after[0].result:
                return Problem("state", "the folder changed after close had returned", (look,))
        return super().judge(workload, replace(run, plans=plans, after=run.after[1:]))


def _as_dump(call: Call, saved: Call) -> Call:
    return replace(call, name="dump", result=saved.result)
