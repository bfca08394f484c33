"""The same package, program and seed give the same history, steps and switches on every version of
Python that is supported. Compared is what is on the PATH: `python3.11`, `python3.12`, `python3.13`.

Outside our power: `ThreadPoolExecutor`, whose workers do other things in another order since 3.12
(so that it is compared from there on), and the order of a set of objects of the package's own
classes, which hangs on their addresses unless they have a hash of their own. Texts are hashed the
same way everywhere, since agents run with a fixed hash seed.
"""

import random

import pytest

from grader.checks.design_kit import DESIGNS, submission
from grader.course import REFERENCE_DIR
from grader.oracle.workload import Workload, workloads
from grader.testkit.subjects import LockSubject, MemorySubject, StoreSubject
from grader.tests.race_agent import RaceAgent, pythons
from grader.tests.race_bench import MIXED, MIXED_PLANS, Bench, module, program

SPECS = [("walk", 1, 0.2), ("walk", 2, 1.0), ("walk", 3, 0.05), ("pct", 4, 3, 80)]
EXECUTORS = {"one_thread": "3.12"}
OPERATIONS = ("incr", "setnx", "keys", "expire", "delete", "dump", "persist", "purge_expired")


@pytest.fixture(scope="module")
def agents():
    """An agent of each version that is here; skips where there is only one."""
    found = pythons()
    if len(found) < 2:
        pytest.skip(f"only Python {', '.join(found)} is on the PATH: nothing to compare with")
    started = {version: RaceAgent(program) for version, program in found.items()}
    yield started
    for agent in started.values():
        agent.close()


def runs(agents, package, wire, tmp_path, *, coarse):
    """By version: the results of all schedules, and the first one written down."""
    found = {}
    for version, agent in agents.items():
        folder = str(tmp_path / "data")  # the same: its name may come back
        results = agent.explore(package, wire, SPECS, coarse=coarse, folder=folder)
        recorded = agent.replay(package, wire, SPECS[0], coarse=coarse, folder=folder)
        found[version] = results, recorded["switches"], recorded["plans"]
    return found


def check(agents, package, wire, tmp_path, *, coarse, since="3.11"):
    agents = {version: agents[version] for version in agents if version >= since}
    found = runs(agents, package, wire, tmp_path, coarse=coarse)
    first, *others = found
    assert len(found[first][0]) == len(SPECS)
    assert {result["end"] for result in found[first][0]} == {"done"}
    for other in others:
        assert found[other] == found[first], (first, other)
    return found[first]


@pytest.mark.parametrize("coarse", [False, True], ids=["fine", "coarse"])
def test_the_references_memory(agents, tmp_path, coarse):
    drawn = workloads(random.Random(5), aim=OPERATIONS[:4], count=3, threads=3, calls=3)
    for workload in drawn:
        check(agents, REFERENCE_DIR, MemorySubject().program(workload), tmp_path, coarse=coarse)


@pytest.mark.parametrize("coarse", [False, True], ids=["fine", "coarse"])
def test_the_references_store(agents, tmp_path, coarse):
    options = (("sync", "interval"), ("snapshot_interval", 5.0))
    drawn = workloads(random.Random(6), aim=("incr", "apply_batch"), count=2, calls=2)
    for workload in drawn:
        plans = (*workload.plans, (("snapshot", ()), ("pause", (6,))))
        subject = StoreSubject(options)
        wire = subject.program(Workload(workload.before, plans))
        check(agents, REFERENCE_DIR, wire, tmp_path, coarse=coarse)


def test_the_references_lock(agents, tmp_path):
    read = ("acquire_read", ()), ("release_read", ())
    write = ("acquire_write", ()), ("release_write", ())
    wire = LockSubject().program(Workload((), (read + write, write, read, write + read)))
    for coarse in (False, True):
        check(agents, REFERENCE_DIR, wire, tmp_path, coarse=coarse)


@pytest.mark.parametrize("design", sorted(path.name for path in DESIGNS.iterdir() if path.is_dir()))
def test_other_designs(agents, tmp_path, design):
    package = submission(design, tmp_path / "kvstore")
    subject = StoreSubject() if (DESIGNS / design / "store.py").exists() else MemorySubject()
    [workload] = workloads(random.Random(7), aim=OPERATIONS[1:3], count=1, threads=3)
    for coarse in (False, True):
        wire = subject.program(workload)
        check(agents, package, wire, tmp_path, coarse=coarse, since=EXECUTORS.get(design, "3.11"))


@pytest.mark.parametrize("coarse", [False, True], ids=["fine", "coarse"])
def test_queues_conditions_timers_and_executors(agents, tmp_path, coarse):
    whole, without = tmp_path / "whole", tmp_path / "without"
    for folder, source, since in (
        (whole, MIXED, "3.12"),
        (without, MIXED.replace("futures.ThreadPoolExecutor(2)", "Pool()"), "3.11"),
    ):
        folder.mkdir()
        bench = Bench(agents, folder, module(source, POOL))
        wire = program(*MIXED_PLANS)
        results, switches, _plans = check(
            agents, bench.package, wire, tmp_path, coarse=coarse, since=since
        )
        assert len({str(result["plans"]) for result in results}) > 1
        assert switches


POOL = """
class Pool:
    def __enter__(self): return self
    def __exit__(self, *error): pass
    def map(self, function, items):
        found = []
        work = [threading.Thread(target=lambda n=n: found.append(function(n))) for n in items]
        for thread in {*work}: thread.start()
        for thread in {*work}: thread.join()
        return found
"""
SYNTAX = """
    def __init__(self): self.n, self.d, self.seen = 0, {'a': [1, 2]}, []
    def go(self):
        import contextlib, dataclasses, enum, functools
        @dataclasses.dataclass(order=True)
        class Row:
            n: int
            def __hash__(self): return self.n
        class Kind(enum.Enum):
            A = 1
        @contextlib.contextmanager
        def inside():
            self.n += 1
            yield self.n
            self.n -= 1
        @functools.lru_cache
        def cached(n): return self.n + n
        with inside() as n:
            match n, self.d:
                case 1 | 2, {'a': [first, *rest]} if first in self.d['a']:
                    self.seen.append(f'{self.n:>{n}} {rest!r} {sorted({Row(2), Row(1)})} {Kind.A}')
                case _:
                    self.seen += [x.n for x in sorted([Row(3), Row(2)], key=lambda row: row.n)]
        while self.n > 5 or (m := cached(n)) < 0: pass
        for key, (one, *more) in self.d.items():
            self.d[key][0] += one + len(more)
        return m, {k: max(v, default=0) for k, v in self.d.items()}, [*map(str, {'x', 'y', 'z'})]
"""


@pytest.mark.parametrize("coarse", [False, True], ids=["fine", "coarse"])
def test_every_sort_of_syntax(agents, tmp_path, coarse):
    bench = Bench(agents, tmp_path, module(SYNTAX))
    check(agents, bench.package, program(["go"], ["go", "go"]), tmp_path, coarse=coarse)
