"""The package under test, as a test speaks to it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from grader.course import load_course
from grader.remote.failures import (
    CallTimeout,
    MissingName,
    NotAPlainValue,
    Prerequisite,
    ProcessDied,
    RemoteError,
)
from grader.remote.handle import Handle, Method
from grader.remote.session import Session
from grader.testkit.actor import Actor
from grader.testkit.client import Client
from grader.testkit.disk import Disk
from grader.testkit.formats import Row
from grader.testkit.history import Record, results
from grader.testkit.program import Program

_ENTRY_PATHS = ("op.value", "timestamp", "key", "value")


class Raised:
    """What `kv.raises` caught: `error` is set when the block is over."""

    error: RemoteError | None = None

    @property
    def message(self) -> str:
        """The text of the exception."""
        assert self.error is not None
        return self.error.message

    def attribute(self, name: str) -> Any:
        """An attribute of the exception, such as its `offset`."""
        assert self.error is not None
        return getattr(self.error.handle, name)


class KV:
    """The names of the course are attributes: `kv.MemoryStore`, `kv.Op`, and modules: `kv.wal`.

    `broken` remembers which modules cannot be imported, so that one bad file is waited for once and
    not in every test.
    """

    def __init__(self, session: Session, package_dir: Path, broken: dict[str, str]) -> None:
        self.session = session
        self._package_dir = package_dir
        self._broken = broken
        self._clients = 0
        self._imported: set[tuple[str, int]] = set()

    def __getattr__(self, name: str) -> Any:
        course = load_course()
        module = course.module_of(name)
        if module is not None:
            return self._find(module, name)
        if course.stage_of(f"{name}.py") is not None:
            return self._find(name, None)
        raise AttributeError(f"the course has no name {name!r}")

    @contextmanager
    def raises(self, *names: str) -> Iterator[Raised]:
        """Expect the block to raise an error of one of these classes, given by name.

        Base classes count: `kv.raises("ValueError")` accepts `InvalidKeyError`.
        """
        raised = Raised()
        wanted = " or ".join(names)
        try:
            yield raised
        except RemoteError as error:
            # An error that is two of the course's errors at once says nothing.
            if len(_errors_of_the_course() & set(error.names)) > 1:
                raise
            if not set(names) & set(error.names):
                raise
            raised.error = error
            return
        assert raised.error is not None, f"expected {wanted}, but nothing was raised"

    def entry(self, op: int, timestamp: int, key: str, value: bytes = b"") -> Any:
        """Make an `Entry` in the package's process."""
        name = {1: "SET", 2: "DELETE", 3: "EXPIRE"}[op]
        return self.Entry(getattr(self.Op, name), timestamp, key, value)

    def entries(self, rows: Sequence[Row]) -> list[Any]:
        """Make many entries from `(op, timestamp, key, value)`."""
        return [self.entry(*row) for row in rows]

    def row(self, entry: Any) -> Row:
        """Return an `Entry` as `(op, timestamp, key, value)`, to be compared here."""
        if not isinstance(entry, Handle):
            raise NotAPlainValue(f"got {entry!r} where an Entry was expected")
        return self.pull(entry, 0)  # type: ignore[no-any-return]

    def frames(self, replayed: Any) -> list[list[Row]]:
        """Return what `WAL.replay` gives as rows, frame by frame."""
        return self.pull(replayed, 2)  # type: ignore[no-any-return]

    def pull(self, value: Any, depth: int) -> Any:
        """Return entries that lie `depth` iterables deep as rows."""
        text = f"read {self.session.text(value)}"
        return self.session.do(text, "pull", value, _ENTRY_PATHS, depth)

    def module(self, name: str) -> Any:
        """A module of the package whose name means something else here:
        `kv.module("entry").decode`.
        """
        module = self._find(name, None)
        module.name = f"kvstore.{name}"
        return module

    def bytearray(self, data: bytes) -> Any:
        """Make a `bytearray` in the package's process; it cannot cross the pipe."""
        return self.session.ask("bytearray", "function", "bytearray", (data,))

    def len_of(self, store: Handle) -> Method:
        """`len(store)` as a method, for a plan or an actor."""
        return Method(store, "__len__")

    def call_many(self, calls: Sequence[tuple[Method, tuple[Any, ...]]], text: str) -> list[Any]:
        """Make many calls in order, in one round trip; `text` is the step that says so."""
        wanted = [(method.owner, method.name, args) for method, args in calls]
        return self.session.do(text, "function", "call_many", (wanted,))  # type: ignore[no-any-return]

    def note(self, text: str) -> None:
        """Add a remark to the steps that a failure shows."""
        self.session.trace.note(text)

    def kill(self) -> None:
        """End the package's process with SIGKILL. All handles are dead; the next call starts a new
        process.
        """
        self.session.trace.note("the process is killed (SIGKILL)")
        self.session.kill()

    def actor(self, name: str) -> Actor:
        """Start a thread in the package's process."""
        return Actor(self.session, name)

    def at_once(
        self, *plans: Sequence[tuple[Method, tuple[Any, ...]]], seed: int, chance: float = 0.2
    ) -> list[Record]:
        """Run each plan, a list of `(method, args)`, in a thread of its own, all at the same time.

        At each line of the package another thread may get its turn, with probability `chance`.
        """
        wanted = [[(m.owner, m.name, args) for m, args in plan] for plan in plans]
        text = " | ".join(_plan_text(self.session, plan) for plan in plans[:4])
        text = f"{len(plans)} threads at once: {text}{' | …' if len(plans) > 4 else ''}"
        self.session.trace.note(text)
        raw = self.session.ask(text, "tool", "plans", (wanted, seed, chance))
        return _history(plans, raw)

    def results(self, history: list[Record]) -> list[Any]:
        """The results of a history, in order; a call that raised fails the test."""
        return results(history)

    def disk(self) -> Disk:
        """What the package asks of the disk, from now on."""
        return Disk(self.session)

    def connect(self, server: Any) -> Client:
        """Connect to a `Server`, or to a `(host, port)`."""
        self._clients += 1
        host, port = server if isinstance(server, tuple) else server.address
        return Client(self.session, f"client {self._clients}", host, port)

    def program(self, *args: str | Path) -> Program:
        """Run `python -m kvstore` with arguments."""
        return Program(self.session, str(self._package_dir.parent), [str(arg) for arg in args])

    def _find(self, module: str, name: str | None) -> Any:
        if module in self._broken:
            raise Prerequisite(self._broken[module])
        self._import(module)
        found = self.session.ask(f"import kvstore.{module}", "find", module, name)
        if isinstance(found, Handle):
            found.name = name or module
        return found

    def _import(self, module: str) -> None:
        """Import a module once per process; what stands in the way is remembered for the tests to
        come.
        """
        if (module, self.session.generation) in self._imported:
            return
        try:
            self.session.ask(f"import kvstore.{module}", "find", module, None)
        except (CallTimeout, ProcessDied) as failure:
            self._broken[module] = str(failure)
            raise
        except (MissingName, RemoteError) as failure:
            self._broken[module] = _why_broken(module, failure)
            raise Prerequisite(self._broken[module]) from failure
        self._imported.add((module, self.session.generation))


def _why_broken(module: str, failure: Exception) -> str:
    file = f"kvstore/{module}.py"
    if not isinstance(failure, RemoteError):
        return str(failure)
    if failure.syntax is not None:
        where, line, source = failure.syntax
        return (
            f"kvstore/{where}, line {line}: {failure.message.partition(' (')[0]}: {source.strip()}"
        )
    return f"{file} cannot be imported: {failure}"


def _plan_text(session: Session, plan: Sequence[tuple[Method, tuple[Any, ...]]]) -> str:
    words = [f"{m.owner.name}.{m.name}({', '.join(map(session.text, args))})" for m, args in plan]
    more = f" … {len(words) - 2} more" if len(words) > 3 else ""
    return "; ".join(words if not more else words[:2]) + more


@cache
def _errors_of_the_course() -> frozenset[str]:
    """The names of the given errors, none of which is a kind of another."""
    source = (load_course().given_dir / "errors.py").read_text(encoding="utf-8")
    names = {node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}
    return frozenset(name for name in names if not name.startswith("_")) - {"KVStoreError"}


def _history(plans: Sequence[Sequence[Any]], raw: Any) -> list[Record]:
    """Read what the agent says of a run; every call of every plan must be there, once."""
    try:
        history = [_record(plans, *entry) for entry in raw]
        calls = sorted((entry[0], entry[1]) for entry in raw)
    except (TypeError, ValueError, LookupError):
        raise ProcessDied("the threads' calls broke the connection to the grader") from None
    if calls != [
        (thread, index) for thread, plan in enumerate(plans) for index in range(len(plan))
    ]:
        raise ProcessDied("not every call of the threads was made")
    return history


def _record(
    plans: Sequence[Sequence[tuple[Method, tuple[Any, ...]]]],
    thread: int,
    index: int,
    started_ns: int,
    ended_ns: int,
    returned: bool,  # noqa: FBT001  (a field of the record)
    result: Any,
) -> Record:
    method, args = plans[thread][index]
    if returned:
        return Record(thread, method.name, args, started_ns, ended_ns, result)
    error = f"{result['names'][0]}: {result['message']}"
    return Record(thread, method.name, args, started_ns, ended_ns, error=error)
