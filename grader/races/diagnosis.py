"""One sentence that says what went wrong, in the words of the bug and not of the checker."""

from __future__ import annotations

from collections.abc import Sequence

from grader.oracle.history import Call
from grader.outcome import Wait
from grader.races.explorer import Run
from grader.races.problem import NO_ORDER, Problem
from grader.remote.trace import show

WAKE_UP = "a wake-up that nobody is left to send"
_ONCE = {
    "setnx": "stored the value, though only one can: looking whether the key is there and storing"
    " it are two steps",
    "delete": "removed the key, though only one can: looking and removing are two steps",
    "persist": "took the same deadline away: looking and removing are two steps",
}

_LOOKS = {"get", "exists", "deadline", "ttl"}
_WRITES = {"set", "delete", "setnx", "incr", "expire", "expire_at", "persist", "apply_batch"}
_LOOK_AND_WRITE = {"incr", "setnx", "expire", "expire_at", "persist"}


def diagnose(problem: Problem, run: Run, waits: Sequence[Wait] = ()) -> str:
    """Return the sentence for a problem; the first rule that fits wins."""
    if problem.kind == "deadlock" and waits:
        return _deadlock(waits)
    calls = problem.verdict.calls if problem.verdict else tuple(run.plans)
    for rule in (_exception, _lost_update, _won_twice, _torn_read, _undone):
        sentence = rule(problem, calls)
        if sentence:
            return sentence
    return _plain(problem)


def _deadlock(waits: Sequence[Wait]) -> str:
    sleeping = [wait for wait in waits if wait.wants == WAKE_UP]
    if len(sleeping) == len(waits):
        who = "one thread waits" if len(waits) == 1 else "all threads that are left wait"
        return f"{who} to be woken up, and nobody is left who would do it"
    wanted = {wait.wants for wait in waits}
    held = {held.what for wait in waits for held in wait.holds}
    if wanted & held:
        return "each thread waits for a lock, and what it holds meanwhile keeps another one waiting"
    return "nobody can go on: a lock is wanted that was never released"


def _exception(problem: Problem, calls: Sequence[Call]) -> str:
    if problem.kind != "exception":
        return ""
    call = problem.calls[0]
    kind = call.errors[0]
    if len({c.thread for c in calls}) == 1:
        return f"{call.name} raised {kind}, without any other thread"
    if kind == "RuntimeError":
        return (
            f"{call.name} walked through a collection while another thread changed its size"
            " (RuntimeError)"
        )
    if kind == "KeyError":
        return f"{call.name} looked for a key that another thread had just removed (KeyError)"
    return f"{call.name} raised {kind} because another thread came in between"


def _lost_update(problem: Problem, calls: Sequence[Call]) -> str:
    seen: dict[tuple[str, object], Call] = {}
    for call in calls:
        if call.name != "incr" or type(call.result) is not int:
            continue
        step = call.args[1] if len(call.args) > 1 else 1
        before = call.result - step
        other = seen.get((call.args[0], before))
        if other is not None and other.thread != call.thread:
            return f"both threads read {before} before either wrote: incr is not atomic"
        seen[call.args[0], before] = call
    return ""


def _won_twice(problem: Problem, calls: Sequence[Call]) -> str:
    for name, what in _ONCE.items():
        won = [call for call in calls if call.name == name and call.result is True]
        threads = {(call.thread, call.args[0]) for call in won}
        keys = [key for _thread, key in threads]
        if problem.kind == "order" and any(keys.count(key) > 1 for key in keys):
            return f"two threads {what}"
    return ""


def _torn_read(problem: Problem, calls: Sequence[Call]) -> str:
    looks = {"keys", "__len__", "dump"}
    verdict = problem.verdict
    if verdict is None or problem.kind != "order":
        return ""
    torn = [call for call in verdict.unplaced if call.name in looks]
    if not torn:
        return ""
    name = "len" if torn[0].name == "__len__" else torn[0].name
    batches = any(call.name == "apply_batch" for call in calls)
    what = "half of a batch" if batches else "some keys before a change and others after it"
    return f"{name} saw {what}: it does not show one instant"


def _undone(problem: Problem, calls: Sequence[Call]) -> str:
    """A look at the end finds what nobody can have left: somebody wrote what it had read before."""
    verdict = problem.verdict
    if verdict is None or not any(call.name in _LOOKS for call in verdict.unplaced):
        return ""
    for call in calls:
        rivals = [c for c in calls if c.thread != call.thread and c.name in _WRITES]
        if call.name == "purge_expired" and rivals:
            return f"purge_expired removed what {rivals[0].name} had stored while it ran"
        if call.name in _LOOK_AND_WRITE and rivals:
            return (
                f"{call.name} undid {rivals[0].name}: it looks first and writes later, and the"
                " other thread came in between"
            )
    return ""


def _plain(problem: Problem) -> str:
    verdict = problem.verdict
    if problem.sentence != NO_ORDER or verdict is None or not verdict.unplaced:
        return problem.sentence
    call = verdict.unplaced[0]
    args = ", ".join(map(show, call.args))
    return f"no order of these calls explains that {call.name}({args}) returned {show(call.result)}"
