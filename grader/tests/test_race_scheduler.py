"""One thread at a time, in an order that a seed decides; what hangs and what starves is told."""

import pytest

from grader.tests.race_bench import (
    COUNTER,
    MIXED,
    MIXED_PLANS,
    SPECS,
    bench_maker,
    ends,
    keep_agents,
    states,
    values,
)


@pytest.fixture(scope="module")
def agents():
    """Agents by name, started when they are first asked for."""
    yield from keep_agents()


@pytest.fixture
def bench(agents, tmp_path):
    """Make a package, see `grader.tests.race_bench`."""
    return bench_maker(agents, tmp_path)


# The same schedule, again and again.


def test_a_seed_gives_the_same_history_twice_and_in_another_process(bench):
    counter = bench(COUNTER)
    plans = ["incr", "incr"], ["incr"], ["incr"]
    first = counter.run(*plans)
    assert counter.run(*plans) == first
    assert counter.run(*plans, agent="second") == first
    assert [counter.run(*plans, specs=[spec])[0] for spec in SPECS[::5]] == first[::5]
    assert len(set(map(str, values(first)))) > 3  # the seeds do differ


@pytest.mark.parametrize("coarse", [False, True])
def test_a_recorded_schedule_gives_the_same_history(bench, coarse):
    mixed = bench(MIXED)
    results = mixed.run(*MIXED_PLANS, coarse=coarse)
    assert ends(results) == {"done"}
    for spec, result in list(zip(SPECS, results, strict=True))[::3]:
        recorded = mixed.replay(*MIXED_PLANS, spec=spec, coarse=coarse)
        given = ("switches", recorded["switches"])
        [again] = mixed.run(*MIXED_PLANS, specs=[given], coarse=coarse)
        recorded_again = mixed.replay(*MIXED_PLANS, spec=given, coarse=coarse)
        assert again == result
        assert {name: recorded[name] for name in result} == result
        assert recorded_again["switches"] == recorded["switches"]
        assert recorded_again["rows"] == recorded["rows"]


def test_a_schedule_of_its_first_import_is_like_any_other(bench):
    importing = bench(
        """
        def look(self):
            import colorsys, sched, wave
            from kvstore import other
            return other.name(colorsys)
        """
    )
    importing.add("other", "def name(module): return module.__name__")
    importing.renew()
    results = importing.run(["look"], ["look"], specs=[("walk", 3, 0.5)] * 3)
    assert results[0] == results[1] == results[2]
    assert values(results)[0] == ["colorsys", "colorsys"]


def test_nothing_that_a_module_keeps_leaks_into_the_next_schedule(bench):
    keeping = bench(
        """
        made = 0
        def __init__(self): T.made += 1
        def count(self):
            with LOCK:
                SEEN.append(1)
                CACHE[len(CACHE)] = helper.count()
            return len(SEEN), len(CACHE), T.made, helper.count(), cached(), user.use()
        """,
        head="""
            import functools
            from . import helper, user
            LOCK, SEEN, CACHE = threading.Lock(), [], {}
            @functools.cache
            def cached(): return helper.count()
        """,
    )
    keeping.add("helper", "n = 0\ndef count():\n  global n\n  n += 1\n  return n")
    keeping.add("user", "from .helper import count\ndef use(): return count()")
    results = keeping.run(["count"], ["count"], specs=[("walk", 1, 0.5)] * 3)
    assert results[0] == results[1] == results[2]
    assert max(row[0] for row in values(results)[0]) == 2


def test_names_of_threads_begin_anew(bench):
    named = bench(
        """
        def start(self):
            names = []
            own = threading.Thread(target=lambda: names.append(threading.current_thread().name))
            own.start(); own.join()
            with futures.ThreadPoolExecutor(1) as pool:
                pool.submit(lambda: names.append(threading.current_thread().name)).result()
            return names, own.name, threading.current_thread().name
        """
    )
    results = named.run(["start"], specs=[("walk", 1, 0.5)] * 3)
    assert results[0] == results[1] == results[2]
    [[(names, own, caller)]] = values(results)[:1]
    assert names[0] == own
    assert names[1] == "ThreadPoolExecutor-0_0"
    assert caller not in names


# Nobody starves, and nobody hangs.


@pytest.mark.parametrize("spin", ["pass", "time.sleep(0)", "self.look()"])
def test_a_loop_that_waits_for_another_thread_ends(bench, spin):
    spinning = bench(
        f"""
        def __init__(self): self.free = False
        def look(self): pass
        def wait(self):
            while not self.free:
                {spin}
            return 'free'
        def set_free(self): self.free = True
        """
    )
    for coarse in (False, True):
        results = spinning.run(["wait"], ["set_free"], coarse=coarse)
        assert ends(results) == {"done"}
        assert max(result["steps"] for result in results) < 3_000


def test_a_spin_lock_does_not_hang(bench):
    spinning = bench(
        """
        def __init__(self): self.lock, self.n = threading.Lock(), 0
        def incr(self):
            while not self.lock.acquire(blocking=False):
                pass
            try:
                self.n += 1
            finally:
                self.lock.release()
        def incr_soon(self):
            while not self.lock.acquire(timeout=0):
                pass
            self.n += 1
            self.lock.release()
        def state(self): return self.n
        """
    )
    results = spinning.run(["incr", "incr_soon"], ["incr", "incr_soon"])
    assert ends(results) == {"done"}
    assert set(states(results)) == {4}


def test_threads_that_run_on_for_ever_are_a_livelock(bench):
    spinning = bench("def run(self):\n    while self.seen is None: pass")
    [result] = spinning.run(["run"], ["run"], specs=SPECS[:1])
    assert (result["end"], result["unwound"]) == ("livelock", True)
    assert result["steps"] >= 20_000
    assert all(row[3] == -1 for row in result["plans"])


def test_a_thread_that_waits_again_and_again_in_vain_is_a_livelock(bench):
    waiting = bench(
        """
        def run(self):
            ready = threading.Condition()
            with ready:
                while not self.seen:
                    ready.wait(1.0)
        """
    )
    assert ends(waiting.run(["run"], specs=SPECS[:1])) == {"livelock"}


def test_a_long_way_alone_is_quick_and_no_livelock_of_its_own(bench):
    alone = bench("def run(self):\n    for _ in range(9000): self.seen = _\n    return self.seen")
    assert values(alone.run(["run"], specs=SPECS[:2])) == [[8999], [8999]]


# Deadlocks.


def test_two_locks_in_two_orders(bench):
    locks = bench(
        """
        def __init__(self): self.a, self.b = threading.Lock(), threading.Lock()
        def one(self):
            with self.a:
                with self.b: pass
        def two(self):
            with self.b:
                with self.a: pass
        """
    )
    alone = locks.run(["one", "two"])
    assert ends(alone) == {"done"}
    found = next(
        result
        for spec in SPECS
        if (result := locks.replay(["one"], ["two"], spec=spec))["end"] != "done"
    )
    assert (found["end"], found["unwound"]) == ("deadlock", True)
    assert [(row[0], row[3]) for row in sorted(found["plans"])] == [(0, -1), (1, -1)]
    assert found["steps"] > 0
    waits = sorted((entry[0], entry[1], entry[4]) for entry in found["stand"])
    assert waits == [(1, "lock", 2), (2, "lock", 1)]


HANGS = {
    "a condition that nobody notifies": """
        def run(self):
            ready = threading.Condition()
            with ready: ready.wait()
    """,
    "a wake-up that is lost": """
        def __init__(self): self.ready, self.is_set = threading.Condition(), False
        def run(self):
            if not self.is_set:
                time.sleep(1)
                with self.ready: self.ready.wait()
        def other(self):
            self.is_set = True
            with self.ready: self.ready.notify_all()
    """,
    "the end of a thread that waits": """
        def run(self):
            never = threading.Event()
            waits = threading.Thread(target=never.wait)
            waits.start()
            waits.join()
    """,
    "a lock that is taken twice": """
        def run(self):
            lock = threading.Lock()
            lock.acquire()
            lock.acquire()
    """,
    "a lock that nobody gives back": """
        def __init__(self): self.lock = threading.Lock()
        def run(self): self.lock.acquire()
        other = run
    """,
    "a semaphore": "def run(self): threading.Semaphore(0).acquire()",
    "an event": "def run(self): threading.Event().wait()",
    "a barrier": "def run(self): threading.Barrier(2).wait()",
    "an empty queue": "def run(self): queue.Queue().get()",
    "an empty simple queue": "def run(self): queue.SimpleQueue().get()",
    "a full queue": """
        def run(self):
            full = queue.LifoQueue(1)
            full.put(1); full.put(2)
    """,
    "a future": "def run(self): return futures.Future().result()",
    "two executors that wait for one another": """
        def run(self):
            with futures.ThreadPoolExecutor(1) as pool:
                return pool.submit(lambda: pool.submit(int).result()).result()
    """,
    "a real lock of the import": """
        def run(self):
            import _thread
            lock = _thread.allocate_lock()
            lock.acquire(); lock.acquire()
    """,
}


@pytest.mark.parametrize("name", HANGS)
def test_what_can_never_go_on_is_a_deadlock(bench, name):
    hanging = bench(HANGS[name])
    plans = (["run"], ["other"]) if "other" in HANGS[name] else (["run"],)
    [result] = hanging.run(*plans, specs=[("switches", [])])
    assert (result["end"], result["unwound"]) == ("deadlock", True)


def test_background_threads_that_wake_up_for_ever_do_not_hide_a_deadlock(bench):
    busy = bench(
        """
        def __init__(self):
            def beat():
                while True: time.sleep(1)
            threading.Thread(target=beat, daemon=True).start()
        def run(self): threading.Event().wait()
        def fine(self): time.sleep(7); return time.monotonic() > 7
        """
    )
    assert ends(busy.run(["run"], specs=SPECS[:1])) == {"deadlock"}
    assert values(busy.run(["fine"], ["fine"], specs=SPECS[:3])) == [[True, True]] * 3


def test_a_deadlock_says_where_locks_were_made_and_taken(bench):
    locks = bench(
        """
        def __init__(self):
            self.a = threading.Lock()
            self.ready = threading.Condition()
        def hold(self):
            with self.ready: self.ready.wait(1)
            self.a.acquire()
            with self.ready:
                self.ready.wait()
        def want(self):
            time.sleep(5)
            self.a.acquire()
        """
    )
    lines = (locks.package / "m.py").read_text().splitlines()
    line = {text.strip(): number for number, text in reversed([*enumerate(lines, 1)])}
    recorded = locks.replay(["hold"], ["want"], spec=("switches", []))
    assert recorded["end"] == "deadlock"
    made = ("m.py", line["self.a = threading.Lock()"], "__init__")
    taken = ("m.py", line["self.a.acquire()"], "hold")
    stand = {entry[0]: entry for entry in recorded["stand"]}
    assert stand[2][1:5] == ("lock", made, taken, 1)
    assert (made, taken) in stand[1][6]
    assert stand[1][5][-1] == ("m.py", line["self.ready.wait()"], "hold")
    kept = [entry for entry in stand[1][6] if entry[0] != entry[1]]
    assert kept == [(made, taken)]  # what a condition makes for one wait stands made as taken
