"""What tests of searching and telling share: a session without walls, a counter as a subject."""

import textwrap
from dataclasses import dataclass

from grader.oracle.workload import Workload
from grader.races.problem import Problem
from grader.races.program import Invocation, Program
from grader.tests.race_agent import RaceAgent


class PlainSession:
    """A session as the explorer sees it, without walls; `forge` may change a reply."""

    data_dir = None

    def __init__(self, package):
        self.package, self.generation, self.kills = package, 0, 0
        self.agent = None
        self.forge = lambda reply: reply
        self.requests = []

    @property
    def is_started(self):
        return self.agent is not None

    def ask(self, _doing, verb, tool, arguments):
        assert verb == "tool"
        if self.agent is None:
            self.agent = RaceAgent()
        self.requests.append((tool, arguments))
        program, folder, coarse, specs = arguments
        return self.forge(self.agent.ask(str(self.package), tool, program, folder, coarse, specs))

    def kill(self):
        self.generation += 1
        self.kills += 1
        if self.agent is not None:
            self.agent.close()
            self.agent = None


def open_sessions(package):
    """Yield how to start a session on a package made of the given modules; end them afterwards."""
    started = []

    def make(**modules):
        started.append(PlainSession(package(**modules)))
        return started[-1]

    yield make
    for session in started:
        session.kill()


@dataclass(frozen=True)
class CounterSubject:
    """A `Counter` in `counter.py`: after n times `incr` it must say n."""

    name = "counter"

    def program(self, workload):
        made = Invocation(":counter", "Counter", into=self.name)
        plans = tuple(tuple(self._call(op) for op in plan) for plan in workload.plans)
        before = tuple(self._call(op) for op in workload.before)
        return Program((made, *before), plans, (Invocation(self.name, "state"),))

    def judge(self, workload, run):
        raised = next((call for call in (*run.plans, *run.after) if call.errors), None)
        if raised:
            return Problem("exception", f"{raised.name} raised {raised.errors[0]}", (raised,))
        calls = sum(call.name == "incr" for call in (*run.setup, *run.plans))
        found = run.after[-1].result
        return None if found == calls else Problem("state", f"{found} after {calls} calls")

    def _call(self, op):
        return Invocation(self.name, *op)


def counter(body, head=""):
    start = f"import threading, time\n{textwrap.dedent(head)}\nclass Counter:\n"
    return start + textwrap.indent(textwrap.dedent(body), "    ")


LOST = counter(
    """
    def __init__(self): self.n = 0
    def incr(self):
        n = self.state()
        self.n = n + 1
    def look(self): return self.n
    def state(self): return self.n
    """
)
INCR = (("incr", ()),)
TWO = Workload((), (INCR, INCR))

TWO_LOCKS = counter(
    """
    def __init__(self):
        self.n = 0
        self.a = threading.Lock()
        self.b = threading.Lock()
    def incr(self):
        with self.a, self.b: self.n += 1
    def reset(self):
        with self.b, self.a: self.n += 0
    def state(self): return self.n
    """
)
LOST_WAKE_UP = counter(
    """
    def __init__(self): self.n, self.ready, self.is_set = 0, threading.Condition(), False
    def wait(self):
        if not self.is_set:
            with self.ready:
                self.ready.wait()
    def incr(self):
        self.n, self.is_set = self.n + 1, True
        with self.ready:
            self.ready.notify_all()
    def state(self): return self.n
    """
)
WAIT = (("wait", ()),)
