"""The turn: of all threads of a schedule, exactly one runs; every other one stands at its gate.

A thread gives its turn away at switch points of the package's code (`left` counts down to the next
one that matters) and at operations of virtual locks and threads (`sync`, `block`). Every such
decision has a step number, so a schedule is known by the steps at which another thread than usual
got the turn: `switches`. The clock is virtual: it stands still while anybody can run, and then
moves to the next deadline.

Invariants:
- `current` is the task whose thread runs, and nobody else changes anything here.
- What `ready` holds, in which order, depends on the program, the source and the strategy alone.
- A deadlock is found when nobody can run and no deadline of the program's own threads is left.
"""

from __future__ import annotations

import _thread

from .strategies import NEVER, Quiet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

STEPS_MAX = 20_000  # of one schedule; more is a livelock
FAIR_STEPS = 400  # without a switch while others could run: a spin loop must not starve them
IDLE_JUMPS_MAX = 200  # of the clock for background threads alone, while the program waits

BACKGROUND_FIRST = 100  # number of a thread that the package starts

READY, BLOCKED, DONE = "ready", "blocked", "done"

# Looked up now: `virtual` puts others into their places.
_new_lock, _start_thread, _ident = (
    _thread.allocate_lock,
    _thread.start_new_thread,
    _thread.get_ident,
)
_acquire, _release = _thread.LockType.acquire, _thread.LockType.release


class Abort(BaseException):
    """Ends a thread whose schedule is over."""


class Task:
    """One thread of a schedule."""

    def __init__(self, number: int, name: str, *, background: bool) -> None:
        self.number = number
        self.name = name
        self.background = background
        self.state = READY
        self.waits_for: Any = None
        self.deadline: float | None = None
        self.timed_out = False
        self.priority = 0.0
        self.ident = 0  # of the real thread
        self.held: list[Any] = []  # virtual locks, oldest first
        self.gate = _held_lock()
        self.over = _held_lock()


class Scheduler:
    """One schedule after the other; `start` begins a new one."""

    def __init__(self) -> None:
        self.active = False
        self.package_dir = ""
        self.start(Quiet())
        self.active = False

    def start(self, strategy: Quiet) -> None:
        """Forget the last schedule. Until `begin`, nobody is interrupted."""
        self.active = True
        self.aborting = self.is_held = False
        self.tasks: list[Task] = []
        self.ready: list[Task] = []
        self.current: Any = None
        self.now = 0.0  # virtual seconds since the start
        self.failure = ""
        self.switches: list[tuple[int, int]] = []
        self.thread_errors: list[tuple[str, Any]] = []
        self.recorder: Any = None
        self.done = _held_lock()
        self._wanted = strategy
        self._strategy = Quiet()
        self._since = 0  # the step of `begin`
        self._switched = 0  # the step of the last switch
        self._due = NEVER  # the next step at which the strategy wants to be asked
        self._jumps = 0
        self._horizon = self.left = STEPS_MAX

    @property
    def step(self) -> int:
        """How many decisions there were so far."""
        return self._horizon - self.left

    @property
    def steps(self) -> int:
        """How many there were since `begin`."""
        return self.step - self._since

    def begin(self) -> None:
        """From here on the strategy decides, and steps are counted anew."""
        self._since = self._switched = self.step
        self._strategy = self._wanted
        self._strategy.begin(self._since)
        for task in self.ready:
            self._strategy.welcome(task)
        self._due = self._since
        self._look_ahead()

    def end(self) -> int:
        """From here on nobody is interrupted; returns how many steps there were since `begin`."""
        steps = self.steps
        self._strategy, self._due = Quiet(), NEVER
        self._since = self._switched = self.step
        self._look_ahead()
        return steps

    # What threads call.

    def on_step(self) -> None:
        """The countdown is over: `left` is not positive."""
        if not self.active:
            self._horizon = self.left = NEVER
            return
        if self.aborting:
            raise Abort
        step = self._check_budget(self.current)
        usual = chosen = self._usual(step)
        if step >= self._due:
            chosen = self._strategy.at_point(step, self.current, usual, self.ready)
        if usual is not self.current:
            self._strategy.demote(self.current)
            chosen = chosen if chosen is not self.current else usual
        self._look_ahead()
        self._go_to(chosen, usual, step)

    def sync(self) -> None:
        """An operation of a lock or a thread is about to happen, or has happened."""
        if self.aborting:
            raise Abort
        self.left -= 1
        if self.left <= 0:
            self.on_step()
        elif len(self.ready) > 1:
            step = self.step
            chosen = self._strategy.at_sync(step, self.current, self.ready)
            self._go_to(chosen, self.current, step)

    def block(self, waits_for: Any, seconds: float | None = None) -> bool:
        """Wait until `wake(waits_for)`; False when `seconds` of virtual time went by before, and at
        once when there are none.
        """
        if self.aborting:
            raise Abort
        if seconds is not None and seconds <= 0:
            return False
        if self.is_held:
            raise RuntimeError("this would wait for a thread that stands still with all others")
        task = self.current
        task.state, task.waits_for, task.timed_out = BLOCKED, waits_for, False
        task.deadline = None if seconds is None else self.now + seconds
        self.ready.remove(task)
        if self.recorder is not None:
            self.recorder.waits(task)
        self._pass_on(task)
        return not task.timed_out

    def wake(self, waited_for: Any) -> None:
        """Let everybody who waits for it look again."""
        for task in self.tasks:
            if task.waits_for is waited_for and task.state == BLOCKED:
                self._ready_again(task)

    def join(self, task: Task, seconds: float | None = None) -> bool:
        """Wait for the end of a task; False when time ran out."""
        self.sync()
        while task.state != DONE:
            if not self.block(task, seconds):
                return False
        return True

    def hold(self) -> Callable[[], None]:
        """Somebody looks around in the thread whose turn it is: nothing counts, and nobody else
        runs, until the function is called that this returns. Not with a strategy that draws.
        """
        if not self.active or self.is_held:
            return lambda: None
        left, self.left, self.is_held = self.left, NEVER, True

        def go_on() -> None:
            self.left, self.is_held = left, False

        return go_on

    # The life of a thread.

    def add(self, name: str, *, background: bool = False) -> Task:
        """A new task; its thread must call `enter` and `leave`.

        The program's threads count from 0, those of the package's own from `BACKGROUND_FIRST`.
        """
        alike = sum(task.background == background for task in self.tasks)
        number = alike + BACKGROUND_FIRST if background else alike
        task = Task(number, name, background=background)
        self.tasks.append(task)
        self.ready.append(task)
        self._strategy.welcome(task)
        return task

    def spawn(self, function: Callable[[], None], name: str) -> Task:
        """Start a thread of the package's own."""
        task = self.add(name, background=True)
        _start_thread(self._run, (task, function))
        return task

    def enter(self, task: Task) -> None:
        """The first thing that a task's thread does: wait for its first turn."""
        task.ident = _ident()
        _acquire(task.gate)
        if self.aborting:
            raise Abort

    def leave(self, task: Task) -> None:
        """The last thing that a task's thread does; without `enter`'s turn it only says so."""
        task.state = DONE
        if not self.aborting:
            self.ready.remove(task)
            self.wake(task)
            if task.number == 0:
                self._finish()
            else:
                self._pass_on(task)
        _release(task.over)

    def give_first_turn(self) -> None:
        """Start the schedule with task 0, from outside of it."""
        self.current = self.tasks[0]
        _release(self.current.gate)

    def unwind(self, seconds: float) -> bool:
        """After `done`, from outside: end every thread, one at a time; False if one does not."""
        self.aborting = True
        for task in self.tasks:
            if task.state != DONE:
                self.current = task
                _release(task.gate)
            if not _acquire(task.over, True, seconds):  # noqa: FBT003
                return False
        self.active = False
        return True

    def _run(self, task: Task, function: Callable[[], None]) -> None:
        try:
            self.enter(task)
            function()
        except Abort:
            return
        finally:
            self.leave(task)

    # Decisions.

    def _usual(self, step: int) -> Task:
        """Who has the turn at a step if no strategy says otherwise."""
        current: Task = self.current
        if step - self._switched <= FAIR_STEPS:
            return current
        if len(self.ready) == 1:
            self._switched = step  # nobody else was kept waiting
            return current
        later = [task for task in self.ready if task.number > current.number]
        return (later or self.ready)[0]

    def _go_to(self, chosen: Task, usual: Task, step: int) -> None:
        if chosen is not usual:
            self.switches.append((step - self._since, chosen.number))
        current = self.current
        if chosen is not current:
            self._hand_over(chosen, step)
            _acquire(current.gate)
            if self.aborting:
                raise Abort

    def _pass_on(self, task: Task) -> None:
        """The task whose turn it was cannot go on: choose another, and wait at the gate unless the
        task has ended.
        """
        self.left -= 1
        if self.left <= 0:
            self._check_budget(task)
            self._look_ahead()
        if self.aborting:
            return
        if not self.ready and not self._move_clock():
            self._fail("deadlock", task)
            return
        step = self.step
        chosen = self._strategy.at_block(step, self.ready)
        if chosen is not self.ready[0]:
            self.switches.append((step - self._since, chosen.number))
        if not chosen.background:
            self._jumps = 0
        if chosen is task:
            return
        self._hand_over(chosen, step)
        if task.state != DONE:
            _acquire(task.gate)
            if self.aborting:
                raise Abort

    def _hand_over(self, chosen: Task, step: int) -> None:
        self._switched = step
        if self.recorder is not None:
            self.recorder.switches(self.current, chosen)
        self.current = chosen
        _release(chosen.gate)

    def _move_clock(self) -> bool:
        """Nobody can run: move the clock to the next deadline; False if there is none that counts.

        Threads in the background that wake up for ever do not hide that the program hangs.
        """
        self._jumps += 1
        timed = [task for task in self.tasks if task.state == BLOCKED and task.deadline is not None]
        if not timed:
            return False
        if self._jumps > IDLE_JUMPS_MAX and all(task.background for task in timed):
            return False
        self.now = max(self.now, min(task.deadline or 0.0 for task in timed))
        for task in timed:
            if task.deadline is not None and task.deadline <= self.now:
                task.timed_out = True
                self._ready_again(task)
        return True

    def _ready_again(self, task: Task) -> None:
        task.state, task.waits_for, task.deadline = READY, None, None
        self.ready.append(task)
        self.ready.sort(key=lambda task: task.number)

    def _look_ahead(self) -> None:
        """Set the countdown to the next step at which something may happen."""
        step = self.step
        if self._due <= step:
            self._due = self._strategy.next_step(step)
        fair = max(step, self._switched + FAIR_STEPS) + 1
        self._horizon = max(step + 1, min(self._due, fair, self._since + STEPS_MAX + 1))
        self.left = self._horizon - step

    def _check_budget(self, task: Task) -> int:
        step = self.step
        if step - self._since > STEPS_MAX:
            self._fail("livelock", task)
        return step

    def _fail(self, kind: str, task: Task) -> None:
        self.failure = self.failure or kind
        self._finish()
        if task.state != DONE:
            _acquire(task.gate)
            raise Abort

    def _finish(self) -> None:
        """Tell the outside that the schedule is over; every thread stands still or has ended."""
        self.aborting = True
        _release(self.done)


def _held_lock() -> Any:
    lock = _new_lock()
    _acquire(lock)
    return lock


SCHEDULER = Scheduler()
