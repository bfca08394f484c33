"""Tell one recorded run as an `Interleaving`: lines in the order in which they ran.

What does not matter is left out: of a long turn the middle, and of code that was run without a
switch nearby all but what became known there. Source is read from the package's files as text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from grader.oracle.history import Call
from grader.outcome import Frame, Held, Interleaving, Moment, Step, Wait
from grader.races.diagnosis import WAKE_UP, diagnose
from grader.races.explorer import Recording, Run, Stand
from grader.races.program import Program
from grader.races.replay import ScheduleReplay
from grader.races.search import Found
from grader.remote.trace import shorten, show

TURN_ROWS_MAX = 6  # of one thread without a switch
TELLING_ROWS_MAX = 4
ROWS_MAX = 120
_SOURCE_BYTES_MAX = 1024 * 1024
_THREADS = "ABCDEFGH"


def tell(
    found: Found, recording: Recording, program: Program, replay: ScheduleReplay, package: Path
) -> Interleaving:
    """Return what a student is shown of a failure that was recorded."""
    run = recording.run
    names = tuple(_THREADS[number % 8] for number in range(len(program.plans)))
    waits = tuple(_wait(stand, run, program, _reader(package)) for stand in run.stand)
    moments = list(_moments(recording, program, _reader(package)))
    return Interleaving(
        threads=names,
        before=tuple(_steps(program.setup, run.setup, run)),
        moments=tuple(moments[:ROWS_MAX]),
        after=tuple(_steps(program.after, run.after, run)),
        diagnosis=diagnose(found.problem, run, waits),
        schedules=found.schedules,
        replay=str(replay),
        waits=waits,
        latent=found.latent,
    )


def came_back(call: Call, run: Run) -> str:
    """What came back from a call, in words."""
    if call.returned is None:
        return "did not return"
    if call.errors:
        message = run.raised[call.invoked].message if call.invoked in run.raised else ""
        return shorten(
            f"raised {call.errors[0]}: {message}" if message else f"raised {call.errors[0]}"
        )
    return show(call.result)


def _steps(calls: Sequence[Any], seen: Sequence[Call], run: Run) -> Iterator[Step]:
    for invocation, call in zip(calls, seen, strict=False):
        silent = invocation.into or (call.result is None and not call.errors)
        yield Step(invocation.text(), "" if silent else came_back(call, run))


def _reader(package: Path) -> Any:
    """A function that returns a source line of the package's, stripped."""

    @cache
    def lines(file: str) -> list[str]:
        path = package / file
        if file not in {entry.name for entry in package.iterdir()} or not path.is_file():
            return []
        with path.open("rb") as source:
            return source.read(_SOURCE_BYTES_MAX).decode("utf-8", "replace").splitlines()

    def line(file: str, number: int) -> str:
        of_file = lines(file)
        return of_file[number - 1].strip() if 0 < number <= len(of_file) else ""

    return line


def _moments(recording: Recording, program: Program, line: Any) -> Iterator[Moment]:
    rows = [row for row in recording.rows if 0 < row[0] <= len(program.plans)]
    calls, home = _by_place(recording.run), _home(rows)
    turns = [list(turn) for _task, turn in groupby(rows, key=lambda row: row[0])]
    for number, turn in enumerate(turns):
        # A thread that was interrupted, and did not wait or end by itself: a switch that mattered.
        last = turns[number - 1][-1] if number else None
        hurts = last is not None and last[1] not in ("wait", "return")
        for place, row in enumerate(_shortened(turn, home)):
            yield _moment(row, program, calls, recording.run, line, hurts=hurts and place == 0)


def _shortened(turn: list[list[Any]], home: str) -> list[list[Any]]:
    """A turn without most of its middle; a row of kind "gap" stands for what was left out.

    What stays: calls and what came back, waits, the rows next to a switch, and lines of the file
    that is looked at (`home`) on which something became known, if they are few.
    """
    if len(turn) <= TURN_ROWS_MAX:
        return turn
    telling = [row for row in turn if row[2] == home and row[5]][:TELLING_ROWS_MAX]
    kept: list[list[Any]] = []
    for place, row in enumerate(turn):
        is_edge = place == 0 or place >= len(turn) - 2
        if is_edge or row[1] in ("call", "return", "wait") or any(row is one for one in telling):
            kept.append(row)
        elif kept[-1][1] == "gap":
            kept[-1][3] += 1
        else:
            kept.append([row[0], "gap", "", 1, "", []])
    return kept


def _home(rows: list[list[Any]]) -> str:
    """The file in which the calls of the program begin."""
    return next((row[2] for row in rows if row[1] == "line"), "")


def _moment(
    row: list[Any],
    program: Program,
    calls: dict[tuple[int, int], Call],
    run: Run,
    line: Any,
    *,
    hurts: bool,
) -> Moment:
    task, kind, file, number, _function, saw = row
    thread = task - 1
    if kind == "call":
        return Moment(thread, "call", program.plans[thread][number].text(), hurts=hurts)
    if kind == "return":
        call = calls[thread, number]
        raised = "raise" if call.errors else "return"
        return Moment(thread, raised, came_back(call, run), hurts=hurts)  # type: ignore[arg-type]
    if kind == "gap":
        return Moment(thread, "line", f"… {number} more {'line' if number == 1 else 'lines'}")
    text = line(file, number)
    if kind == "again":
        text = f"… {text}"
    seen = tuple(shorten(text, 80) for text in saw[:4])
    moment = "wait" if kind == "wait" else "line"
    return Moment(thread, moment, shorten(text), file, number, seen, hurts)  # type: ignore[arg-type]


def _by_place(run: Run) -> dict[tuple[int, int], Call]:
    """The calls of the threads, by thread and place in its plan."""
    found: dict[tuple[int, int], Call] = {}
    counts: dict[int, int] = {}
    for call in run.plans:
        place = counts.get(call.thread, 0)
        found[call.thread, place] = call
        counts[call.thread] = place + 1
    return found


def _wait(stand: Stand, run: Run, program: Program, line: Any) -> Wait:
    thread = stand.task - 1
    under_way = [c for c in run.plans if c.thread == thread and c.returned is None]
    begun = [call for call in run.plans if call.thread == thread]
    is_ours = 0 <= thread < len(program.plans)
    call = program.plans[thread][len(begun) - 1].text() if is_ours and under_way else ""
    frames = tuple(_frame(place, line) for place in stand.frames)
    # A condition makes a lock for each wait, on the line that waits.
    real = [(made, taken) for made, taken in stand.held if taken and made != taken]
    holds = tuple(Held(_lock_name(made, line), _frame(taken, line)) for made, taken in real)
    return Wait(thread, call, _wanted(stand, line), frames, holds)


def _wanted(stand: Stand, line: Any) -> str:
    if stand.wants == "lock":
        place = stand.frames[-1] if stand.frames else None
        if stand.made and place and tuple(stand.made[:2]) == tuple(place[:2]):
            return WAKE_UP
        return _lock_name(stand.made, line)
    if stand.wants == "thread":
        return "the end of another thread"
    return "nothing: it could go on" if not stand.wants else "time to pass"


def _lock_name(made: Any, line: Any) -> str:
    if not made:
        return "a lock"
    file, number, _function = made
    target, equals, _rest = line(file, number).partition(" = ")
    name = target.partition(":")[0] if equals else ""
    return f"{name} ({file}:{number})" if name else f"the lock made at {file}:{number}"


def _frame(place: Sequence[Any], line: Any) -> Frame:
    file, number, function = place
    return Frame(str(file), int(number), str(function), line(file, number))
