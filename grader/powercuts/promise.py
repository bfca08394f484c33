"""What must be there after a power cut: which calls counted, under each sync policy.

A history is a sequence of calls on one thread. Of those before a power cut some have returned, one
may be under way. What is there afterwards must be what some first calls of the history made: no
fewer than the policy promises, no more than had begun. A call that raised may have made all of its
change or nothing of it.

Not here: how calls are made, and what a disk holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grader.oracle.history import Op
from grader.powercuts.answers import Answer
from grader.powercuts.effects import Event
from grader.powercuts.subject import Contents, Subject


@dataclass(frozen=True)
class Bounds:
    """How many of the first calls must be there, and how many may be."""

    low: int
    high: int


@dataclass(frozen=True)
class Promise:
    """What a history allows. `made[n]` are the contents that its first `n` calls may have made;
    there is more than one when calls raised.
    """

    made: tuple[tuple[Contents, ...], ...]
    lows: tuple[int, ...]  # by how many calls have ended

    def allows(self, bounds: Bounds, contents: Contents) -> bool:
        """Whether that may be there."""
        return any(one == contents for one in self.allowed(bounds))

    def allowed(self, bounds: Bounds) -> list[Contents]:
        """What may be there, most calls first."""
        numbers = range(bounds.high, bounds.low - 1, -1)
        return [contents for number in numbers for contents in self.made[number]]


def promise_of(
    subject: Subject, history: Sequence[Op], answers: Sequence[Answer], interval: float
) -> Promise:
    """Return what a history allows after which the calls gave these answers."""
    made: list[tuple[Contents, ...]] = [(subject.start,)]
    memory = subject.start  # what was there for the calls, which a failed one did not change
    for op, answer in zip(history, answers, strict=True):
        before = made[-1]
        changed = tuple(subject.after(contents, op) for contents in before)
        refusal = answer.refusal
        if refusal is None:
            new = subject.after(memory, op)
            made.append(before if new == memory else changed)
            memory = new
        elif "OSError" in refusal.names:
            made.append((*changed, *(one for one in before if one not in changed)))
        else:
            made.append(before)
    return Promise(tuple(made), tuple(_lows(subject, history, answers, interval)))


def _lows(
    subject: Subject, history: Sequence[Op], answers: Sequence[Answer], interval: float
) -> list[int]:
    """For each number of calls that have ended, how many must be there."""
    lows, low, now = [0], 0, 0.0
    appended: list[float] = []  # when each call returned
    for ended, (op, answer) in enumerate(zip(history, answers, strict=True), 1):
        now += subject.seconds(op)
        appended.append(now)
        if answer.refusal is None:
            if subject.sync == "always" or subject.covers(op):
                low = ended
            elif subject.sync == "interval" and not subject.seconds(op):
                # An append that comes `interval` after another leaves no earlier one unsynced.
                late = [n for n, at in enumerate(appended, 1) if now - at >= interval]
                low = max(low, *late) if late else low
        lows.append(low)
    return lows


def bounds_at(events: Sequence[Event], point: int, first: int, promise: Promise) -> Bounds:
    """The bounds after `point` events; `first` is the number of the history's first call."""
    begun = sum(event[0] == "begin" and event[1] >= first for event in events[:point])
    ended = sum(event[0] == "end" and event[1] >= first for event in events[:point])
    return Bounds(promise.lows[ended], begun)
