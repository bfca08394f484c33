"""What else races are looked for in: a folder that many open, the dispatchers of many clients."""

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
