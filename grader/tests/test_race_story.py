"""A failing schedule is told line by line: who did what, who waits for what."""

import itertools
from dataclasses import replace

import pytest

from grader.oracle.workload import Workload
from grader.races import plan
from grader.races.explorer import Explorer
from grader.races.replay import ScheduleReplay, check_of_program
from grader.races.search import Search, Trial
from grader.races.story import tell
from grader.tests.race_counter import (
    INCR,
    LOST,
    LOST_WAKE_UP,
    TWO,
    TWO_LOCKS,
    WAIT,
    CounterSubject,
    open_sessions,
)


@pytest.fixture
def session_of(package):
    """Start a session on a package made of the given modules."""
    yield from open_sessions(package)


def told(session, subject, workload, spec, *, coarse=False):
    """The story of one schedule that fails."""
    search = Search(Explorer(session))
    trial = Trial(subject, workload, 0, (1 << 20) - 1, coarse, spec)
    program = subject.program(workload)
    [run] = Explorer(session).explore(program, [spec], coarse=coarse)
    found = search._run(replace(trial, kept=(1 << 20) - 1), [spec])
    assert found is not None, run
    recording = Explorer(session).replay(program, spec, coarse=coarse)
    replay = ScheduleReplay(
        "test_x", 1, 0, check_of_program(workload), trial.kept, coarse, tuple(recording.switches)
    )
    return tell(found, recording, program, replay, session.package)


def single_failing(session, subject, workload):
    """The first schedule with a single switch that fails."""
    program, explorer = subject.program(workload), Explorer(session)
    [run] = explorer.explore(program, [("switches", [])], coarse=False)
    for spec in plan.single_switches(run.steps, len(workload.plans), 1000):
        [run] = explorer.explore(program, [spec], coarse=False)
        problem = run.end != "done" or subject.judge(workload, run)
        if problem:
            return spec
    raise AssertionError("no single switch makes it fail")


def test_an_interleaving_has_the_lines_of_both_threads_in_order(session_of):
    session = session_of(counter=LOST)
    story = told(session, CounterSubject(), TWO, single_failing(session, CounterSubject(), TWO))
    assert story.threads == ("A", "B")
    texts = [(moment.thread, moment.kind) for moment in story.moments]
    assert texts[0] == (0, "call")
    assert texts.count((0, "call")) == texts.count((1, "call")) == 1
    assert texts.count((0, "return")) == texts.count((1, "return")) == 1
    own = LOST.splitlines()
    for moment in story.moments:
        if moment.kind == "line" and moment.file:
            assert moment.file == "counter.py"
            assert own[moment.line - 1].strip() == moment.text.removeprefix("… ")
    assert any("n = 0" in saw for moment in story.moments for saw in moment.saw)
    assert any(moment.hurts for moment in story.moments)
    turns = [thread for thread, _moments in itertools.groupby(m.thread for m in story.moments)]
    assert turns in ([0, 1, 0], [1, 0, 1])


def test_a_deadlock_names_locks_by_where_they_were_made(session_of):
    session = session_of(counter=TWO_LOCKS)
    workload = Workload((), (INCR, (("reset", ()),)))
    story = told(
        session, CounterSubject(), workload, single_failing(session, CounterSubject(), workload)
    )
    assert len(story.waits) == 2
    wants = {wait.wants for wait in story.waits}
    holds = {held.what for wait in story.waits for held in wait.holds}
    assert len(wants) == 2
    assert wants == holds
    assert all("counter.py" in name for name in wants)
    assert {wait.call for wait in story.waits} == {"counter.incr()", "counter.reset()"}
    assert all(wait.frames and wait.frames[-1].file == "counter.py" for wait in story.waits)


def test_a_lost_wake_up_is_told_as_one(session_of):
    session = session_of(counter=LOST_WAKE_UP)
    workload = Workload((), (WAIT, INCR))
    found = Search(Explorer(session)).try_workload(CounterSubject(), workload, 0, 1, 120)
    program = CounterSubject().program(workload)
    recording = Explorer(session).replay(program, found.trial.spec, coarse=found.trial.coarse)
    replay = ScheduleReplay("test_x", 1, 0, check_of_program(workload), 3, found.trial.coarse, ())
    story = tell(found, recording, program, replay, session.package)
    [wait] = story.waits
    assert "wake" in wait.wants
    assert wait.holds == ()
    assert "woken up" in story.diagnosis
