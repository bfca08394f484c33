"""What tests of the race finder itself share: a small package with an agent, programs for it, and
what to ask of results.
"""

import textwrap

from grader.tests.race_agent import RaceAgent

WALKS = [("walk", seed, chance) for seed in range(6) for chance in (0.1, 0.5, 1.0)]
PCTS = [("pct", seed, 3, 60) for seed in range(6)]
SPECS = WALKS + PCTS


def keep_agents():
    """Yield a dictionary for agents by name; end them afterwards."""
    started = {}
    yield started
    for agent in started.values():
        agent.close()


class Bench:
    """One package `kvstore` whose module `m` has a class `T`, and an agent for it."""

    def __init__(self, agents, folder, source):
        self._agents = agents
        self.package = folder / "kvstore"
        self.package.mkdir()
        (self.package / "__init__.py").write_text("")
        self.add("m", source)

    def add(self, name, source):
        (self.package / f"{name}.py").write_text(textwrap.dedent(source))

    def agent(self, name="first") -> RaceAgent:
        if name not in self._agents or not self._agents[name].is_alive():
            self._agents[name] = RaceAgent()
        return self._agents[name]

    def renew(self):
        if "first" in self._agents:
            self._agents.pop("first").close()

    def run(self, *plans, specs=SPECS, coarse=False, agent="first"):
        """Results of plans of a `T`; a plan is names of methods, or (name, arguments...)."""
        return self.agent(agent).explore(self.package, program(*plans), specs, coarse=coarse)

    def replay(self, *plans, spec, coarse=False):
        return self.agent().replay(self.package, program(*plans), spec, coarse=coarse)


def program(*plans, after=("state",)):
    calls = [[_call(call) for call in plan] for plan in plans]
    made = ("t", ":m", "T", [], {})
    return {"setup": [made], "plans": calls, "after": [_call(c) for c in after], "files": False}


def _call(call):
    name, *args = call if isinstance(call, tuple) else (call,)
    return ("", "t", name, args, {})


def bench_maker(agents, folder):
    """Return a function that makes a bench: `body` is the body of class `T`, `head` stands above
    it. `state` looks at `seen` unless the body defines it.
    """

    def make(body, head=""):
        return Bench(agents, folder, module(body, head))

    return make


def module(body, head=""):
    """The source of a module with a class `T`."""
    imports = "import queue, threading, time\nfrom concurrent import futures\n"
    body = textwrap.indent(textwrap.dedent(body), "    ")
    state = "" if "def state" in body else "    def state(self): return self.seen\n"
    return f"{imports}{textwrap.dedent(head)}\nclass T:\n    seen = None\n{body}\n{state}"


def ends(results):
    return {result["end"] for result in results}


def values(results):
    """What came back from the threads' calls, sorted by thread and place, of each schedule."""
    return [[row[5] for row in sorted(result["plans"])] for result in results]


def states(results):
    return [result["after"][-1][5] for result in results]


def kinds(result):
    """Classes of what the threads' calls raised."""
    return {row[5]["names"][0] for row in result["plans"] if not row[4] and row[3] >= 0}


MIXED = """
    def __init__(self):
        self.lock, self.done, self.items = threading.Condition(), threading.Event(), queue.Queue(2)
        self.seen, self.room = [], threading.Semaphore(2)
    def put(self, n):
        self.items.put(n)
        with self.room:
            self.seen.append(('put', n, time.monotonic()))
        with self.lock:
            self.lock.notify_all()
    def take(self):
        with self.lock:
            while self.items.empty():
                self.lock.wait()
        n = self.items.get()
        self.seen.append(('took', n, threading.current_thread().name))
        self.done.set()
        return n
    def rest(self):
        timer = threading.Timer(0.5, self.seen.append, ['timer'])
        timer.start()
        found = self.done.wait(0.25), self.done.wait(1)
        timer.join()
        with futures.ThreadPoolExecutor(2) as pool:
            return found, list(pool.map(lambda n: n * self.items.qsize(), [1, 2, 3]))
"""
MIXED_PLANS = [("put", 1), ("put", 2)], ["take", "take"], ["rest"]

COUNTER = """
    def __init__(self): self.n = 0
    def incr(self):
        n = self.n
        self.n = n + 1
        return n
    def state(self): return self.n
"""
