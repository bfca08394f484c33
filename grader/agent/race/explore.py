"""Run a program of calls under many schedules, and tell for each who called what when, and what
came back.

A program is a dictionary: `setup` and `after` are calls that are made while nobody else runs,
`plans` one list of calls for each thread. A call is `(into, owner, name, args, kwargs)`: `owner` is
the name of an object made before, or ":memory" for the module `kvstore.memory`; a dotted `name`
goes on (`Store.open`); `into` names the result, or is empty. `("$", name)` in arguments stands for
a named object. There from the start: `clock`, which stands still, `folder`, the path of an empty
folder, `files`, which reads it (`grader.agent.race.files`), `pause`, to sleep in virtual time, and
`blocks`, to stay inside a `with` block.

What decides is the rows: who called what, when, and what came back. They are kept here, by
generators that are suspended while anything else runs: whatever touches the scheduler, the package
or its objects is a step for `front.drive`. So no frame of this file ever stands below code under
test, and for the same reason
- there is no class here, and no method is called, nor anything compared, hashed or looked up that a
  step returned (see `grader.agent.primitives`);
- what steps return is held until a step drops it, since that can run code under test;
- the garbage collector is off here; code under test can switch it on in its own steps only.

A replay is made when a failure is certain, so what it tells besides is shown and not believed.
"""

from __future__ import annotations

from functools import partial
from itertools import count

from ..chaos import trace_this_thread
from ..doing import doing, drop, good, parts
from ..front import drive
from ..guard import refuse_new_code
from ..primitives import (
    opaque,
    or_end,
    start_thread,
)
from .bind import bind
from .fresh import forget_package
from .look import call_named
from .record import new_recorder, places_of_threads
from .scheduler import SCHEDULER
from .steps import (
    add_thread,
    make_objects,
    open_schedule,
    play,
    prepare_package,
    what_came,
    where_threads_stand,
)
from .values import copied, named_objects
from .virtual import forget_threads, replace_primitives

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

    from ..front import Step
    from .record import Recorder

    Call = tuple[str, str, str, list[Any], dict[str, Any]]
    Outcome = tuple[str, Any]
    Row = list[Any]  # thread, index, when it began, when it returned (or -1), as it should?, result
    Steps = Generator[Step, None, None]
    Made = Generator[Step, None, Any]
    Do = Callable[..., Generator[Step, None, Outcome]]
    Calls = Callable[..., Steps]

_UNWIND_SECONDS = 1.0
_NAMES = ("clock", "files", "pause", "blocks")  # as `make_objects` returns them
# Bound now, since code under test can change the class.
_enter, _leave, _sync, _join = SCHEDULER.enter, SCHEDULER.leave, SCHEDULER.sync, SCHEDULER.join
_begin, _end, _unwind = SCHEDULER.begin, SCHEDULER.end, SCHEDULER.unwind


def race_tools(package_dir: str) -> dict[str, Callable[..., Made]]:
    """The tools `explore` and `replay` for the package in `package_dir`: each is given the box of
    the thread that serves, and is a generator of steps that returns an outcome.
    """
    ready: dict[tuple[bool, frozenset[str]], Any] = {}

    def prepare(do: Do, program: dict[str, Any], coarse: bool) -> Made:  # noqa: FBT001
        """Compile what a program needs with points of both kinds: when it is asked for first, no
        code under test has run.
        """
        roots = frozenset([call[1][1:] for call in _calls_of(program) if call[1][:1] == ":"])
        for kind in (True, False):
            if (kind, roots) not in ready:
                asked = (package_dir, roots, kind, opaque(bind))
                ready[kind, roots] = good((yield from do(prepare_package, *asked)))
        refuse_new_code()
        return ready[coarse, roots]

    def explore(
        box: list[Outcome],
        program: dict[str, Any],
        folder: str,
        coarse: bool,  # noqa: FBT001
        specs: list[Any],
    ) -> Made:
        """One result for each schedule, up to the first that does not end as it should, or whose
        threads do not.
        """
        kept: list[Any] = []
        do = doing(box, kept)
        results: list[Any] = []
        start_afresh = yield from prepare(do, program, coarse)
        put_back = good((yield from do(replace_primitives)))
        for spec in specs:
            asked = (program, folder, package_dir, start_afresh, spec)
            results += ((yield from _schedule(box, *asked, None)),)
            if results[-1]["end"] != "done" or results[-1]["unwound"] is not True:
                break  # a thread that would not end must not run beside the next schedule
        yield from do(put_back)
        yield from do(forget_package)
        del put_back
        yield from drop(kept, {})
        return "ok", results

    def replay(
        box: list[Outcome],
        program: dict[str, Any],
        folder: str,
        coarse: bool,  # noqa: FBT001
        spec: Any,
    ) -> Made:
        """One result, with the schedule as switches and what each thread did line by line."""
        kept: list[Any] = []
        do, recorder = doing(box, kept), new_recorder(package_dir)
        start_afresh = yield from prepare(do, program, coarse)
        put_back = good((yield from do(replace_primitives)))
        asked = (program, folder, package_dir, start_afresh, spec)
        result = yield from _schedule(box, *asked, recorder)
        yield from do(put_back)
        yield from do(forget_package)
        del put_back
        yield from drop(kept, {})
        return "ok", {**result, "rows": recorder[0]}

    return {"explore": explore, "replay": replay}


def _calls_of(program: dict[str, Any]) -> list[Call]:
    parts = [program["setup"], *program["plans"], program["after"]]
    return [call for part in parts for call in part]


def _schedule(
    box: list[Outcome],
    program: dict[str, Any],
    folder: str,
    package_dir: str,
    start_afresh: Callable[[], None],
    spec: Any,
    recorder: Recorder | None,
) -> Made:
    """Run a program under one schedule; what comes back is plain, or an object of the package's."""
    kept: list[Any] = []
    objects: dict[str, Any] = {"folder": folder}
    rows: dict[str, list[Row]] = {"setup": [], "plans": [], "after": []}
    ended: list[Any] = []  # how it ended, and after how many steps
    over: list[bool] = []
    do = doing(box, kept)
    calls = _caller(objects, rows, over, recorder)
    main = _main(program, folder, start_afresh, calls, objects, rows, ended, kept, recorder)
    heard = None if recorder is None else recorder[3]
    task = good((yield from do(open_schedule, spec, package_dir, heard)))
    _start(task, main, kept, None)
    del task
    yield from do(play)
    over += (True,)
    seen = {phase: [tuple(row) for row in rows[phase]] for phase in rows}
    failure, steps, errors, switches = parts((yield from do(what_came)), 4)
    stand = []
    if recorder is not None and failure:
        stand = (yield from do(where_threads_stand, places_of_threads(package_dir)))[1]
    unwound = (yield from do(_unwind, _UNWIND_SECONDS))[1]
    yield from drop(kept, objects)
    return {
        **seen,
        "end": failure or (ended[0] if ended else "broken"),
        "steps": ended[1] if len(ended) > 1 and not failure else steps,
        "stand": stand,
        "errors": errors,
        "switches": switches,
        "unwound": unwound,
    }


def _main(
    program: dict[str, Any],
    folder: str,
    start_afresh: Callable[[], None],
    calls: Calls,
    objects: dict[str, Any],
    rows: dict[str, list[Row]],
    ended: list[Any],
    kept: list[Any],
    recorder: Recorder | None,
) -> Callable[[Do], Steps]:
    """Return the steps of task 0: set up, start the threads, wait, look at what they left."""

    def main(do: Do) -> Steps:
        nonlocal ended
        for step in (forget_threads, start_afresh):
            if (yield from do(step))[0] != "ok":
                return
        made = parts((yield from do(make_objects, folder, program["files"])), len(_NAMES))
        for place, name in enumerate(_NAMES):
            objects[name] = made[place]
        for call in program["setup"]:
            yield from calls(do, "setup", -1, [call])
            if not rows["setup"][-1][4]:
                ended += ("setup",)
                return
        good((yield from do(_begin)))
        if not (yield from _crowd(do, program, calls, kept, recorder)):
            return
        steps = (yield from do(_end))[1]
        for call in program["after"]:
            yield from calls(do, "after", -1, [call])
        ended += ("done", steps)
        made = ()
        yield from drop(kept, objects)  # what code under test does then, it does in virtual time

    return main


def _crowd(
    do: Do, program: dict[str, Any], calls: Calls, kept: list[Any], recorder: Recorder | None
) -> Generator[Step, None, bool]:
    """Start the threads of a program and wait for them; whether they came to their ends."""
    tasks: list[Any] = []
    for number, plan in enumerate(program["plans"]):
        task = parts((yield from do(add_thread, f"thread {number + 1}")), 2)
        tracer = None if recorder is None else recorder[4](task[1])
        own = partial(calls, phase="plans", number=number, plan=plan)
        _start(task[0], own, kept, tracer)
        tasks += (task,)
    for task in tasks:
        if (yield from do(_join, task[0]))[0] != "ok":
            return False
    return True


def _caller(
    objects: dict[str, Any],
    rows: dict[str, list[Row]],
    over: list[bool],
    recorder: Recorder | None,
) -> Calls:
    """Return how to make calls in order and record each: when it began, when it returned, what came
    back. Once the schedule is `over` nothing is recorded any more.
    """
    tick = count(1).__next__

    def calls(do: Do, phase: str, number: int, plan: list[Call]) -> Steps:
        found = rows[phase]
        for index, (into, owner, name, args, kwargs) in enumerate(plan):
            if number >= 0:
                yield from do(_sync)
            if over:
                return
            row: Row = [number, index, tick(), -1, False, None]
            found += (row,)
            if recorder is not None:
                recorder[1](number, index)
            target = owner if owner[:1] == ":" else objects[owner]
            named = named_objects(args, objects), named_objects(kwargs, objects)
            kind, value = yield from do(call_named, target, name, *named)
            if over:
                return
            if kind == "ok" and into:
                objects[into] = value
            row[5] = None if kind == "ok" and into else copied(value, 0)
            row[3], row[4] = tick(), kind == "ok"
            if recorder is not None:
                recorder[2](number, index)

    return calls


def _start(task: Any, steps_of: Callable[[Do], Steps], kept: list[Any], tracer: Any) -> None:
    """Start the thread of a task."""
    box: list[Outcome] = []
    do = doing(box, kept)

    def whole() -> Steps:
        if (yield from do(_enter, task))[0] == "ok":
            if tracer is not None:
                trace_this_thread(tracer)
            yield from steps_of(do)
        yield from do(_leave, task)

    start_thread(drive, (or_end(whole()), box))
