"""Have programs run under schedules, in the agent, and read what it tells of them.

An agent that looks for races does nothing else, and begins before any other code of the package has
run in its process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from grader.oracle.history import Call
from grader.outcome import Frame
from grader.races.program import Invocation, Program
from grader.remote.failures import ProcessDied
from grader.remote.session import Session

Spec = tuple[Any, ...]
"""A schedule: ("walk", seed, chance), ("pct", seed, changes, length) or ("switches", [...])."""

_ENDS = {"done", "deadlock", "livelock", "setup"}


@dataclass(frozen=True)
class Raised:
    """What is known of an exception besides its classes."""

    message: str
    frames: tuple[Frame, ...] = ()


@dataclass(frozen=True)
class Stand:
    """Where a thread stood when nobody could go on; `task` counts from 1, as do `wants_from`.

    `wants` is "lock", "thread", "time" or nothing; `made` and `taken` are places (file, line,
    function) of the lock that it waits for; `held` the same of locks that it holds.
    """

    task: int
    wants: str
    made: Any
    taken: Any
    wants_from: int
    frames: list[tuple[str, int, str]]
    held: list[tuple[Any, Any]]


@dataclass(frozen=True)
class Run:
    """What came of one schedule. Calls of `plans` are in the order in which they began.

    `end` is "done", "deadlock", "livelock" or "setup" (a call of the set-up raised). `raised` has
    what is known of exceptions, by the instant at which their call began. `errors` are threads of
    the package's own that died: name and class of the exception.
    """

    end: str
    steps: int
    setup: list[Call]
    plans: list[Call]
    after: list[Call]
    errors: list[tuple[str, str]]
    stand: list[Stand] = field(default_factory=list)
    raised: dict[int, Raised] = field(default_factory=dict)


@dataclass(frozen=True)
class Recording:
    """One run line by line; `rows` are those of `grader.agent.race.record`."""

    run: Run
    rows: list[list[Any]]
    switches: list[tuple[int, int]]


class Explorer:
    """Runs programs in the agents of one session; `folder` is for the files of programs."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._generation = -1
        self._folder = str(session.data_dir / "race") if session.data_dir else ""

    def explore(self, program: Program, specs: Sequence[Spec], *, coarse: bool) -> list[Run]:
        """Run a program under each schedule, up to the first that does not end as it should.

        Raises the `CallFailure` that this led to.
        """
        raw = self._ask("explore", program, coarse, list(specs))
        try:
            runs = [_read_run(program, entry) for entry in raw]
            is_complete = len(runs) == len(specs) or (runs[-1:] and runs[-1].end != "done")
            unwound = raw[-1]["unwound"] is True
        except (TypeError, ValueError, LookupError, AttributeError):
            raise self._broken() from None
        if not is_complete:
            raise self._broken()
        if not unwound:
            self._session.kill()
        return runs

    def replay(self, program: Program, spec: Spec, *, coarse: bool) -> Recording:
        """Run a program under one schedule and have it written down."""
        raw = self._ask("replay", program, coarse, spec)
        try:
            recording = Recording(
                _read_run(program, raw),
                [_read_row(row) for row in raw["rows"]],
                [(int(step), int(task)) for step, task in raw["switches"]],
            )
            unwound = raw["unwound"] is True
        except (TypeError, ValueError, LookupError, AttributeError):
            raise self._broken() from None
        if not unwound:
            self._session.kill()
        return recording

    def _ask(self, tool: str, program: Program, coarse: bool, specs: Any) -> Any:  # noqa: FBT001
        session = self._session
        if session.is_started and session.generation != self._generation:
            session.kill()
        self._generation = session.generation
        plans = " | ".join("; ".join(call.text() for call in plan) for plan in program.plans)
        doing = f"{len(program.plans)} threads at once: {plans}"
        return session.ask(doing, "tool", tool, (program.wire(), self._folder, coarse, specs))

    def _broken(self) -> ProcessDied:
        self._session.kill()
        return ProcessDied("the threads' calls broke the connection to the grader")


def _read_run(program: Program, raw: Any) -> Run:
    """Read what the agent says of a run; raises a `LookupError`, a `TypeError` or a `ValueError`
    when that is not well formed.
    """
    raised: dict[int, Raised] = {}
    phases: list[list[Call]] = []
    for rows, plans in (
        (raw["setup"], {-1: program.setup}),
        (raw["plans"], dict(enumerate(program.plans))),
        (raw["after"], {-1: program.after}),
    ):
        phases.append(_read_calls(rows, plans, raised))
    end = raw["end"]
    if end not in _ENDS or (end == "done" and not _is_whole(program, phases)):
        raise ValueError("not a run")
    stand = [Stand(*entry) for entry in raw["stand"]]
    errors = [(str(name), str(kind)) for name, kind in raw["errors"]]
    setup, plans_run, after = phases
    return Run(end, int(raw["steps"]), setup, plans_run, after, errors, stand, raised)


def _read_calls(
    rows: Any, plans: dict[int, tuple[Invocation, ...]], raised: dict[int, Raised]
) -> list[Call]:
    calls = []
    done = dict.fromkeys(plans, 0)
    for thread, index, invoked, returned, is_ok, value in rows:
        # Calls outside of threads all have the index 0.
        place = done[thread] if thread < 0 else index
        done[thread] += 1
        call = plans[thread][place]
        errors: tuple[str, ...] = ()
        if returned >= 0 and is_ok is not True:
            errors, raised[invoked] = _read_error(value)
        ended = returned if returned >= 0 else None
        result = value if is_ok is True else None
        calls.append(Call(thread, call.name, call.args, invoked, ended, result, errors))
    return calls


def _read_error(value: Any) -> tuple[tuple[str, ...], Raised]:
    if isinstance(value, str):  # a name that the package lacks
        return ("AttributeError",), Raised(value)
    frames = tuple(Frame(*frame) for frame in value["frames"])
    return tuple(str(name) for name in value["names"]), Raised(str(value["message"]), frames)


def _is_whole(program: Program, phases: list[list[Call]]) -> bool:
    """Whether every call of the program was made, and came back."""
    setup, plans, after = phases
    wanted = [len(program.setup), sum(map(len, program.plans)), len(program.after)]
    is_over = all(call.returned is not None for phase in phases for call in phase)
    seen = {(call.thread, call.invoked) for call in plans}
    return is_over and [len(setup), len(seen), len(after)] == wanted


def _read_row(row: Any) -> list[Any]:
    task, kind, file, line, function, saw = row
    return [int(task), str(kind), str(file), int(line), str(function), [str(text) for text in saw]]
