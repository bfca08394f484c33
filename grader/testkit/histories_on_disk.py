"""What power cuts are tried on: a store in its folder, one segment of a log, a snapshot's file.

A history is a list of operations such as `("set", ("a", b"1"))`; see `PowerCuts.explore`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from grader.oracle.history import Op
from grader.oracle.operations import state_after
from grader.oracle.whole import START_NS, State
from grader.powercuts.answers import Answer, Refusal
from grader.powercuts.subject import Contents, Policy
from grader.races.program import Invocation, named
from grader.remote.trace import show
from grader.testkit import formats
from grader.testkit.formats import Row

_NS_PER_SECOND = 1_000_000_000
_LATER = Invocation("clock", "move_to", (START_NS / _NS_PER_SECOND + 100,))
_MORE = ("set", ("written after the power cut", b"more"))
_DAMAGE = ("CorruptLogError", "CorruptSnapshotError")


@dataclass(frozen=True)
class OnDisk:
    """What all subjects have in common: the texts of their calls, and how they say that the disk is
    damaged: with the file and the offset.
    """

    def text(self, call: Invocation) -> str:
        """A call as a student would write it; of the clock, by how much it has gone on."""
        if call.owner == "helper":
            return _HELPED[call.name](*call.args)
        if call.owner == "clock":
            return f"clock at +{call.args[0] - START_NS / _NS_PER_SECOND:g} s"
        return call.text()

    def lacks(self, _history: Sequence[Op], _names: Collection[str]) -> str:
        """Nothing: what is not there is missed when it is opened again."""
        return ""

    def is_declared(self, refusal: Refusal) -> bool:
        """Whether an error is one of the course's for damage, and names the place."""
        is_damage = any(name in _DAMAGE for name in refusal.names)
        return is_damage and refusal.path is not None and refusal.offset is not None


@dataclass(frozen=True)
class StoreHistory(OnDisk):
    """A `Store`. Operations are those of `grader.oracle`; `("reopen", ())` opens it again
    after a `("close", ())`. Deadlines must be more than 100 s away: when it is opened after a power
    cut, the clock has gone on by so much.

    `inside` is its folder within the data folder, which it may have to make. `options` are more of
    `Store.open`, as pairs.
    """

    sync: Policy = "always"
    inside: str = ""
    options: tuple[tuple[str, Any], ...] = ()

    modules = ("store",)
    keeps_what_it_shows = True
    start: Contents = field(default_factory=dict)

    def open(self) -> Sequence[Invocation]:
        """Open it."""
        options = {"sync": self.sync, "clock": named("clock"), **dict(self.options)}
        return (Invocation(":store", "Store.open", (named("folder"),), options, into="store"),)

    def calls(self, history: Sequence[Op]) -> Sequence[Invocation]:
        """The operations by their names."""
        return [
            self.open()[0] if name == "reopen" else Invocation("store", name, args)
            for name, args in history
        ]

    def lacks(self, history: Sequence[Op], names: Collection[str]) -> str:
        """A snapshot, if one was taken; without it the log is all that is opened again."""
        if ("snapshot", ()) not in history or any(name.endswith(".kvsp") for name in names):
            return ""
        return "a snapshot was taken, and there is none in the folder"

    def look(self) -> Sequence[Invocation]:
        """Everything, some time later."""
        return (_LATER, Invocation("store", "dump"))

    def write_more(self) -> Sequence[Invocation]:
        """One more key."""
        return (Invocation("store", *_MORE), Invocation("store", "close"))

    def after(self, contents: Contents, op: Op) -> Contents:
        """As the oracle says."""
        return (
            contents
            if op[0] in ("snapshot", "close", "reopen")
            else _contents(_state(contents, op))
        )

    def once_more(self, contents: Contents) -> Contents:
        """With one more key."""
        return self.after(contents, _MORE)

    def covers(self, op: Op) -> bool:
        """A snapshot, and closing."""
        return op[0] in ("snapshot", "close")

    def seconds(self, _op: Op) -> float:
        """Its clock is not that of the log."""
        return 0.0

    def seen(self, answers: Sequence[Answer]) -> Contents:
        """What `dump` gave."""
        items, deadlines = answers[-1].value
        if (
            type(items) is not dict
            or type(deadlines) is not dict
            or not deadlines.keys() <= items.keys()
        ):
            raise ValueError("not a dump")
        return {key: (items[key], deadlines.get(key)) for key in sorted(items)}

    def said(self, contents: Contents, name: str) -> str:
        """A value, and a deadline if it has one."""
        value, deadline_ns = contents[name]
        until = "" if deadline_ns is None else f" until {deadline_ns} ns"
        return f"{show(value)}{until}"


@dataclass(frozen=True)
class LogHistory(OnDisk):
    """A `WAL`: `("append", (row, …))` appends rows as one frame, `("sync", ())`, `("close", ())`,
    `("advance", (seconds,))` moves the clock of its policy.
    """

    sync: Policy = "always"
    interval: float = 4.0
    number: int = 1
    start: Contents = field(default_factory=dict)

    inside = ""
    modules = ("wal", "entry")
    keeps_what_it_shows = False  # a replay syncs nothing

    def open(self) -> Sequence[Invocation]:
        """Open the segment."""
        options: dict[str, Any] = {"sync": self.sync}
        if self.sync == "interval":
            options |= {"interval": self.interval, "clock": named("clock")}
        name = formats.segment_name(self.number)
        return (
            Invocation("helper", "path", (name,), into="path"),
            Invocation(":wal", "WAL", (named("path"),), options, into="wal"),
        )

    def calls(self, history: Sequence[Op]) -> Sequence[Invocation]:
        """Appends are given their rows, of which the helper makes entries."""
        now, made = START_NS / _NS_PER_SECOND, []
        for name, args in history:
            if name == "append":
                made.append(Invocation("helper", "append", (named("wal"), [*args])))
            elif name == "advance":
                now += args[0]
                made.append(Invocation("clock", "move_to", (now,)))
            else:
                made.append(Invocation("wal", name, args))
        return made

    def look(self) -> Sequence[Invocation]:
        """Replay it, as the last segment."""
        return (Invocation("helper", "frames", (named("wal"), True)),)

    def write_more(self) -> Sequence[Invocation]:
        """One more frame."""
        rows = [(formats.SET, 0, *_MORE[1])]
        return (Invocation("helper", "append", (named("wal"), rows)), Invocation("wal", "close"))

    def after(self, contents: Contents, op: Op) -> Contents:
        """One frame more."""
        if op[0] != "append":
            return contents
        return {**contents, f"frame {len(contents) + 1}": [tuple(row) for row in op[1]]}

    def once_more(self, contents: Contents) -> Contents:
        """One frame more."""
        return self.after(contents, ("append", ((formats.SET, 0, *_MORE[1]),)))

    def covers(self, op: Op) -> bool:
        """Sync and close."""
        return op[0] in ("sync", "close")

    def seconds(self, op: Op) -> float:
        """What the clock is moved by."""
        return float(op[1][0]) if op[0] == "advance" else 0.0

    def seen(self, answers: Sequence[Answer]) -> Contents:
        """The frames that a replay gave."""
        frames = enumerate(answers[-1].value, 1)
        return {f"frame {number}": [_checked(row) for row in rows] for number, rows in frames}

    def said(self, contents: Contents, name: str) -> str:
        """The entries of a frame."""
        rows: list[Row] = contents[name]
        return _rows_text(rows)


@dataclass(frozen=True)
class SnapshotFile(OnDisk):
    """The file that `write_snapshot` writes: `("write", (items, deadlines))`, each time anew. What
    is there is the last that was written.
    """

    start: Contents = field(default_factory=dict)
    number: int = 2

    sync: Policy = "always"
    inside = ""
    modules = ("snapshot",)
    keeps_what_it_shows = False

    def open(self) -> Sequence[Invocation]:
        """The path of the file."""
        name = formats.snapshot_name(self.number)
        return (Invocation("helper", "path", (name,), into="path"),)

    def calls(self, history: Sequence[Op]) -> Sequence[Invocation]:
        """Write it."""
        return [
            Invocation(":snapshot", "write_snapshot", (named("path"), *args)) for _, args in history
        ]

    def look(self) -> Sequence[Invocation]:
        """Ask which one is the latest, and load it if it is there."""
        return (
            Invocation("helper", "latest", (named("folder"),)),
            Invocation("helper", "load", (named("path"),)),
        )

    def write_more(self) -> Sequence[Invocation]:
        """Write it anew."""
        items = {_MORE[1][0]: _MORE[1][1]}
        return (Invocation(":snapshot", "write_snapshot", (named("path"), items, {})),)

    def after(self, _contents: Contents, op: Op) -> Contents:
        """What was written, and nothing of what was there before."""
        items, deadlines = op[1]
        return {key: (items[key], deadlines.get(key)) for key in sorted(items)}

    def once_more(self, _contents: Contents) -> Contents:
        """One key."""
        return {_MORE[1][0]: (_MORE[1][1], None)}

    def covers(self, _op: Op) -> bool:
        """Each write does."""
        return True

    def seconds(self, _op: Op) -> float:
        """There is no clock."""
        return 0.0

    def seen(self, answers: Sequence[Answer]) -> Contents:
        """What was loaded; nothing where there is none."""
        number, loaded = answers[-2].value, answers[-1].value
        if number != (None if loaded is None else self.number):
            raise ValueError("latest_snapshot and load_snapshot do not agree")
        items, deadlines = loaded or ({}, {})
        return {key: (items[key], deadlines.get(key)) for key in sorted(items)}

    def said(self, contents: Contents, name: str) -> str:
        """A value, and a deadline if it has one."""
        return StoreHistory().said(contents, name)


_OPS: Mapping[int, str] = {formats.SET: "SET", formats.DELETE: "DELETE", formats.EXPIRE: "EXPIRE"}


def _checked(row: Any) -> Row:
    """A row as an entry has it; raises `ValueError` and `TypeError`."""
    op, timestamp, key, value = row
    if tuple(map(type, (op, timestamp, key, value))) != (int, int, str, bytes):
        raise ValueError("not an entry")
    return op, timestamp, key, value


def _rows_text(rows: Sequence[Sequence[Any]]) -> str:
    words = [f"{_OPS.get(op, op)} {key} {show(value)}" for op, _, key, value in rows]
    return ", ".join(words)


# What a helper's call is to the reader.
_HELPED: Mapping[str, Callable[..., str]] = {
    "path": lambda _name: "",
    "append": lambda _log, rows: f"wal.append({_rows_text(rows)})",
    "frames": lambda *_args: "wal.replay()",
    "latest": lambda _folder: "latest_snapshot(folder)",
    "load": lambda _path: "load_snapshot(path)",
}


def _state(contents: Contents, op: Op) -> State:
    state = State(now_ns=START_NS)
    calls: list[Op] = []
    for key, (value, deadline_ns) in contents.items():
        calls.append(("set", (key, value)))
        if deadline_ns is not None:
            calls.append(("expire_at", (key, deadline_ns)))
    return state_after(state, [*calls, op])


def _contents(state: State) -> Contents:
    return {key: (record.value, record.deadline_ns) for key, record in state.live()}
