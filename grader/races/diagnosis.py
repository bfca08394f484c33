"""One sentence that says what went wrong, in the words of the bug and not of the checker."""

from __future__ import annotations

from collections.abc import Sequence

from grader.oracle.history import Call
from grader.races.explorer import Run
from grader.races.problem import Problem

_ONCE = {
    "setnx": "stored the value, though only one can: looking whether the key is there and storing"
    " it are two steps",
    "delete": "removed the key, though only one can: looking and removing are two steps",
    "persist": "took the same deadline away: looking and removing are two steps",
}


def diagnose(problem: Problem, run: Run) -> str:
    """Return the sentence for a problem; the first rule that fits wins."""
    calls = problem.verdict.calls if problem.verdict else tuple(run.plans)
    for rule in (_exception, _lost_update, _won_twice, _torn_read):
        sentence = rule(problem, calls)
        if sentence:
            return sentence
    return _plain(problem, run)


def _exception(problem: Problem, _calls: Sequence[Call]) -> str:
    if problem.kind != "exception":
        return ""
    call = problem.calls[0]
    kind = call.errors[0]
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


def _plain(problem: Problem, run: Run) -> str:
    sentence = problem.sentence
    if problem.kind == "order" and problem.verdict is not None and problem.verdict.unplaced:
        call = problem.verdict.unplaced[0]
        args = ", ".join(map(repr, call.args))
        sentence = (
            f"no order of these calls explains that {call.name}({args}) returned {call.result!r}"
        )
    return sentence[:1].lower() + sentence[1:] if sentence else "the calls got in each other's way"
