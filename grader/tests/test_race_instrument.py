"""Switch points leave the package's code as it is: same results, same order, same lines."""

import subprocess
import sys
import textwrap
import traceback
from pathlib import Path
from types import CodeType

import pytest

from grader.agent.race.instrument import compile_with_points, read_package
from grader.agent.race.points import EACH, POINT, POINTS, VALUE
from grader.agent.race.stateless import staying
from grader.tests.race_agent import ROOT
from grader.tests.race_snippets import HEAD, SNIPPETS

FILE = "snippet.py"


def _bound(code: CodeType) -> CodeType:
    constants = (_bound(c) if isinstance(c, CodeType) else c for c in code.co_consts)
    return code.replace(
        co_consts=tuple(POINTS.get(c, c) if isinstance(c, str) else c for c in constants)
    )


def _instrumented(source: str, coarse: bool) -> CodeType:
    return _bound(compile_with_points(source.encode(), FILE, coarse=coarse)[0])


def _outcome(code: CodeType) -> tuple:
    """What `main` returns or raises, on which lines of the snippet, and what it looked at."""
    names: dict = {"__name__": __name__}
    exec(code, names)
    try:
        result = ("returned", _text(names["main"]()))
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [(f.lineno, f.name) for f in frames if f.filename == FILE]
        result = ("raised", f"{type(error).__name__}: {error}", lines)
    return result, _text(names.get("log"))


def _text(value) -> str:
    """A value as text, without what differs from one run to the next."""
    return "".join(part.partition(" at 0x")[0] for part in repr(value).split(">"))


@pytest.mark.parametrize("coarse", [False, True], ids=["fine", "coarse"])
@pytest.mark.parametrize("name", SNIPPETS)
def test_code_does_what_it_did(name, coarse):
    body = textwrap.dedent(SNIPPETS[name])
    future = "from __future__ import annotations\n"
    head = future + HEAD if future in body else HEAD
    source = head + body.replace(future, "")
    plain = _outcome(compile(source, FILE, "exec", dont_inherit=True))
    assert _outcome(_instrumented(source, coarse)) == plain


# Where points stand.

PLACES = {
    "def f(x): return x.a": (1, 1),
    "def f(x): return x.a.b": (2, 1),
    "def f(x): x.a = 1": (1, 1),
    "def f(x): del x.a": (1, 1),
    "def f(x): return x[0]": (1, 1),
    "def f(x, d): return x in d": (1, 1),
    "def f(x, d): return x not in d": (1, 1),
    "def f(x): x.n += 1": (2, 1),
    "def f(x): x[0] += 1": (2, 1),
    "def f(x): x.n = x.n + 1": (2, 1),
    "def f(x): return g(x)": (0, 2),
    "def f(x): return len(x)": (1, 2),
    "def f(x): return x + 1": (0, 1),
    "def f(x):\n  x = 1\n  x += 1": (0, 1),
    "def f():\n  global n\n  n = 1": (1, 1),
    "def f():\n  global n\n  n += 1": (1, 1),
    "def f():\n  global n\n  a, n = n, a": (1, 1),
    "def f():\n  n = 0\n  def g():\n    nonlocal n\n    n = 1": (2, 2),
    "def f():\n  while True: pass": (1, 2),
    "def f(x):\n  for y in x: pass": (1, 2),
    "def f(x):\n  for y in range(3): pass": (0, 3),
    "def f(x): return [y for y in x]": (1, 2),
    "def f(x): return [y for y in x if y]": (1, 3),
    "def f(x): return {y: 1 for y in x}": (1, 2),
    "import os\ndef f(): return os.sep": (0, 1),
    "def f(): return os.sep": (1, 1),
    "f = lambda x: x.a": (1, 0),
    "x = a.b[0]": (0, 0),
    "class C:\n  x = a.b": (0, 0),
    "class C:\n  def f(self): return self.f()": (0, 2),
    "class C:\n  def f(self): return self.g()": (1, 2),
    "def f(x: a.b = c.d) -> e.f: pass": (0, 1),
    "def f():\n  x: a.b = 1": (0, 1),
    "def f(x):\n  match x:\n    case a.b: pass": (0, 1),
    "async def f(x): return await x.g()": (1, 2),
}


def _points(code: CodeType) -> int:
    """How many points the constants' users call: the points are named where they stand."""
    import dis

    named = (i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_CONST")
    own = sum(isinstance(c, str) and c in (VALUE, POINT, EACH) for c in named)
    return own + sum(_points(c) for c in code.co_consts if isinstance(c, CodeType))


@pytest.mark.parametrize("source", PLACES)
def test_points_stand_where_another_thread_could_see(source):
    fine, coarse = (
        _points(compile_with_points(source.encode(), FILE, coarse=coarse)[0])
        for coarse in (False, True)
    )
    assert (fine, coarse) == PLACES[source]


# Which modules need not be run again.

STAYS = {
    "from threading import Lock\nLIMIT = 3\nclass A:\n  n = 1\n  def f(self): self.n = 2": True,
    "cache = {}": False,
    "import threading\nlock = threading.Lock()": False,
    "n = 0\ndef f():\n  global n\n  n += 1": False,
    "class A:\n  n = 0\n  def f(self): A.n += 1": False,
    "class A:\n  n = 0\n  @classmethod\n  def f(cls): cls.n = 1": False,
    "class A:\n  n = 0\n  def f(self): type(self).n = 1": False,
    "class A:\n  n = 0\n  def f(self): self.__class__.n = 1": False,
    "def f(): f.calls = 1": False,
    "def f(): globals()['n'] = 1": False,
    "from . import other\ndef f(): other.n = 1": False,
    "import functools\n@functools.cache\ndef f(): return 1": False,
    "import functools\n@functools.lru_cache(maxsize=9)\ndef f(): return 1": False,
    "def f(x=[]): return x": False,
    "def f(x=(1, 'a')): return x": True,
    "import itertools\nids = itertools.count()": False,
    "class A:\n  kept = []": False,
    "class A:\n  def f(self, other): other.n, self.x.y = 1, 2": True,
}


@pytest.mark.parametrize("source", STAYS)
def test_a_module_stays_only_if_nothing_in_it_can_change(source):
    assert compile_with_points(source.encode(), FILE, coarse=False)[1] is STAYS[source]


def test_a_module_does_not_outlive_one_that_it_uses():
    uses = {"a": {"b"}, "b": {"c"}, "c": set(), "d": {"not read"}, "e": {"d", "a"}}
    assert staying({"a", "b", "d", "e"}, uses) == {"d"}
    assert staying({"a", "b", "c"}, uses) == {"a", "b", "c"}


# Whole files.

RUN_TESTS = """
import importlib, sys
from types import CodeType
from grader.agent.race.explore import race_tools
from grader.agent.race.fresh import importer
from grader.agent.race.instrument import read_package
from grader.tests.test_race_instrument import _bound
import pytest
package, coarse, *arguments = sys.argv[1:]
stems = frozenset(['memory', 'rwlock', 'entry', 'wal', 'protocol', 'commands', 'store', 'snapshot'])
compiled = read_package(package, stems, coarse=coarse == 'coarse')
importer({n: c._replace(code=_bound(c.code)) for n, c in compiled.items()})()
import kvstore.memory
assert '\\0value' not in str(kvstore.memory.MemoryStore.get.__code__.co_consts)
assert any(map(callable, kvstore.memory.MemoryStore.get.__code__.co_consts))
sys.exit(pytest.main(arguments))
"""
TESTS = ("test_memory.py", "test_rwlock.py", "test_entry.py", "test_protocol.py")


@pytest.mark.parametrize("kind", ["fine", "coarse"])
def test_the_references_own_tests_pass_on_instrumented_files(kind, tmp_path):
    tests = [ROOT / "solution/tests" / name for name in TESTS]
    assert all(path.exists() for path in tests)
    package = ROOT / "solution/kvstore"
    options = ["-p", "no:cacheprovider", "-x", f"--basetemp={tmp_path / 'tests'}"]
    done = subprocess.run(
        [sys.executable, "-c", RUN_TESTS, str(package), kind, *options, *map(str, tests)],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_file_of_the_reference_has_points():
    package = Path(ROOT / "solution/kvstore")
    stems = {path.stem for path in package.glob("*.py")}
    compiled = read_package(str(package), frozenset(stems), coarse=False)
    assert len(compiled) == len(stems)
    assert all(_points(compiled[f"kvstore.{stem}"].code) for stem in ("memory", "wal", "store"))
