"""Whatever an agent says, it is never taken for a pass unless it fits what was asked."""

import pytest

from grader.oracle.workload import Workload
from grader.races.explorer import Explorer
from grader.remote.failures import ProcessDied
from grader.tests.race_counter import INCR, LOST, TWO, CounterSubject, counter, open_sessions


@pytest.fixture
def session_of(package):
    """Start a session on a package made of the given modules."""
    yield from open_sessions(package)


def change(path, value):
    """A forger that puts a value at a place of the reply."""

    def forge(reply):
        *way, last = path
        for step in way:
            reply = reply[step]
        reply[last] = value(reply[last]) if callable(value) else value

    def whole(reply):
        copied = _lists(reply)
        forge(copied)
        return copied

    return whole


def _lists(value):
    """The same with lists in the place of tuples, so that it can be changed."""
    if type(value) is dict:
        return {key: _lists(item) for key, item in value.items()}
    return [*map(_lists, value)] if type(value) in (list, tuple) else value


def drop(rows):
    return rows[:-1]


def double(rows):
    return [*rows, rows[-1]]


PLANS = (0, "plans")
FORGED = {
    "not a list": lambda _reply: None,
    "a text": lambda _reply: "done",
    "a dictionary": lambda _reply: {},
    "no run": lambda _reply: [],
    "a run missing": lambda reply: reply[:-1],
    "a run too many": lambda reply: [*reply, reply[-1]],
    "a bad run behind the last": lambda reply: [*reply, {**reply[-1], "end": "deadlock"}],
    "a bad run in the middle": lambda reply: [{**reply[0], "end": "deadlock"}, *reply[1:]],
    "no end": change((0, "end"), ""),
    "an end of its own": change((0, "end"), "fine"),
    "a set-up that did not fail": change((0, "end"), "setup"),
    "steps that are no number": change((0, "steps"), "many"),
    "steps without end": change((0, "steps"), float("inf")),
    "steps that are true": change((0, "steps"), True),
    "steps beyond all reason": change((0, "steps"), 10**12),
    "negative steps": change((0, "steps"), -5),
    "no plans": change(PLANS, None),
    "a row missing": change(PLANS, drop),
    "no rows": change(PLANS, []),
    "a row twice": change(PLANS, double),
    "the same row again for one that is missing": change(PLANS, lambda r: [r[0], r[1], r[0]]),
    "an unknown thread": change((*PLANS, 0, 0), 7),
    "a thread of the set-up": change((*PLANS, 0, 0), -1),
    "an unknown call": change((*PLANS, 0, 1), 5),
    "a call from behind": change((*PLANS, 0, 1), -1),
    "a place that is a text": change((*PLANS, 0, 1), "0"),
    "began never": change((*PLANS, 0, 2), None),
    "began at a text": change((*PLANS, 0, 2), "3"),
    "began before the set-up": change((*PLANS, 0, 2), 0),
    "returned before it began": change((*PLANS, 0, 3), 1),
    "returned at no number": change((*PLANS, 0, 3), float("nan")),
    "returned never": change((*PLANS, 0, 3), -1),
    "a row that is too short": change((*PLANS, 0), drop),
    "a row that is too long": change((*PLANS, 0), double),
    "raised nothing": change((*PLANS, 0, 4), False),
    "neither raised nor not": change((*PLANS, 0, 4), 2),
    "set-up rows missing": change((0, "setup"), []),
    "after rows missing": change((0, "after"), []),
    "after before the threads": change((0, "after", 0, 2), 1),
    "errors of another shape": change((0, "errors"), [1]),
    "a key missing": lambda reply: [{k: v for k, v in r.items() if k != "after"} for r in reply],
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_reply_is_a_broken_process(session_of, name):
    session = session_of(counter=LOST)
    explorer = Explorer(session)
    program = CounterSubject().program(Workload((), (INCR * 2, INCR)))
    specs = [("switches", []), ("switches", [])]
    assert [run.end for run in explorer.explore(program, specs, coarse=True)] == ["done"] * 2
    session.forge = FORGED[name]
    kills = session.kills
    with pytest.raises(ProcessDied):
        explorer.explore(program, specs, coarse=True)
    assert session.kills > kills


ROWS = ("rows",)
FORGED_RECORDINGS = {
    "not a dictionary": lambda _reply: [],
    "no rows": change(ROWS, None),
    "a row that is none": change((*ROWS, 0), 5),
    "a row that is too short": change((*ROWS, 0), drop),
    "a row of an unknown kind": change((*ROWS, 0, 1), "jump"),
    "a call that was never made": change((*ROWS, 0, 3), 9),
    "a negative call": change((*ROWS, 0, 3), -1),
    "a line that is a text": change((*ROWS, 1, 3), "5"),
    "a file that is none": change((*ROWS, 1, 2), 5),
    "sights that are none": change((*ROWS, 1, 5), [None]),
    "switches that are none": change(("switches",), [5]),
    "switches that are texts": change(("switches",), [("1", "2")]),
    "switches beyond all reason": change(("switches",), [(10**12, 1)]),
    "a name without end": change((*ROWS, 0, 4), "x" * 10**6),
    "negative switches": change(("switches",), [(-1, 2)]),
    "a stand of another shape": change(("stand",), [(1, 2)]),
    "a stand with another frame": change(("stand",), [(1, "lock", None, None, 0, [("m.py",)], [])]),
    "a stand with another lock": change(("stand",), [(1, "lock", 5, None, 0, [], [])]),
    "a stand with other holds": change(("stand",), [(1, "lock", None, None, 0, [], [(1, 2)])]),
}


@pytest.mark.parametrize("name", FORGED_RECORDINGS)
def test_a_forged_recording_is_a_broken_process(session_of, name):
    session = session_of(counter=LOST)
    explorer = Explorer(session)
    program = CounterSubject().program(TWO)
    assert explorer.replay(program, ("switches", []), coarse=True).run.end == "done"
    session.forge = FORGED_RECORDINGS[name]
    with pytest.raises(ProcessDied):
        explorer.replay(program, ("switches", []), coarse=True)


def test_threads_that_cannot_be_ended_cost_a_process_and_no_schedule(session_of):
    session = session_of(
        counter=counter(
            """
            def __init__(self): self.n = 0
            def incr(self):
                self.n += 1
                if self.n == 2: self.leave()
            def leave(self):
                def go_on():
                    for _ in range(10 ** 9):
                        try: time.sleep(1)
                        except BaseException: pass
                threading.Thread(target=go_on, daemon=True).start()
                time.sleep(1)
            def state(self): return self.n
            """
        )
    )
    program = CounterSubject().program(TWO)
    specs = [("switches", []), ("switches", [])]
    runs = Explorer(session).explore(program, specs, coarse=False)
    assert [run.end for run in runs] == ["done", "done"]
    assert session.kills == 2
    assert not session.is_started
