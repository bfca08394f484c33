"""What races are looked for in: a map in memory, a store on disk, a lock; see `Races.explore`."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from grader.oracle.history import Call, Op
from grader.oracle.linearizable import check_lock, check_store
from grader.oracle.operations import state_after
from grader.oracle.whole import START_NS, State
from grader.oracle.workload import Workload, last_looks
from grader.races.explorer import Run
from grader.races.problem import Problem, explained
from grader.races.program import Invocation, Program, named

_NS_PER_SECOND = 1_000_000_000
_NAMES = Invocation("files", "names")


@dataclass(frozen=True)
class MemorySubject:
    """A `MemoryStore` whose clock stands still while the threads run."""

    name = "store"

    def program(self, workload: Workload) -> Program:
        """Make it, run the workload, look at every key."""
        made = Invocation(
            ":memory", "MemoryStore", kwargs={"clock": named("clock")}, into=self.name
        )
        looks = self._calls(_last_looks(workload))
        return Program((made, *self._calls(workload.before)), self._plans(workload), looks)

    def judge(self, workload: Workload, run: Run) -> Problem | None:
        """Ask for an order of all calls that explains what they returned."""
        history = [*_calls_of(run), *_looks(run.after, _last_looks(workload))]
        return explained(check_store(history, _start(workload)))

    def _plans(self, workload: Workload) -> tuple[tuple[Invocation, ...], ...]:
        return tuple(self._calls(plan) for plan in workload.plans)

    def _calls(self, calls: Iterable[Op]) -> tuple[Invocation, ...]:
        """Calls as the agent makes them; the clock is moved to where each `advance` leads."""
        now_ns, made = START_NS, []
        for name, args in calls:
            if name == "advance":
                now_ns += int(args[0] * _NS_PER_SECOND)
                made.append(_clock_at(now_ns))
            elif name == "pause":
                made.append(Invocation("pause", "sleep", args))
            else:
                made.append(Invocation(self.name, name, args))
        return tuple(made)


@dataclass(frozen=True)
class StoreSubject(MemorySubject):
    """A `Store` in an empty folder, which is closed and opened again at the end: what recovery
    makes of the log must be what memory held.

    `options` are those of `Store.open`, as pairs.
    """

    options: tuple[tuple[str, Any], ...] = ()

    def program(self, workload: Workload) -> Program:
        """Make it, run the workload, look at every key, open it again and look again."""
        looks = self._calls(_last_looks(workload))
        closes = any(name == "close" for name, _args in itertools.chain(*workload.plans))
        ending = (_NAMES, Invocation(self.name, "close"), self._open())
        return Program(
            (self._open(), *self._calls(workload.before)),
            self._plans(workload),
            (*(() if closes else looks), *ending, *looks),
            files=True,
        )

    def judge(self, workload: Workload, run: Run) -> Problem | None:
        """Ask for an order of all calls, those after opening again included."""
        looks = _last_looks(workload)
        failed = next((call for call in run.after if call.errors), None)
        if failed is not None:
            sentence = f"{failed.name} after the threads were done raised {failed.errors[0]}"
            return Problem("state", sentence, (failed,))
        if self._lacks_snapshot(workload, run):
            return Problem("state", "a snapshot was taken, and there is none in the folder")
        history = [*_calls_of(run), *_looks(run.after, looks)]
        if any(call.name == "close" for call in run.plans):
            return self._judge_closed(workload, run, history)
        problem = explained(check_store(history, _start(workload)))
        return problem or self._judge_recovery(workload, run)

    def _lacks_snapshot(self, workload: Workload, run: Run) -> bool:
        """Whether there was something to save, a snapshot that returned, and no file of it."""
        by_call = any(call.name == "snapshot" and not call.errors for call in run.plans)
        is_due = (by_call and workload.before) or "snapshot_interval" in dict(self.options)
        names = next(call.result for call in run.after if call.name == _NAMES.name)
        return bool(is_due) and not any(name.startswith("snapshot-") for name in names)

    def _judge_recovery(self, workload: Workload, run: Run) -> Problem | None:
        """What opening again finds must be what memory held."""
        count = len(_last_looks(workload))
        memory, recovered = run.after[:count], run.after[-count:] if count else []
        for before, after in zip(memory, recovered, strict=True):
            if before.result != after.result:
                sentence = (
                    f"memory said {before.name}({before.args[0]!r}) is {before.result!r}, the log"
                    f" says {after.result!r}: they were changed in another order"
                )
                return Problem("state", sentence, (before, after))
        return None

    def _judge_closed(self, workload: Workload, run: Run, history: list[Call]) -> Problem | None:
        """With a close among the calls, the calls at the end look at a store that is open again."""
        last = max(call.returned or 0 for call in run.plans)
        reopened = Call(-1, "reopen", (), last + 1, last + 2)
        return explained(check_store([*history, reopened], _start(workload)))

    def _open(self) -> Invocation:
        options = {"sync": "never", **dict(self.options), "clock": named("clock")}
        return Invocation(":store", "Store.open", (named("folder"),), options, into=self.name)


@dataclass(frozen=True)
class LockSubject:
    """An `RWLock`. Besides its own operations a thread may `("pause", (seconds,))`, so that all
    others come as far as they can, `("enter_read", ())` a block `with lock.reading()` and
    `("leave_read", (raises,))` it, and the same with `write`.

    `is_freed` says that everybody leaves: then the lock must be free at the end. `in_turn` are two
    threads, counted from 0, of which the first must get in before the second.
    """

    is_freed: bool = True
    in_turn: tuple[int, int] | None = None

    name = "lock"

    def program(self, workload: Workload) -> Program:
        """Make it, run the plans, then write and read once."""
        made = Invocation(":rwlock", "RWLock", into=self.name)
        plans = tuple(tuple(self._call(op) for op in plan) for plan in workload.plans)
        ending = ("acquire_write", "release_write", "acquire_read", "release_read")
        after = tuple(Invocation(self.name, name) for name in ending) if self.is_freed else ()
        return Program((made,), plans, after)

    def judge(self, workload: Workload, run: Run) -> Problem | None:
        """Ask for an order in which nobody was inside beside a writer."""
        ops = [list(plan) for plan in workload.plans]
        history = []
        for call in run.plans:
            name, _args = ops[call.thread].pop(0)
            name = name.replace("enter_", "acquire_").replace("leave_", "release_")
            if name != "pause":
                history.append(replace(call, name=name, args=()))
        problem = explained(check_lock([*history, *run.after]))
        if problem is not None and problem.kind == "order":
            sentence = "two threads were inside, and one of them writes"
            return Problem("order", sentence, (), problem.verdict)
        return problem or self._judge_turns(history)

    def _judge_turns(self, history: list[Call]) -> Problem | None:
        if self.in_turn is None:
            return None
        first, second = (
            next((c for c in history if c.thread == thread and "acquire" in c.name), None)
            for thread in self.in_turn
        )
        if first is None or second is None:
            return None
        if (first.returned or 0) <= (second.returned or 0):
            return None
        sentence = f"{second.name} overtook {first.name}, which had been waiting before"
        return Problem("state", sentence, (first, second))

    def _call(self, op: Op) -> Invocation:
        name, args = op
        if name == "pause":
            return Invocation("pause", "sleep", args)
        if name.startswith("enter_"):
            mode = "reading" if name == "enter_read" else "writing"
            return Invocation("blocks", "enter", (named(self.name), mode))
        if name.startswith("leave_"):
            return Invocation("blocks", "leave", args)
        return Invocation(self.name, name, args)


def _last_looks(workload: Workload) -> tuple[Op, ...]:
    """Looks at every key, whatever else the threads do besides calling the store."""
    calls = (tuple(op for op in plan if op[0] != "pause") for plan in workload.plans)
    return last_looks(Workload(workload.before, tuple(calls)))


def dead_key(key: str) -> tuple[Op, ...]:
    """Calls that leave a key dead and not purged."""
    deadline_ns = START_NS + _NS_PER_SECOND
    return ("set", (key, b"old")), ("expire_at", (key, deadline_ns)), ("advance", (10,))


def _clock_at(now_ns: int) -> Invocation:
    return Invocation("clock", "move_to", (now_ns / _NS_PER_SECOND,))


def _calls_of(run: Run) -> list[Call]:
    """What the threads called of the store."""
    return [call for call in run.plans if call.name != "sleep"]


def _start(workload: Workload) -> State:
    return state_after(State(now_ns=START_NS), workload.before)


def _looks(after: list[Call], looks: tuple[Op, ...]) -> list[Call]:
    """The calls at the end that look at keys."""
    names = {name for name, _args in looks}
    return [call for call in after if call.name in names]
