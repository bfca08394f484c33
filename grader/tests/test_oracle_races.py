"""Generated programs and the checker together, on a store in which one operation takes two steps.

All interleavings are tried: the programs find the race, and find none where there is none.
"""

import random

import pytest

from grader.oracle.history import Call
from grader.oracle.linearizable import check_store
from grader.oracle.model import Raises, Within
from grader.oracle.operations import OPERATIONS, READS, state_after
from grader.oracle.whole import AnyOrder, State
from grader.oracle.workload import last_looks, workloads

PROGRAMS = 20
VIEWS = ["keys", "dump", "__len__"]
# A blind write may look as often as it likes; the others do not touch memory.
BLIND = {"set", "snapshot", "close", "reopen", "advance"}
TORN = sorted(OPERATIONS.keys() - READS - BLIND) + VIEWS


class Machine:
    """A store that takes one step at a time; an operation in `torn` needs two of them.

    A torn write looks first, and later writes what it made of that; a torn batch writes "x" first.
    A torn view looks at "x" first, and later at the others.
    """

    def __init__(self, start, torn):
        self.state, self.torn = start, torn
        self.history = []
        self.instant = 0

    def thread(self, number, plan):
        """Run a plan; each `yield` ends a step."""
        for name, args in plan:
            invoked, first = self.instant, self.state
            if name in self.torn:
                if name == "apply_batch":
                    self._write("x", OPERATIONS[name].act(first, args, first.now_ns)[1])
                yield
            expected = self._finish(first, name, args)
            raises = (expected.error,) if isinstance(expected, Raises) else ()
            gives = None if raises else _example(expected)
            times = 2 * invoked, 2 * self.instant + 1
            self.history.append(Call(number, name, args, *times, gives, raises))
            yield

    def _finish(self, first, name, args):
        act = OPERATIONS[name].act
        if name in VIEWS:
            return act(self.state.put("x", first.find("x")), args, first.now_ns)[0]
        expected, after = act(first, args, first.now_ns)
        old, new = dict(first.records), dict(after.records)
        for key in sorted(old.keys() | new.keys()):
            if old.get(key) != new.get(key):
                self._write(key, after)
        return expected

    def _write(self, key, after):
        self.state = self.state.put(key, dict(after.records).get(key))


def _example(expected):
    if isinstance(expected, AnyOrder):
        return list(expected.members)
    return expected.high if isinstance(expected, Within) else expected


def run(program, schedule, torn):
    """Run a program, step by step, and look at every key at the end; return what was seen."""
    machine = Machine(state_after(State(), program.before), torn)
    threads = [machine.thread(number, plan) for number, plan in enumerate(program.plans)]
    for number in schedule:
        next(threads[number])
        machine.instant += 1
    list(machine.thread(-1, last_looks(program)))
    return machine.history


def schedules(steps):
    """All orders of so many steps of each thread."""
    if not any(steps):
        yield ()
    for number, left in enumerate(steps):
        if left:
            rest = (*steps[:number], left - 1, *steps[number + 1 :])
            yield from ((number, *order) for order in schedules(rest))


def is_caught(program, torn):
    steps = tuple(sum(1 + (name in torn) for name, _ in plan) for plan in program.plans)
    start = state_after(State(), program.before)
    verdicts = {
        check_store(run(program, schedule, torn), start).kind for schedule in schedules(steps)
    }
    assert verdicts <= {"ok", "violated"}
    return "violated" in verdicts


def programs_for(*aim):
    return list(workloads(random.Random(3), aim=aim, count=PROGRAMS))


@pytest.mark.parametrize("name", TORN)
def test_programs_for_an_operation_find_that_it_is_torn(name):
    """So many of them do that a handful is enough."""
    caught = sum(is_caught(program, {name}) for program in programs_for(name))
    assert caught >= PROGRAMS // 4


@pytest.mark.parametrize("name", TORN)
def test_an_operation_of_one_step_is_never_caught(name):
    assert not any(is_caught(program, ()) for program in programs_for(name, "set"))


def test_a_purge_that_removes_a_fresh_value_is_found():
    programs = programs_for("purge_expired", "set")
    assert any(is_caught(program, {"purge_expired"}) for program in programs)
