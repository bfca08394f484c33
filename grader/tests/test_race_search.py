"""Searching and shrinking: on small packages with a bug that was put there."""

import random
import textwrap

import pytest

from grader.oracle.workload import Workload, workloads
from grader.races import plan
from grader.races.explorer import Explorer
from grader.races.search import Search
from grader.remote.failures import ProcessDied, RemoteError
from grader.testkit.races import PROGRAMS, SCHEDULES
from grader.testkit.subjects import LockSubject, MemorySubject
from grader.tests.race_counter import (
    INCR,
    LOST,
    LOST_WAKE_UP,
    TWO,
    TWO_LOCKS,
    WAIT,
    CounterSubject,
    counter,
    open_sessions,
)

SEEDS = range(20)


@pytest.fixture
def session_of(package):
    """Start a session on a package made of the given modules."""
    yield from open_sessions(package)


# Planted bugs are found.

STORE = """
    import threading
    from .errors import NotAnIntegerError

    class MemoryStore:
        def __init__(self, clock):
            self.lock, self.items, self.deadlines = threading.RLock(), {}, {}
        def get(self, key):
            with self.lock:
                return self.items.get(key)
        def set(self, key, value):
            with self.lock:
                self.items[key] = value
                self.deadlines.pop(key, None)
        def delete(self, key):
            with self.lock:
                self.deadlines.pop(key, None)
                return self.items.pop(key, None) is not None
        def setnx(self, key, value):
            with self.lock:
                if key in self.items:
                    return False
                self.set(key, value)
                return True
        def incr(self, key, by=1):
            with self.lock:
                try:
                    n = int(self.items.get(key, b'0')) + by
                except ValueError:
                    raise NotAnIntegerError('no') from None
                self.items[key] = b'%d' % n
                return n
        def keys(self, pattern='*'):
            with self.lock:
                return [key for key in self.items]
        def expire_at(self, key, deadline_ns):
            with self.lock:
                self.deadlines[key] = deadline_ns
                return key in self.items
        def deadline(self, key):
            with self.lock:
                return self.deadlines.get(key)
"""


def without_lock(method):
    """The store whose method takes no lock."""
    head, name, rest = STORE.partition(f"def {method}(")
    first, _lock, body = rest.partition("            with self.lock:\n")
    own, end, others = body.partition("        def ")
    return head + name + first + textwrap.indent(textwrap.dedent(own), " " * 12) + end + others


PLANTED = {
    "incr": "order",
    "setnx": "order",
    "keys": "exception",
}


def find(session, subject, aim, seed):
    """The first failure that `Races.explore` would find with a seed, and the search."""
    rng, search = random.Random(seed), Search(Explorer(session))
    drawn = workloads(rng, aim=aim, count=PROGRAMS, moves_clock=False)
    for number, workload in enumerate(drawn):
        found = search.try_workload(subject, workload, number, rng.getrandbits(30), SCHEDULES)
        if found is not None:
            return found, search
    return None, search


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_found_with_every_seed(session_of, name):
    session = session_of(memory=without_lock(name))
    for seed in SEEDS:
        found, search = find(session, MemorySubject(), [name], seed)
        assert found is not None, seed
        assert found.problem.kind in (PLANTED[name], "order")
        assert 0 < found.schedules <= search.schedules <= PROGRAMS * SCHEDULES


def test_a_right_store_passes_with_every_seed(session_of):
    session = session_of(memory=STORE)
    for seed in SEEDS[:4]:
        found, search = find(session, MemorySubject(), ("incr", "setnx", "keys"), seed)
        assert found is None
        assert search.schedules == PROGRAMS * SCHEDULES


HANGS = {
    "two orders": (TWO_LOCKS, Workload((), ((("incr", ()),) * 2, (("reset", ()),) * 2))),
    "no wake-up": (LOST_WAKE_UP, Workload((), (WAIT, INCR))),
}


@pytest.mark.parametrize("name", HANGS)
def test_a_deadlock_is_found_with_every_seed(session_of, name):
    source, workload = HANGS[name]
    session = session_of(counter=source)
    for seed in SEEDS:
        search = Search(Explorer(session))
        found = search.try_workload(CounterSubject(), workload, 0, 1000 * seed, 120)
        assert found is not None, seed
        assert found.problem.kind == "deadlock"


def test_the_same_seed_finds_the_same(session_of):
    session = session_of(memory=without_lock("incr"))
    (first, _), (second, _) = (find(session, MemorySubject(), ["incr"], 3) for _ in range(2))
    assert first == second


# Shrinking.


def test_a_failure_ends_in_two_calls_and_one_switch(session_of):
    session = session_of(counter=LOST)
    long = Workload(INCR * 2, (INCR * 3, (("look", ()),) + INCR * 2, INCR))
    for seed in SEEDS[:6]:
        search = Search(Explorer(session))
        found = search.try_workload(CounterSubject(), long, 0, seed, 40)
        short = search.shrink(search.weigh(found), 20)
        plans = short.trial.workload.plans
        assert (short.trial.workload.before, [len(p) for p in plans]) == ((), [1, 1])
        assert {call[0] for calls in plans for call in calls} == {"incr"}
        name, switches = short.trial.spec
        assert (name, len(switches)) == ("switches", 1)
        assert (short.problem.kind, short.latent) == ("state", False)
        assert short.schedules == found.schedules


def test_the_short_failure_is_one(session_of):
    session = session_of(memory=without_lock("incr"))
    found, search = find(session, MemorySubject(), ["incr"], 5)
    short = search.shrink(search.weigh(found), 20)
    subject, workload = short.trial.subject, short.trial.workload
    explorer = Explorer(session)
    [run] = explorer.explore(
        subject.program(workload), [short.trial.spec], coarse=short.trial.coarse
    )
    assert run == short.run
    assert subject.judge(workload, run) == short.problem
    assert short.problem.sort == found.problem.sort


MANY_KINDS = counter(
    """
    def __init__(self): self.n, self.a, self.b = 0, threading.Lock(), threading.Lock()
    def incr(self):
        n = self.state()
        self.n = n + 1
    def one(self):
        with self.a:
            with self.b: pass
    def two(self):
        with self.b:
            with self.a: pass
    def state(self): return self.n
    """
)


@pytest.mark.parametrize("kind", ["state", "deadlock"])
def test_shrinking_keeps_the_sort_of_failure(session_of, kind):
    session = session_of(counter=MANY_KINDS)
    mixed = Workload((), ((*INCR, ("one", ())), (("two", ()), *INCR)))
    search = Search(Explorer(session))
    tried = (search.try_workload(CounterSubject(), mixed, 0, seed, 40) for seed in range(50))
    found = next(found for found in tried if found and found.problem.kind == kind)
    short = search.shrink(found, 20)
    assert short.problem.kind == kind
    wanted = {"state": {"incr"}, "deadlock": {"one", "two"}}[kind]
    assert {call[0] for calls in short.trial.workload.plans for call in calls} == wanted


LOCK = """
    import threading
    class RWLock:
        def __init__(self):
            self.ready, self.readers, self.writer = threading.Condition(), 0, False
        def acquire_read(self):
            with self.ready:
                while self.writer: self.ready.wait()
                self.readers += 1
        def release_read(self):
            with self.ready:
                self.readers -= 1
                WAKE
        def acquire_write(self):
            with self.ready:
                while self.writer or self.readers: self.ready.wait()
                self.writer = True
        def release_write(self):
            with self.ready:
                self.writer = False
                self.ready.notify_all()
"""
READ = ("acquire_read", ()), ("pause", (1,)), ("release_read", ())
WRITE = ("acquire_write", ()), ("release_write", ())


def test_no_call_is_left_out_that_lets_others_go_on(session_of):
    """A writer that never lets go hangs with any lock; shown is a lock that wakes nobody."""
    session = session_of(rwlock=LOCK.replace("WAKE", "pass"))
    search = Search(Explorer(session))
    found = search.try_workload(LockSubject(), Workload((), (READ + READ, WRITE + READ)), 0, 1, 60)
    assert found.problem.kind == "deadlock"
    short = search.shrink(found, 20)
    calls = [call[0] for calls in short.trial.workload.plans for call in calls]
    assert calls.count("acquire_read") == calls.count("release_read") >= 1
    assert "acquire_write" in calls
    right = session_of(rwlock=LOCK.replace("WAKE", "self.ready.notify_all()"))
    program = LockSubject().program(short.trial.workload)
    specs = [short.trial.spec, *plan.schedules(1, 40, 40)]
    assert {run.end for run in Explorer(right).explore(program, specs, coarse=False)} == {"done"}


def test_shrinking_stops_in_time(session_of):
    session = session_of(counter=LOST)
    search = Search(Explorer(session))
    found = search.try_workload(CounterSubject(), Workload((), (INCR * 3, INCR * 3)), 0, 1, 40)
    before = search.schedules
    assert search.shrink(found, 0).problem.kind == "state"
    assert search.schedules - before <= 60


def test_an_agent_that_dies_while_shrinking_leaves_what_was_found(session_of):
    session = session_of(counter=LOST)
    search = Search(Explorer(session))
    found = search.try_workload(CounterSubject(), TWO, 0, 1, 40)

    def die(_reply):
        raise ProcessDied("gone")

    session.forge = die
    assert search.shrink(found) == found


def test_a_set_up_that_raises_is_the_packages_failure(session_of):
    session = session_of(counter=counter("def __init__(self): raise ValueError('no')"))
    with pytest.raises(RemoteError) as caught:
        Search(Explorer(session)).try_workload(CounterSubject(), TWO, 0, 1, 40)
    assert caught.value.names[0] == "ValueError"


# Latent or not.

LATENT = {
    "self.n = self.n + 1": True,
    "self.n += 1": True,
    "n = self.n\n        self.n = n + 1": True,
    "n = self.state()\n        self.n = n + 1": False,
    "n = self.n\n        print(end='')\n        self.n = n + 1": False,
    "n = self.n\n        for _ in (1, 2): pass\n        self.n = n + 1": False,
}


@pytest.mark.parametrize("body", LATENT)
def test_a_race_is_latent_if_todays_python_never_switches_there(session_of, body):
    head = f"class Counter:\n    n = 0\n    def incr(self):\n        {body}\n"
    source = head + "    def state(self): return self.n"
    session = session_of(counter=source)
    for seed in SEEDS[:5]:
        search = Search(Explorer(session))
        found = search.try_workload(CounterSubject(), TWO, 0, seed, 80)
        assert found is not None
        weighed = search.weigh(found)
        assert weighed.latent is LATENT[body]
        assert weighed.trial.coarse is not LATENT[body]
        assert search.shrink(weighed, 5).latent is LATENT[body]


# Schedules to try.


def test_schedules_are_of_every_kind_and_never_the_same():
    specs = plan.schedules(7, 60, 50)
    assert len(set(specs)) == len(specs) == 60
    assert {spec[0] for spec in specs} == {"walk", "pct"}
    assert len({spec[2] for spec in specs if spec[0] == "walk"}) > 3
    assert specs == plan.schedules(7, 60, 50)
    assert not {spec[1] for spec in specs} & {spec[1] for spec in plan.schedules(70, 60, 50)}


def test_single_switches_are_spread_evenly():
    everything = plan.single_switches(30, 2, 1000)
    assert len(everything) == 60
    some = plan.single_switches(300, 2, 40)
    assert 30 <= len(some) <= 40
    assert min(s[1][0][0] for s in some) < 20 < 280 < max(s[1][0][0] for s in some)
    assert plan.single_switches(0, 2, 40) == []
