"""What `explore` has done in the open: the functions that it hands to `front.drive` as steps.

They touch the scheduler, modules and objects that code under test can find and change. So they run
where no frame of the agent's stands below them, and nothing that they return is believed.
"""

from __future__ import annotations

import _thread

from ..clock import ManualClock
from .files import Files
from .fresh import importer
from .instrument import read_package
from .look import Blocks
from .scheduler import DONE, SCHEDULER
from .strategies import strategy
from .virtual import Lock, Pause

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any

    from .scheduler import Task

CLOCK_START = 1_700_000_000.0  # seconds; `grader.oracle` begins at the same instant
_acquire = _thread.LockType.acquire


def prepare_package(
    package_dir: str,
    roots: frozenset[str],
    coarse: bool,  # noqa: FBT001
    bind: Callable[[CodeType], CodeType],
) -> Callable[[], None]:
    """Compile modules, and what they import; returns what makes the next imports fresh ones."""
    files = read_package(package_dir, roots, coarse=coarse)
    return importer({name: files[name]._replace(code=bind(files[name].code)) for name in files})


def make_objects(folder: str, needs_folder: bool) -> tuple[Any, ...]:  # noqa: FBT001
    """What a program finds besides what it makes: the clock, the files, the pause, the blocks."""
    files = Files(folder)
    if needs_folder:
        files.empty()
    return ManualClock(CLOCK_START), files, Pause(), Blocks()


def open_schedule(spec: Any, package_dir: str, recorder: Any) -> Task:
    """Begin a schedule; returns its first task. `recorder` hears who waits and who goes on."""
    SCHEDULER.start(strategy(*spec))
    SCHEDULER.package_dir, SCHEDULER.recorder = package_dir, recorder
    return SCHEDULER.add("main")


def add_thread(name: str) -> tuple[Task, int]:
    """A new task, and its number."""
    task = SCHEDULER.add(name)
    return task, task.number


def play() -> None:
    """Let the first task run, and wait until the schedule is over."""
    SCHEDULER.give_first_turn()
    _acquire(SCHEDULER.done)


def what_came() -> tuple[str, int, list[tuple[str, str]], list[tuple[int, int]]]:
    """How a schedule failed (empty if it did not), its steps, which threads of the package's own
    died of what, and its switches.
    """
    errors = [(name, type(error).__name__) for name, error in SCHEDULER.thread_errors]
    return SCHEDULER.failure, SCHEDULER.steps, errors, SCHEDULER.switches


def where_threads_stand(frames: dict[int, list[Any]]) -> list[tuple[Any, ...]]:
    """For each task that has not ended: its number, what it waits for, its frames of the package,
    and the locks that it holds, each as where it was made and taken.
    """
    return [
        (
            task.number,
            *_wanted(task.waits_for),
            frames.get(task.ident, []),
            [(lock.made_at, lock.taken_at) for lock in task.held],
        )
        for task in SCHEDULER.tasks
        if task.state != DONE and task.number
    ]


def _wanted(waits_for: Any) -> tuple[str, Any, Any, int]:
    """What a task waits for: its kind, where it was made and taken, and the number of the task that
    has it (or must end); 0 for none.
    """
    if isinstance(waits_for, Lock):
        owner = waits_for._owner
        return "lock", waits_for.made_at, waits_for.taken_at, owner.number if owner else 0
    if isinstance(waits_for, str):
        return waits_for, None, None, 0
    return (
        ("thread", None, None, waits_for.number) if waits_for is not None else ("", None, None, 0)
    )
