"""More of what races are looked for in: a segment of the log, a folder that many open, the
dispatchers of many clients.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from grader.oracle.history import Call, Op
from grader.oracle.linearizable import check_store
from grader.oracle.workload import Workload, last_looks
from grader.races.explorer import Run
from grader.races.problem import Problem, explained
from grader.races.program import Invocation, Program, named
from grader.remote.handle import Handle
from grader.testkit import formats
from grader.testkit.formats import Row

_SEGMENT = formats.segment_name(1)


@dataclass(frozen=True)
class LogSubject:
    """A `WAL` to which threads append: `("append", (1, 2))` appends rows 1 and 2 as one frame.

    `found` is what the segment holds before: whole frames of `intact`, then `torn` bytes.
    """

    sync: str = "never"
    intact: tuple[Row, ...] = ()
    torn: bytes = b""

    name = "wal"

    def program(self, workload: Workload) -> Program:
        """Lay the segment, make the entries, append, close, and read the file."""
        numbers = sorted({n for plan in workload.plans for name, args in plan for n in args})
        setup = [
            Invocation("files", "write", (_SEGMENT, self._found())),
            Invocation("files", "path", (_SEGMENT,), into="path"),
            Invocation(":entry", "Op", (formats.SET,), into="SET"),
            *(self._entry(number) for number in numbers),
            Invocation(":wal", "WAL", (named("path"),), {"sync": self.sync}, into=self.name),
        ]
        plans = tuple(tuple(self._call(op) for op in plan) for plan in workload.plans)
        ending = Invocation(self.name, "close"), Invocation("files", "read", (_SEGMENT,))
        return Program(tuple(setup), plans, ending, files=True)

    def judge(self, workload: Workload, run: Run) -> Problem | None:
        """Every append that returned is one whole frame, in an order that fits the calls."""
        closes = any(call.name == "close" for call in run.plans)
        allowed = {"ValueError"} if closes else set()
        for call in [*run.plans, *run.after]:
            if call.errors and not allowed & set(call.errors):
                return Problem("exception", f"{call.name} raised {call.errors[0]}", (call,))
        try:
            frames = formats.parse_frames(run.after[-1].result, _SEGMENT)
        except (AssertionError, ValueError, TypeError) as problem:
            return Problem("state", f"the file is damaged: {problem}")
        return self._judge_frames(frames, workload, run)

    def _judge_frames(
        self, frames: list[list[Row]], workload: Workload, run: Run
    ) -> Problem | None:
        appends = [call for call in run.plans if call.name == "append"]
        wanted = [[_row(number) for _, number in _named_rows(call)] for call in appends]
        before = [[row] for row in self.intact]
        if frames[: len(before)] != before:
            return Problem("state", "frames that were there before are gone")
        logged = frames[len(before) :]
        for call, rows in zip(appends, wanted, strict=True):
            if logged.count(rows) != (0 if call.errors else 1):
                times = f"stands {logged.count(rows)} times in the file"
                how = "was refused" if call.errors else "returned"
                return Problem("state", f"a frame whose append {how} {times}", (call,))
        if len(logged) != sum(not call.errors for call in appends):
            return Problem("state", "the file holds a frame that nobody appended")
        place = {
            id(call): logged.index(rows)
            for call, rows in zip(appends, wanted, strict=True)
            if not call.errors
        }
        done = [call for call in appends if not call.errors]
        for first in done:
            for second in done:
                is_before = first.returned is not None and first.returned < second.invoked
                if is_before and place[id(first)] > place[id(second)]:
                    sentence = "an append that began after another had returned stands before it"
                    return Problem("state", sentence, (first, second))
        return None

    def _found(self) -> bytes:
        return b"".join(formats.frame(row) for row in self.intact) + self.torn

    def _entry(self, number: int) -> Invocation:
        _op, timestamp, key, value = _row(number)
        args = (named("SET"), timestamp, key, value)
        return Invocation(":entry", "Entry", args, into=f"entry {number}")

    def _call(self, op: Op) -> Invocation:
        name, numbers = op
        return Invocation(self.name, name, tuple(named(f"entry {number}") for number in numbers))


def _judge_order(placed: list[tuple[Call, int]]) -> Problem | None:
    """What returned before another began stands before it."""
    for first, its_place in placed:
        for second, other_place in placed:
            is_before = first.returned is not None and first.returned < second.invoked
            if is_before and its_place > other_place:
                sentence = "an append that began after another had returned stands before it"
                return Problem("state", sentence, (first, second))
    return None


def _row(number: int) -> Row:
    return formats.SET, number, f"key {number}", b"value %d" % number


def _named_rows(call: Call) -> list[tuple[str, int]]:
    """The rows that an append was given, by the names of their entries."""
    return [("entry", int(name.rpartition(" ")[2])) for _dollar, name in call.args]


@dataclass(frozen=True)
class FolderSubject:
    """An empty folder that every thread opens as a store, by `("open", ())`."""

    name = "folder"

    def program(self, workload: Workload) -> Program:
        """Open it from every thread."""
        plans = tuple(
            (
                Invocation(
                    ":store",
                    "Store.open",
                    (named("folder"),),
                    {"sync": "never"},
                    into=f"store {number}",
                ),
            )
            for number, _plan in enumerate(workload.plans)
        )
        return Program((), plans, files=True)

    def judge(self, workload: Workload, run: Run) -> Problem | None:
        """One of them has it, the others are told so."""
        for call in run.plans:
            if call.errors and "StoreLockedError" not in call.errors:
                return Problem("exception", f"Store.open raised {call.errors[0]}", (call,))
        winners = sum(not call.errors for call in run.plans)
        if winners != 1:
            return Problem("state", f"{winners} threads have the same folder open")
        return None


@dataclass(frozen=True)
class DispatcherSubject:
    """One store behind a `Dispatcher` for each thread; the operations are those of the store, sent
    as commands.
    """

    name = "dispatcher"

    def program(self, workload: Workload) -> Program:
        """Make store and dispatchers, send the commands, look at every key."""
        dispatchers = [
            Invocation(":commands", "Dispatcher", (named("store"),), into=_dispatcher(number))
            for number in range(-1, len(workload.plans))
        ]
        setup = (Invocation(":memory", "MemoryStore", into="store"), *dispatchers)
        plans = tuple(
            tuple(_command(number, op) for op in plan) for number, plan in enumerate(workload.plans)
        )
        before = tuple(_command(-1, op) for op in workload.before if op[0] in _COMMANDS)
        looks = (op for op in last_looks(workload) if op[0] == "get")
        return Program((*setup, *before), plans, tuple(_command(-1, op) for op in looks))

    def judge(self, workload: Workload, run: Run) -> Problem | None:
        """Ask for an order of all calls that explains the replies."""
        making = 2 + len(workload.plans)
        calls = [*run.setup[making:], *run.plans, *run.after]
        for call in calls:
            if call.errors:
                return Problem("exception", f"execute raised {call.errors[0]}", (call,))
        return explained(check_store([_as_operation(call) for call in calls]))


def _dispatcher(number: int) -> str:
    return f"dispatcher {number + 1}" if number >= 0 else "dispatcher"


def _command(thread: int, op: Op) -> Invocation:
    name, args = op
    words: list[Any] = [_COMMANDS[name].encode(), args[0].encode()]
    words += [arg if isinstance(arg, bytes) else str(arg).encode() for arg in args[1:]]
    return Invocation(_dispatcher(thread), "execute", (words,))


_COMMANDS = {
    "get": "GET",
    "set": "SET",
    "delete": "DEL",
    "exists": "EXISTS",
    "incr": "INCRBY",
    "setnx": "SETNX",
    "persist": "PERSIST",
}
_OPERATIONS = {command.encode(): name for name, command in _COMMANDS.items()}
_FLAGS = {"delete", "exists", "setnx", "persist"}  # answered by 1 or 0


def _as_operation(call: Call) -> Call:
    """A command as the operation of the store that it stands for."""
    words = call.args[0]
    name = _OPERATIONS[words[0]]
    key, result = words[1].decode(), call.result
    args: tuple[Any, ...] = (key, *words[2:])
    if name == "incr":
        args = (key, int(words[2]))
    if name == "set":
        result = None if result == "OK" else result
    if name in _FLAGS and result in (0, 1):
        result = bool(result)
    if name == "incr" and isinstance(result, Handle):  # an error reply, which is not plain
        return replace(call, name=name, args=args, result=None, errors=("NotAnIntegerError",))
    return replace(call, name=name, args=args, result=result)
