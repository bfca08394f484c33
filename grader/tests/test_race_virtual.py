"""Locks and time of a schedule do as Python's own do."""

import queue
import threading
import time

import pytest

from grader.tests.race_bench import (
    COUNTER,
    SPECS,
    bench_maker,
    ends,
    keep_agents,
    kinds,
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


# Everything that stands on locks, right programs.

RIGHT = {
    "Lock": "LOCK = threading.Lock",
    "RLock": "LOCK = threading.RLock",
    "Condition": "LOCK = threading.Condition",
    "Semaphore": "LOCK = threading.Semaphore",
    "BoundedSemaphore": "LOCK = threading.BoundedSemaphore",
    "_thread.allocate_lock": "import _thread\nLOCK = _thread.allocate_lock",
    "from threading import Lock": "from threading import Lock as LOCK",
}


@pytest.mark.parametrize("name", RIGHT)
def test_under_a_lock_nothing_is_lost(bench, name):
    counter = bench(
        """
        def __init__(self): self.lock, self.n = LOCK(), 0
        def incr(self):
            with self.lock:
                n = self.n
                self.n = n + 1
        def state(self): return self.n
        """,
        head=RIGHT[name],
    )
    results = counter.run(["incr", "incr"], ["incr"], ["incr"])
    assert ends(results) == {"done"}
    assert set(states(results)) == {4}


def test_without_one_something_is(bench):
    results = bench(COUNTER).run(["incr", "incr"], ["incr"], ["incr"])
    assert set(states(results)) > {4}


TOGETHER = {
    "Event": (
        """
        def __init__(self): self.event = threading.Event()
        def one(self): return self.event.wait(), self.event.is_set()
        def two(self): return self.event.set()
        """,
        {((True, True), None)},
    ),
    "Barrier": (
        """
        def __init__(self): self.seen, self.barrier = [], threading.Barrier(2)
        def one(self):
            self.seen.append(1)
            return self.barrier.wait() in (0, 1) and len(self.seen)
        two = one
        """,
        {(2, 2)},
    ),
    "Queue": (
        """
        def __init__(self): self.queue = queue.Queue(1)
        def one(self):
            for n in range(3): self.queue.put(n)
            self.queue.join()
        def two(self):
            return [(self.queue.get(), self.queue.task_done()) for _ in range(3)]
        """,
        {(None, ((0, None), (1, None), (2, None)))},
    ),
    "SimpleQueue": (
        """
        def __init__(self): self.queue = queue.SimpleQueue()
        def one(self): return self.queue.get(), self.queue.get(timeout=1), self.queue.empty()
        def two(self): self.queue.put('a'); self.queue.put('b')
        """,
        {(("a", "b", True), None)},
    ),
    "_queue": (
        """
        def __init__(self):
            from _queue import SimpleQueue
            self.queue = SimpleQueue()
        def one(self): return self.queue.get()
        def two(self): self.queue.put('a')
        """,
        {("a", None)},
    ),
    "LifoQueue": (
        """
        def __init__(self): self.queue = queue.LifoQueue()
        def one(self):
            self.queue.put(1); self.queue.put(2)
        def two(self): return sorted([self.queue.get(), self.queue.get()])
        """,
        {(None, (1, 2))},
    ),
    "ThreadPoolExecutor": (
        """
        def one(self):
            with futures.ThreadPoolExecutor(max_workers=2) as pool:
                made = [pool.submit(pow, n, 2) for n in range(4)]
                done, left = futures.wait(made)
                return sorted(f.result() for f in futures.as_completed(made)), len(done), len(left)
        def two(self):
            with futures.ThreadPoolExecutor() as pool:
                try:
                    return pool.submit(int, 'x').result()
                except ValueError as error:
                    return type(error).__name__
        """,
        {(((0, 1, 4, 9), 4, 0), "ValueError")},
    ),
    "Timer": (
        """
        def __init__(self): self.seen = []
        def one(self):
            timer = threading.Timer(5, self.seen.append, [1])
            timer.start()
            late = threading.Timer(9, self.seen.append, [2])
            late.start(); late.cancel()
            timer.join(); late.join()
            return self.seen
        def two(self): time.sleep(1); return self.seen[:]
        """,
        {((1,), ())},
    ),
    "a subclass of Thread": (
        """
        class Worker(threading.Thread):
            def __init__(self):
                super().__init__(name='own name', daemon=True)
                self.result = None
            def run(self): self.result = threading.current_thread() is self, self.name
        def one(self):
            worker = self.Worker()
            before = worker.is_alive(), worker.ident
            worker.start()
            worker.join()
            return before, worker.result, worker.is_alive(), worker.daemon, worker.ident > 0
        def two(self): pass
        """,
        {(((False, None), (True, "own name"), False, True, True), None)},
    ),
    "threading.local": (
        """
        def __init__(self): self.local = threading.local()
        def one(self):
            self.local.n = getattr(self.local, 'n', 0) + 1
            time.sleep(1)
            return self.local.n
        two = one
        """,
        {(1, 1)},
    ),
    "who is there": (
        """
        def one(self):
            me, ident = threading.current_thread(), threading.get_ident()
            count = len([t for t in threading.enumerate() if t is me])
            own = threading.Thread(target=int)
            own.start(); own.join()
            return (me.ident == ident, me is threading.current_thread(), me.is_alive(), count,
                    own in threading.enumerate())
        two = one
        """,
        {((True, True, True, 1, False),) * 2},
    ),
    "RLock": (
        """
        def __init__(self): self.lock, self.seen = threading.RLock(), []
        def one(self):
            with self.lock:
                self.seen.append('a')
                with self.lock:
                    self.lock.acquire()
                    self.seen.append('b')
                    self.lock.release()
                self.seen.append('c')
            return None
        two = one
        def state(self): return self.seen == list('abcabc')
        """,
        {(None, None)},
    ),
    "a condition waited for inside two holds": (
        """
        def __init__(self): self.ready, self.go = threading.Condition(), False
        def one(self):
            with self.ready:
                with self.ready:
                    while not self.go: self.ready.wait()
                    return self.ready._lock._is_owned()
        def two(self):
            with self.ready:
                self.go = True
                self.ready.notify()
        """,
        {(True, None)},
    ),
    "start_new_thread": (
        """
        def __init__(self): self.done, self.seen = threading.Event(), []
        def one(self):
            import _thread
            ident = _thread.start_new_thread(self.work, (1,), {'more': 2})
            self.done.wait()
            return self.seen[0] == [1, 2, ident]
        def work(self, n, more):
            self.seen.append([n, more, threading.get_ident()])
            self.done.set()
        def two(self): pass
        """,
        {(True, None)},
    ),
    "a cached property": (
        """
        import functools
        @functools.cached_property
        def slow(self):
            time.sleep(1)
            self.n = self.n + 1
            return 'slow'
        n = 0
        def one(self): return self.slow
        two = one
        """,
        {("slow", "slow")},
    ),
    "names that were imported one by one": (
        """
        def one(self):
            with LOCK:
                begun = monotonic()
                sleep(10)
                ident = get_ident()
                own = Thread(target=SEEN.append, args=(ident,))
                own.start(); own.join(5)
                return monotonic() - begun, SEEN.pop() == ident
        two = one
        """,
        {((10.0, True), (10.0, True))},
    ),
}
HEADS = {
    "names that were imported one by one": (
        "from threading import Lock, Thread, get_ident\nfrom time import sleep, monotonic\n"
        "LOCK, SEEN = Lock(), []"
    )
}


@pytest.mark.parametrize("name", TOGETHER)
def test_two_threads_do_as_in_python(bench, name):
    body, expected = TOGETHER[name]
    both = bench(body, HEADS.get(name, ""))
    results = both.run(["one"], ["two"])
    assert ends(results) == {"done"}
    assert all(result["errors"] == [] for result in results)
    assert {_hashable(pair) for pair in values(results)} == expected
    assert name != "RLock" or set(states(results)) == {True}


def _hashable(value):
    return tuple(map(_hashable, value)) if isinstance(value, list | tuple) else value


# Time.


def test_time_is_virtual(bench):
    timed = bench(
        """
        def nap(self, seconds):
            clocks = time.time, time.monotonic, time.perf_counter
            whole = time.time_ns, time.monotonic_ns, time.perf_counter_ns
            before = [clock() for clock in clocks], [clock() for clock in whole]
            time.sleep(seconds)
            return ([clock() - t for clock, t in zip(clocks, before[0])],
                    [round((clock() - t) / 1e9) for clock, t in zip(whole, before[1])])
        """
    )
    for plans in ([("nap", 3600)],), ([("nap", 3600)], [("nap", 5)]):
        for result in values(timed.run(*plans)):
            assert result[0] == ([3600.0] * 3, [3600] * 3)


def test_who_sleeps_less_is_first(bench):
    sleeping = bench(
        """
        def __init__(self): self.seen = []
        def nap(self, seconds):
            time.sleep(seconds)
            self.seen.append(seconds)
        """
    )
    results = sleeping.run([("nap", 3)], [("nap", 1)], [("nap", 2)])
    assert states(results) == [[1, 2, 3]] * len(SPECS)


def test_timeouts_come_when_nobody_can_run(bench):
    timed = bench(
        """
        def __init__(self):
            self.lock, self.event, self.seen = threading.Lock(), threading.Event(), []
        def hold(self, seconds):
            with self.lock: time.sleep(seconds)
        def want(self, seconds):
            time.sleep(0.5)
            begun = time.monotonic()
            taken = self.lock.acquire(timeout=seconds)
            if taken: self.lock.release()
            return taken, time.monotonic() - begun
        """
    )
    assert set(map(str, values(timed.run([("hold", 4)], [("want", 1)])))) == {
        "[None, (False, 1.0)]"
    }
    assert set(map(str, values(timed.run([("hold", 1)], [("want", 9)])))) == {"[None, (True, 0.5)]"}


def test_a_lock_that_comes_and_goes_does_not_prolong_a_timeout(bench):
    timed = bench(
        """
        def __init__(self): self.lock = threading.Lock()
        def hold(self):
            for _ in range(9):
                with self.lock: time.sleep(1)
        def want(self):
            time.sleep(0.5)
            begun = time.monotonic()
            taken = self.lock.acquire(timeout=3)
            if taken: self.lock.release()
            return time.monotonic() - begun <= 3
        """
    )
    assert {row[1] for row in values(timed.run(["hold"], ["want"]))} == {True}


NOW = {
    "a lock": "return self.lock.acquire(timeout=0), self.lock.acquire(False)",
    "an event": "return self.event.wait(0), self.event.is_set()",
    "a thread": """
            self.thread.join(0)
            self.thread.join(-1)
            return False, not self.thread.is_alive()
    """,
    "a queue": """
            try:
                return queue.Queue().get(timeout=0)
            except queue.Empty:
                return False, False
    """,
}


@pytest.mark.parametrize("name", NOW)
def test_a_timeout_of_nothing_does_not_wait_for_others(bench, name):
    timed = bench(
        """
        def __init__(self):
            self.lock, self.event = threading.Lock(), threading.Event()
            self.lock.acquire()
            self.thread = threading.Thread(target=self.event.wait, daemon=True)
            self.thread.start()
            self.looked = False
        def look(self):
            try:
                return self.ask()
            finally:
                self.looked = True
        def ask(self):
            ASK
        def spin(self):
            while not self.looked: pass
        """.replace("ASK", NOW[name])
    )
    results = timed.run(["look"], ["spin"])
    assert ends(results) == {"done"}
    assert max(result["steps"] for result in results) < 3_000
    assert {row[0] for row in values(results)} == {(False, False)}


REFUSED = {
    "threading.Lock().acquire(False, 1)": "ValueError",
    "threading.Lock().acquire(False, -2)": "ValueError",
    "threading.Lock().acquire(True, -2)": "ValueError",
    "threading.Lock().acquire(timeout=float('nan'))": "ValueError",
    "threading.Lock().acquire(timeout=float('inf'))": "OverflowError",
    "threading.Lock().acquire(timeout=1e12)": "OverflowError",
    "threading.Lock().acquire(timeout='1')": "TypeError",
    "threading.Lock().acquire(timeout=None)": "TypeError",
    "threading.RLock().acquire(False, 1)": "ValueError",
    "(lambda r: (r.acquire(), r.acquire(False, 1)))(threading.RLock())": "ValueError",
    "threading.Lock().release()": "RuntimeError",
    "threading.RLock().release()": "RuntimeError",
    "threading.Condition().notify()": "RuntimeError",
    "threading.Condition().wait()": "RuntimeError",
    "threading.Condition(threading.Lock()).wait()": "RuntimeError",
    "threading.BoundedSemaphore(1).release()": "ValueError",
    "threading.Semaphore(-1)": "ValueError",
    "threading.Semaphore().acquire(False, 1)": "ValueError",
    "threading.Thread(target=int).join()": "RuntimeError",
    "(lambda t: (t.start(), t.start()))(threading.Thread(target=int))": "RuntimeError",
    "threading.Thread.start(object.__new__(threading.Thread))": "AttributeError|RuntimeError",
    "time.sleep(-1)": "ValueError",
    "time.sleep(float('nan'))": "ValueError",
    "time.sleep(float('inf'))": "OverflowError",
    "time.sleep('1')": "TypeError",
    "time.sleep(None)": "TypeError",
    "queue.Queue().get(timeout=-1)": "ValueError",
    "queue.Queue().get_nowait()": "Empty",
    "queue.SimpleQueue().get(timeout=-1)": "ValueError",
    "queue.SimpleQueue().get_nowait()": "Empty",
    "threading.Barrier(2).wait(0.1)": "BrokenBarrierError",
}


@pytest.mark.parametrize("expression", REFUSED)
def test_what_python_refuses_is_refused(bench, expression):
    """Asked of Python itself too, so that the list is right."""
    refusing = bench(f"def run(self): return {expression}")
    [result] = refusing.run(["run"], specs=SPECS[:1])
    names = REFUSED[expression].split("|")
    assert result["end"] == "done"
    assert kinds(result) & set(names)
    with pytest.raises(Exception) as caught:
        eval(expression, {"threading": threading, "queue": queue, "time": time})
    assert caught.type.__name__ in names


def test_a_thread_does_not_join_itself(bench):
    joining = bench(
        """
        def run(self):
            seen = []
            def join():
                try: own.join()
                except RuntimeError as error: seen.append(str(error))
            own = threading.Thread(target=join)
            own.start(); own.join()
            return seen
        """
    )
    assert values(joining.run(["run"], specs=SPECS[:2])) == [[["cannot join current thread"]]] * 2
