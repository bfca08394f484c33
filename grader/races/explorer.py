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
from grader.races.replies import check_recording, check_runs
from grader.remote.failures import ProcessDied
from grader.remote.session import Session

Spec = tuple[Any, ...]
"""A schedule: ("walk", seed, chance), ("pct", seed, changes, length) or ("switches", [...])."""

_TEXT_CHARS_MAX, _FRAMES_MAX = 2_000, 12  # of what an exception says


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
        """Run a program under each schedule, up to the first that does not end as it should. What
        leaves threads behind that cannot be ended costs a process, but no schedule.

        Raises the `CallFailure` that this led to.
        """
        runs: list[Run] = []
        while len(runs) < len(specs):
            left = list(specs[len(runs) :])
            raw = self._ask("explore", program, coarse, left)
            try:
                check_runs(program, raw, len(left))
            except ValueError:
                raise self._broken() from None
            runs += [_read_run(program, entry) for entry in raw]
            self._end_stubborn(raw[-1])
            if runs[-1].end != "done":
                break
        return runs

    def replay(self, program: Program, spec: Spec, *, coarse: bool) -> Recording:
        """Run a program under one schedule and have it written down."""
        raw = self._ask("replay", program, coarse, spec)
        try:
            check_recording(program, raw)
        except ValueError:
            raise self._broken() from None
        self._end_stubborn(raw)
        rows = [[*row[:5], [*row[5]]] for row in raw["rows"]]
        switches = [(step, task) for step, task in raw["switches"]]
        return Recording(_read_run(program, raw), rows, switches)

    def _end_stubborn(self, raw: dict[str, Any]) -> None:
        """Threads that would not end go with their process."""
        if raw["unwound"] is not True:
            self._session.kill()

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


def _read_run(program: Program, raw: dict[str, Any]) -> Run:
    """Read what the agent says of a run, which has been checked."""
    raised: dict[int, Raised] = {}
    setup = _read_calls(raw["setup"], {-1: program.setup}, raised)
    plans = _read_calls(raw["plans"], dict(enumerate(program.plans)), raised)
    after = _read_calls(raw["after"], {-1: program.after}, raised)
    stand = [Stand(*entry) for entry in raw["stand"]]
    errors = [(name, kind) for name, kind in raw["errors"]]
    return Run(raw["end"], raw["steps"], setup, plans, after, errors, stand, raised)


def _read_calls(
    rows: Any, plans: dict[int, tuple[Invocation, ...]], raised: dict[int, Raised]
) -> list[Call]:
    calls = []
    waiting = {thread: iter(plan) for thread, plan in plans.items()}
    for thread, _index, invoked, returned, is_ok, value in rows:
        call = next(waiting[thread])
        errors: tuple[str, ...] = ()
        if returned >= 0 and not is_ok:
            errors, raised[invoked] = _read_error(value)
        ended = returned if returned >= 0 else None
        result = value if is_ok else None
        calls.append(Call(thread, call.name, call.args, invoked, ended, result, errors))
    return calls


def _read_error(value: Any) -> tuple[tuple[str, ...], Raised]:
    if isinstance(value, str):  # a name that the package lacks
        return ("AttributeError",), Raised(value[:_TEXT_CHARS_MAX])
    frames = tuple(
        Frame(file, line, function, source[:_TEXT_CHARS_MAX])
        for file, line, function, source in value["frames"][-_FRAMES_MAX:]
    )
    return tuple(value["names"]), Raised(value["message"][:_TEXT_CHARS_MAX], frames)
