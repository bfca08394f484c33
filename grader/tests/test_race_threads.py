"""Threads of the package's own, what they leave behind, and what a schedule begins with."""

import pytest

from grader.tests.race_bench import SPECS, bench_maker, ends, keep_agents, states, values


@pytest.fixture(scope="module")
def agents():
    """Agents by name, started when they are first asked for."""
    yield from keep_agents()


@pytest.fixture
def bench(agents, tmp_path):
    """Make a package, see `grader.tests.race_bench`."""
    return bench_maker(agents, tmp_path)


def test_an_exception_in_a_thread_is_told(bench):
    dying = bench(
        """
        def run(self):
            own = threading.Thread(target=lambda: 1 // 0, name='mine')
            own.start()
            own.join()
        def leave(self):
            threading.Thread(target=__import__('sys').exit).start()
            threading.Thread(target=__import__('_thread').exit).start()
        """
    )
    for result in dying.run(["run"], ["leave"]):
        assert (result["end"], result["errors"]) == ("done", [("mine", "ZeroDivisionError")])


def test_threads_that_are_left_behind_are_ended(bench):
    left = bench(
        """
        def __init__(self):
            self.seen = []
            threading.Thread(target=self.beat, daemon=True).start()
        def beat(self):
            try:
                while True:
                    time.sleep(1)
                    self.seen.append(1)
            finally:
                self.seen.append('ended')
        def run(self):
            lock = threading.Lock()
            lock.acquire()
            threading.Thread(target=lock.acquire, daemon=True).start()
            time.sleep(3.5)
        """
    )
    results = left.run(["run"], ["run"])
    assert ends(results) == {"done"}
    assert states(results) == [[1, 1, 1]] * len(SPECS)
    assert all(result["unwound"] for result in results)


def test_threads_that_are_started_at_import(bench):
    early = bench(
        """
        def run(self):
            ASKED.put(2)
            return GIVEN.get()
        """,
        head="""
            ASKED, GIVEN = queue.Queue(), queue.SimpleQueue()
            def serve():
                while True: GIVEN.put(ASKED.get() * 2)
            threading.Thread(target=serve, daemon=True).start()
        """,
    )
    assert values(early.run(["run"], ["run"])) == [[4, 4]] * len(SPECS)


SWALLOWING = """
    def run(self):
        def go_on():
            LOOP:
                try: time.sleep(1)
                except BaseException: pass
        threading.Thread(target=go_on, daemon=True).start()
        time.sleep(1)
"""


def test_a_thread_that_swallows_everything_is_ended_in_its_loop(bench):
    stubborn = bench(SWALLOWING.replace("LOOP", "while True"))
    results = stubborn.run(["run"], specs=SPECS[:4])
    assert [(result["end"], result["unwound"]) for result in results] == [("done", True)] * 4


def test_a_thread_that_cannot_be_ended_stops_the_batch(bench):
    stubborn = bench(SWALLOWING.replace("LOOP", "for _ in range(10 ** 9)"))
    results = stubborn.run(["run"], specs=SPECS[:4])
    assert [(result["end"], result["unwound"]) for result in results] == [("done", False)]
    stubborn.renew()


def test_an_abort_that_becomes_another_error_is_not_the_packages(bench):
    turning = bench(
        """
        def run(self):
            try:
                threading.Event().wait()
            except BaseException as error:
                raise ValueError('turned') from error
        def own(self):
            threading.Thread(target=self.run).start()
        """
    )
    [result] = turning.run(["run"], specs=SPECS[:1])
    assert (result["end"], result["plans"][0][3], result["errors"]) == ("deadlock", -1, [])
    for result in turning.run(["own"]):
        assert (result["end"], result["errors"]) == ("done", [])


def test_objects_that_die_later_find_their_locks_free(bench):
    dying = bench(
        """
        def __init__(self): self.lock = threading.RLock()
        def __del__(self):
            with self.lock: self.n = 1
        def run(self): self.lock.acquire()
        """
    )
    assert ends(dying.run(["run"], ["run"], specs=SPECS[:1])) == {"deadlock"}
    assert dying.agent().is_alive()


def test_modules_that_stay_are_found_by_every_way_of_importing(bench):
    importing = bench(
        """
        def look(self):
            import kvstore.plain
            from . import plain
            from .plain import LIMIT
            return kvstore.plain is plain is outer and LIMIT == plain.LIMIT
        """,
        head="from . import plain as outer",
    )
    importing.add("plain", "LIMIT = 3")
    results = importing.run(["look"], ["look"], specs=SPECS[:4])
    assert values(results) == [[True, True]] * 4


def test_an_exception_of_the_set_up_ends_it(bench):
    failing = bench("def __init__(self): raise ValueError('no')")
    results = failing.run(["run"])
    assert [result["end"] for result in results] == ["setup"]
    assert results[0]["plans"] == []
    assert results[0]["setup"][-1][5]["names"][0] == "ValueError"


def test_a_package_that_cannot_be_compiled_says_so(bench):
    broken = bench("def f(:")
    assert [result["end"] for result in broken.run(["run"])] == ["setup"]
