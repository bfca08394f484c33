"""What a package under test can find, forge, hide or break while it is looked at for races.

What decides is the record of calls. So the attacks here look for the agent's own frames, change all
that they can see of the finder, and say something else than what happened.
"""

import textwrap

import pytest

from grader.races.explorer import Explorer
from grader.races.program import Invocation, Program, named
from grader.remote.failures import CallFailure
from grader.tests.test_front import SEARCH

SPECS = [("walk", 1, 0.5), ("pct", 2, 2, 50), ("walk", 3, 1.0)]
MADE = Invocation(":memory", "MemoryStore", kwargs={"clock": named("clock")}, into="store")
VISIBLE = {
    *("clock", "describe", "front", "program", "verbs", "race.files", "race.fresh"),
    *("race.instrument", "race.look", "race.points", "race.scheduler", "race.stateless"),
    *("race.steps", "race.strategies", "race.virtual"),
}


def call(name, *args):
    return Invocation("store", name, args)


@pytest.fixture
def explorer_of(kv_of):
    """Return an explorer of a package with the given `memory.py`."""

    def make(source, seconds=20.0):
        return Explorer(kv_of(seconds, memory=textwrap.dedent(source)).session)

    return make


# The functions of points are constants of instrumented code: the way into the open part.
FREE = """
def scheduler():
    constants = (lambda store: store.n()).__code__.co_consts
    return next(c.__globals__["SCHEDULER"] for c in constants if hasattr(c, "__globals__"))

def run_free():
    \"\"\"Pass every switch point from now on.\"\"\"
    type(scheduler()).on_step = int
"""


# `peek()` keeps the modules of the frames below whoever calls it: a frame that was kept while its
# generator slept tells what it stands on once that runs again.
PEEK = """
import sys

seen = sys.__dict__.setdefault("seen", set())
is_peeking = []

def peek():
    if is_peeking:
        return
    is_peeking.append(True)
    def sleeper():
        yield
        frame = kept[0].f_back
        while frame is not None:
            seen.add(frame.f_globals.get("__name__", "?"))
            frame = frame.f_back
    generator = sleeper()
    next(generator)
    kept = [generator.gi_frame]
    for _ in generator:
        pass
    is_peeking.clear()
"""


SPIES = (
    PEEK
    + FREE
    + """
import gc, os, threading, time, types

def spied(real):
    def function(*args, **kwargs):
        peek()
        return real(*args, **kwargs)
    return function

def put_spies(owner, names):
    for name, value in list(names.items()):
        if type(value) is types.FunctionType:
            if isinstance(owner, dict):
                owner[name] = spied(value)
            else:
                setattr(owner, name, spied(value))

def classes():
    todo, found = [object], {object}
    while todo:
        for kind in type.__subclasses__(todo.pop()):
            if kind is not type and kind not in found:
                found.add(kind)
                todo.append(kind)
    return found

class Nosy:
    def __init__(self): self.me = self
    def __del__(self): peek()
    def __eq__(self, other): peek(); return True
    def __ne__(self, other): peek(); return False
    def __hash__(self): peek(); return 1
    def __bool__(self): peek(); return True
    def __index__(self): peek(); return 1

class Odd(Exception):
    def __init__(self): self.nosy = Nosy()
    def __del__(self): peek()

class Dict(dict):
    def __iter__(self): peek(); return iter(list(dict.keys(self)))
    def get(self, *key): peek(); return dict.get(self, *key)

class Spied(types.ModuleType):
    def __setattr__(self, name, value):
        peek()
        types.ModuleType.__setattr__(self, name, value)

def spy():
    run_free()
    spaces = {}
    for kind in classes():
        if str(kind.__module__).startswith("grader_agent"):
            for value in list(vars(kind).values()):
                if type(value) is types.FunctionType:
                    spaces[id(value.__globals__)] = value.__globals__
            put_spies(kind, vars(kind))
            kind.__del__ = lambda self: peek()
    frame = sys._getframe()
    while frame is not None:
        spaces[id(frame.f_globals)] = frame.f_globals
        frame = frame.f_back
    for space in spaces.values():
        if str(space.get("__name__")).startswith("grader_agent"):
            put_spies(space, space)
    threading._active = Dict(threading._active)
    for module in (threading, time, os):
        module.__class__ = Spied
    gc.enable()
    gc.set_threshold(1)

class MemoryStore:
    def __init__(self, clock): self.clock, self.n, self.nosy = clock, 0, Nosy()
    def __del__(self): peek()
    def spy(self):
        if not hasattr(sys, "is_spied"):
            sys.is_spied = True
            spy()
    def value(self): gc.enable(); self.n += 1; Nosy(); return self.n
    def thing(self): return Nosy()
    def things(self): return [Nosy(), (Nosy(), {"a": [Nosy()]})]
    def odd(self): return {Nosy(): [[[[[Nosy()]]]]]}
    def error(self): raise Odd
    def seen(self): return sorted(seen)
"""
)


def test_what_spies_on_the_finder_never_runs_below_the_agents_frames(explorer_of):
    explorer = explorer_of(SPIES)
    calls = (call("value"), call("thing"), call("things"), call("error"))
    program = Program((MADE, call("spy")), (calls, calls), (call("seen"),), files=True)
    odd = Program((MADE, call("spy")), ((call("odd"),), (call("odd"),)))
    for coarse in (True, False):
        with pytest.raises(CallFailure):
            explorer.explore(odd, SPECS, coarse=coarse)
        runs = explorer.explore(program, SPECS, coarse=coarse)
    seen = runs[-1].after[-1].result
    assert "grader_agent.front" in seen
    hidden = {name for name in seen if name.startswith("grader_agent.")}
    assert hidden <= {f"grader_agent.{name}" for name in VISIBLE}


SEARCHED = (
    SEARCH
    + FREE
    + """
less, kinds = neighbours, set()

def neighbours(thing):
    yield from less(thing)
    if isinstance(thing, type):
        yield from list(vars(thing).values())
        if str(thing.__module__).startswith("grader_agent"):
            kinds.add(thing.__module__)

class MemoryStore:
    def __init__(self, clock): self.clock = clock
    def search(self):
        run_free()
        found = set()
        return search(found), sorted(found | kinds)
"""
)


@pytest.mark.parametrize("is_replay", [False, True])
def test_from_anywhere_only_the_open_part_of_the_finder_is_reachable(explorer_of, is_replay):
    explorer = explorer_of(SEARCHED)
    program = Program((MADE,), ((call("__init__", None),),), (call("search"),))
    if is_replay:
        run = explorer.replay(program, SPECS[0], coarse=True).run
    else:
        run = explorer.explore(program, SPECS[:1], coarse=True)[0]
    assert run.after[0].errors == ()
    looked_at, found = run.after[0].result
    assert looked_at > 3_000
    assert "grader_agent.race.scheduler" in found
    assert set(found) <= {f"grader_agent.{name}" for name in VISIBLE}


# Code that is made at run time would have no switch points.

MADE_AT_RUN_TIME = {
    "exec": "exec('def add(store): store.n += 1', globals())",
    "eval": "globals()['add'] = eval('lambda store: store.n')",
    "compile": "compile('1', '<mine>', 'eval')",
    "own source under another name": """
        import importlib.util
        spec = importlib.util.spec_from_file_location("mine", __file__)
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    """,
    "own source as a script": "import runpy; runpy.run_path(__file__)",
    "own source on the path": """
        import os, sys
        sys.path.insert(0, os.path.dirname(__file__))
        import memory
    """,
    "own source for exec": "exec(open(__file__).read(), {'__name__': 'x', '__file__': __file__})",
}


@pytest.mark.parametrize("how", MADE_AT_RUN_TIME)
def test_code_made_at_run_time_is_refused(explorer_of, how):
    body = textwrap.indent(textwrap.dedent(MADE_AT_RUN_TIME[how]).strip(), " " * 8)
    source = f"class MemoryStore:\n    def __init__(self, clock):\n{body}\n"
    run = explorer_of(source).explore(Program((MADE,), ()), SPECS, coarse=True)[0]
    assert run.end == "setup"
    assert "at run time" in run.raised[run.setup[0].invoked].message


def test_what_the_standard_library_makes_is_not_refused(explorer_of):
    source = """
        from __future__ import annotations
        import collections, dataclasses, enum, functools, typing

        Pair = collections.namedtuple("Pair", "x y")

        @dataclasses.dataclass(order=True)
        class Record:
            value: bytes = b""

        class Row(typing.NamedTuple):
            value: int = 1

        class MemoryStore:
            def __init__(self, clock): self.row = Row()
            def get(self):
                Local = dataclasses.make_dataclass("Local", ["x"])
                hints = typing.get_type_hints(Row)
                return self.row.value + Pair(1, 2).y + Local(3).x + len(hints) + len(Record().value)
    """
    program = Program((MADE,), ((call("get"),), (call("get"),)))
    runs = explorer_of(source).explore(program, SPECS, coarse=False)
    assert [made.result for run in runs for made in run.plans] == [7] * 6


def test_files_that_are_wanted_later_are_read_as_well(explorer_of):
    explorer = explorer_of("class MemoryStore:\n    def __init__(self, clock): pass\n")
    assert explorer.explore(Program((MADE,), ()), SPECS, coarse=True)[-1].end == "done"
    code = Invocation(":errors", "KVStoreError", ("text",), into="error")
    assert explorer.explore(Program((MADE, code), ()), SPECS, coarse=True)[-1].end == "done"


def test_a_file_that_cannot_be_compiled_says_why(explorer_of):
    run = explorer_of("class MemoryStore\n").explore(Program((MADE,), ()), SPECS, coarse=True)[0]
    assert run.setup[0].errors[0] == "SyntaxError"


# A record cannot be made to say something else.

LATE = """
    class MemoryStore:
        made = []
        def __init__(self, clock): pass
        def keys(self):
            MemoryStore.made.append([["a"], {"b": b"c"}])
            return MemoryStore.made[-1]
        def spoil(self):
            for result in MemoryStore.made:
                result[0].append("later")
                result[1].clear()
                result.append("later")
"""


def test_what_came_back_is_what_it_was_then(explorer_of):
    program = Program((MADE,), ((call("keys"), call("spoil")), (call("keys"),)), (call("spoil"),))
    for run in explorer_of(LATE).explore(program, SPECS, coarse=False):
        results = [made.result for made in run.plans if made.name == "keys"]
        assert results == [[["a"], {"b": b"c"}]] * 2


# Each is a body of `go`, which two threads call; what comes of it is never a run without fault.
BREAKS = {
    "says that it is over": "finder._finish()",
    "forgets that it hangs": "finder.failure = ''; type(finder)._fail = int; wait()",
    "hangs, and nobody is to be told": "type(finder).failure = property(int, print); wait()",
    "gives the turn to nobody": "finder.ready.clear(); finder.tasks.clear(); wait()",
    "has the outside wake up early": "finder.done.release()",
    "ends every task": "[setattr(task, 'state', 'done') for task in finder.tasks]; wait()",
    "never counts": "type(finder).left = property(int); wait()",
    "ends the process after it has failed": "import os; os._exit(0)",
    "leaves by SystemExit in a finalizer": "import os; os.kill(os.getpid(), 9)",
}


@pytest.mark.parametrize("how", BREAKS)
def test_who_breaks_the_finder_does_not_pass(explorer_of, how):
    source = textwrap.dedent(FREE) + textwrap.dedent(
        f"""
        import threading
        lock = threading.Lock()

        def wait():
            lock.acquire()
            lock.acquire()

        class MemoryStore:
            def __init__(self, clock): pass
            def go(self):
                finder = scheduler()
                {BREAKS[how]}
        """
    )
    program = Program((MADE,), ((call("go"),), (call("go"),)))
    try:
        runs = explorer_of(source, 3.0).explore(program, SPECS, coarse=True)
    except CallFailure:
        return
    assert runs[-1].end in ("deadlock", "livelock")
    assert any(made.returned is None for made in runs[-1].plans)


STUBBORN = """
    import threading, time
    lock = threading.Lock()

    class MemoryStore:
        def __init__(self, clock): pass
        def go(self):
            while True:
                try:
                    lock.acquire()
                    lock.acquire()
                except BaseException:
                    continue
"""


def test_a_thread_that_will_not_end_is_told_and_ended(explorer_of):
    explorer = explorer_of(STUBBORN)
    program = Program((MADE,), ((call("go"),), (call("go"),)))
    run = explorer.explore(program, SPECS, coarse=True)[-1]
    assert run.end == "deadlock"
    assert all(made.returned is None for made in run.plans)
    assert explorer.explore(program, SPECS, coarse=True)[-1].end == "deadlock"


USES_UP = {
    "memory": "self.x = bytearray(1 << 40)",
    "a result that is too large": "return [0] * 10**6",
    "a result that is too deep": "x = []\n        for _ in range(500): x = [x]\n        return x",
    "recursion": "return self.go()",
    "switch points": "while True: self.n = 1",
    "threads": "import threading\n        while True: threading.Thread(target=self.rest).start()",
}


@pytest.mark.parametrize("what", USES_UP)
def test_who_uses_up_what_there_is_does_not_pass(explorer_of, what):
    source = f"""
class MemoryStore:
    n = 0
    def __init__(self, clock): pass
    def rest(self):
        while True: self.n = 1
    def go(self):
        {USES_UP[what]}
"""
    program = Program((MADE,), ((call("go"),), (call("go"),)))
    try:
        runs = explorer_of(source, 4.0).explore(program, SPECS, coarse=False)
    except CallFailure:
        return
    assert runs[-1].end != "done" or any(made.errors for made in runs[-1].plans)
