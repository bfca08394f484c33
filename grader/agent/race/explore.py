"""Run a program of calls under many schedules, and tell for each who called what when, and what
came back.

A program is a dictionary: `setup` and `after` are calls that are made while nobody else runs,
`plans` one list of calls for each thread. A call is `(into, owner, name, args, kwargs)`: `owner` is
the name of an object made before, or ":memory" for the module `kvstore.memory`; a dotted `name`
goes on (`Store.open`); `into` names the result, or is empty. `("$", name)` in arguments stands for
a named object. There from the start: `clock`, which stands still, `folder`, the path of an empty
folder, `files`, which reads it (`grader.agent.race.files`), `pause`, to sleep in virtual time, and
`blocks`, to stay inside a `with` block (`grader.agent.race.look`).

What decides, the record, is kept here, in generators that are suspended while code under test runs.
"""

from __future__ import annotations

from functools import partial
from types import CodeType

from ..chaos import trace_this_thread
from ..clock import ManualClock
from ..front import drive
from ..guard import permit
from ..primitives import lock_release, new_held_lock, or_end, start_thread, take, wait_for
from .files import Files
from .fresh import forget_package, importer
from .instrument import read_package
from .look import Blocks, call_named
from .points import POINTS
from .record import Recorder, where_threads_stand
from .scheduler import SCHEDULER, Abort
from .strategies import strategy
from .virtual import Pause, forget_threads, replace_primitives

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

    from ..front import Step
    from .scheduler import Task

    Call = tuple[str, str, str, list[Any], dict[str, Any]]
    Outcome = tuple[str, Any]
    Row = tuple[int, int, int, int, bool, Any]
    StepsOf = Callable[[list[Outcome]], Generator[Step, None, None]]

CLOCK_START = 1_700_000_000.0  # seconds; `grader.oracle` begins at the same instant
_UNWIND_SECONDS = 1.0
_COPY_DEPTH = 4
_replace = CodeType.replace


def race_tools(package_dir: str) -> dict[str, Callable[..., Outcome]]:
    """The tools `explore` and `replay` for the package in `package_dir`."""
    ready: dict[tuple[bool, frozenset[str]], Callable[[], None]] = {}

    def prepare(program: dict[str, Any], coarse: bool) -> Callable[[], None]:  # noqa: FBT001
        calls = [call for part in ("setup", "after") for call in program[part]]
        calls += [call for plan in program["plans"] for call in plan]
        roots = frozenset([call[1][1:] for call in calls if call[1][:1] == ":"])
        wanted = (coarse, roots)
        if wanted not in ready:
            reading = partial(read_package, package_dir, roots, coarse=coarse)
            outcome = _in_a_thread(reading)
            if outcome[0] != "ok":
                raise RuntimeError(f"the package cannot be read: {outcome[1]}")
            files = outcome[1]
            bound = {name: files[name]._replace(code=_bind(files[name].code)) for name in files}
            ready[wanted] = importer(bound)
        return ready[wanted]

    def explore(program: dict[str, Any], folder: str, coarse: bool, specs: list[Any]) -> Outcome:  # noqa: FBT001
        """One result for each schedule, up to the first that does not end as it should, or whose
        threads do not.
        """
        start_afresh, results = prepare(program, coarse), []
        put_back = replace_primitives()
        try:
            for spec in specs:
                schedule = _Schedule(program, folder, package_dir, None)
                results.append(schedule.run(start_afresh, spec))
                if results[-1]["end"] != "done" or not results[-1]["unwound"]:
                    break  # a thread that would not end must not run beside the next schedule
        finally:
            put_back()
            forget_package()
        return "ok", results

    def replay(program: dict[str, Any], folder: str, coarse: bool, spec: Any) -> Outcome:  # noqa: FBT001
        """One result, with the schedule as switches and what each thread did line by line."""
        start_afresh = prepare(program, coarse)
        put_back = replace_primitives()
        try:
            recorder = Recorder(package_dir)
            result = _Schedule(program, folder, package_dir, recorder).run(start_afresh, spec)
        finally:
            put_back()
            forget_package()
        return "ok", {**result, "rows": recorder.rows, "switches": SCHEDULER.switches}

    return {"explore": explore, "replay": replay}


class _Schedule:
    """One run of one program. No object of this class ever meets code under test."""

    def __init__(
        self, program: dict[str, Any], folder: str, package_dir: str, recorder: Recorder | None
    ) -> None:
        self._program = program
        self._recorder = recorder
        self._package_dir = package_dir
        self._files = Files(folder)
        clock = ManualClock(CLOCK_START)
        self._objects = {
            "clock": clock,
            "folder": folder,
            "files": self._files,
            "pause": Pause(),
            "blocks": Blocks(),
        }
        self._rows: dict[str, list[Row]] = {"setup": [], "plans": [], "after": []}
        self._end = "done"
        self._steps = 0
        self._time = 0

    def run(self, start_afresh: Callable[[], None], spec: Any) -> dict[str, Any]:
        """Run it under one schedule; what comes back is plain, or an object of the package's."""
        SCHEDULER.start(strategy(*spec))
        SCHEDULER.package_dir, SCHEDULER.recorder = self._package_dir, self._recorder
        _start(SCHEDULER.add("main"), lambda box: self._main(start_afresh, box), None)
        SCHEDULER.give_first_turn()
        wait_for(SCHEDULER.done)
        stand = where_threads_stand(self._package_dir) if SCHEDULER.failure else []
        errors = [(name, type(error).__name__) for name, error in SCHEDULER.thread_errors]
        steps = SCHEDULER.steps if SCHEDULER.failure else self._steps
        is_unwound = SCHEDULER.unwind(_UNWIND_SECONDS)
        if SCHEDULER.failure:
            _in_a_thread(self._objects.clear)
        return {
            "end": SCHEDULER.failure or self._end,
            "steps": steps,
            **self._rows,
            "stand": stand,
            "errors": errors,
            "unwound": is_unwound,
        }

    def _main(
        self, start_afresh: Callable[[], None], box: list[Outcome]
    ) -> Generator[Step, None, None]:
        """The steps of task 0: set up, start the threads of the program, wait, look at the end."""
        yield forget_threads, (), []
        yield start_afresh, (), []
        if self._program["files"]:
            yield self._files.empty, (), []
        yield from self._alone("setup", box)
        if self._end != "done":
            return
        SCHEDULER.begin()
        tasks = []
        for number, plan in enumerate(self._program["plans"]):
            task = SCHEDULER.add(f"thread {number + 1}")
            _start(task, self._thread_steps(number, plan), self._recorder)
            tasks.append(task)
        for task in tasks:
            SCHEDULER.join(task)
        self._steps = SCHEDULER.end()
        yield from self._alone("after", box)
        yield self._objects.clear, (), []  # what code under test does then, it does now

    def _thread_steps(self, number: int, plan: list[Call]) -> StepsOf:
        return lambda box: self._calls("plans", number, plan, box)

    def _alone(self, phase: str, box: list[Outcome]) -> Generator[Step, None, None]:
        """Calls that are made while no thread of the program runs; the first that raises ends the
        set-up.
        """
        rows = self._rows[phase]
        for call in self._program[phase]:
            yield from self._calls(phase, -1, [call], box)
            if phase == "setup" and not rows[-1][4]:
                self._end = "setup"
                return

    def _calls(
        self, phase: str, number: int, plan: list[Call], box: list[Outcome]
    ) -> Generator[Step, None, None]:
        """Make calls in order and record each: when it began, when it returned, what came back."""
        rows = self._rows[phase]
        for index, (into, owner, name, args, kwargs) in enumerate(plan):
            if number >= 0:
                SCHEDULER.sync()
            place, row = len(rows), (number, index, self._tick(), -1, False, None)
            rows += (row,)
            if self._recorder is not None:
                self._recorder.begins(number, index)
            target = owner if owner[:1] == ":" else self._objects[owner]
            yield call_named, (target, name, self._named(args), self._named(kwargs)), []
            kind, value = take(box)
            if SCHEDULER.aborting:
                raise Abort
            if kind == "ok" and into:
                self._objects[into] = value
            plain = None if into and kind == "ok" else _copy(value, 0)
            rows[place] = (*row[:3], self._tick(), kind == "ok", plain)
            if self._recorder is not None:
                self._recorder.ends(number, index)

    def _tick(self) -> int:
        self._time += 1
        return self._time

    def _named(self, value: Any) -> Any:
        """The value with the objects that it names."""
        kind = type(value)
        if kind is tuple and len(value) == 2 and value[0] == "$":
            return self._objects[value[1]]
        if kind is list or kind is tuple:
            return kind([self._named(item) for item in value])
        if kind is dict:
            return {key: self._named(value[key]) for key in value}
        return value


def _start(task: Task, steps_of: StepsOf, recorder: Recorder | None) -> None:
    """Start the thread of a task."""
    box: list[Outcome] = []

    def whole() -> Generator[Step, None, None]:
        try:
            SCHEDULER.enter(task)
            if recorder is not None:
                trace_this_thread(recorder.tracer(task.number))
            yield from steps_of(box)
        except Abort:
            return
        finally:
            SCHEDULER.leave(task)

    start_thread(drive, (or_end(whole()), box))


def _in_a_thread(function: Callable[[], Any]) -> Outcome:
    """What comes of a function that may run code under test, or that code under test may have
    changed.
    """
    box: list[Outcome] = []
    over = new_held_lock()

    def steps() -> Generator[Step, None, None]:
        yield function, (), []
        lock_release(over)

    start_thread(drive, (or_end(steps()), box))
    wait_for(over)
    return take(box)


def _bind(code: CodeType) -> CodeType:
    """Put the functions of points into the places that hold their names."""
    constants = [_bound(constant) for constant in code.co_consts]
    permit("code.__new__")
    return _replace(code, co_consts=tuple(constants))


def _bound(constant: Any) -> Any:
    if type(constant) is CodeType:
        return _bind(constant)
    return POINTS[constant] if type(constant) is str and constant in POINTS else constant


def _copy(value: Any, depth: int) -> Any:
    """A value as it is now, for what it holds may change before the reply is written."""
    kind = type(value)
    if depth < _COPY_DEPTH and (kind is list or kind is tuple):
        return kind([_copy(item, depth + 1) for item in value])
    if depth < _COPY_DEPTH and kind is dict:
        return {key: _copy(value[key], depth + 1) for key in value}
    return value
