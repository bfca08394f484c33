# ruff: noqa: E501  (each snippet of code is one entry of a table)
"""Which modules run in the process that all states are forked from: those whose import runs nothing
of their own. What is wrongly called inert is a hole; what is wrongly called not is only slow.
"""

import ast
import textwrap

import pytest

from grader.agent.powercut.inert import inert, standard_imports
from grader.course import REFERENCE_DIR

HEAD = "from __future__ import annotations\nimport enum, functools, mmap, os, re, struct, typing\n"

INERT = [
    "X, Y = 1, -2 ** 63\nZ: int = X | Y\nNAMES = {'a': (1, b''), 'b': [None]}",
    "FRAME = struct.Struct('>II')\nNAME = re.compile('x')\nT = typing.TypeVar('T')",
    "from struct import Struct as S\nX = S('>I')",
    "from .wal import WAL\nfrom . import entry\nimport kvstore.entry as e",
    "class A(Exception):\n  'Text.'\n  def __init__(self, x=X): mmap.mmap(-1, 5)\nX = 1",
    "class Op(enum.Enum):\n  SET = 1\n  OTHER = enum.auto()\nX = Op.SET",
    "from dataclasses import dataclass, field\n@dataclass(frozen=True)\nclass A:\n  x: int = field(default=1)",
    "class A:\n  @property\n  def x(self): return 1\n  @x.setter\n  def x(self, v): os.fork()",
    "@functools.lru_cache(maxsize=5)\ndef f(x: mmap.mmap(-1, 5) = None): return os.fork()",
    "try:\n  import fcntl\nexcept ImportError:\n  fcntl = None",
    "if typing.TYPE_CHECKING:\n  from collections.abc import Callable",
    "SORT = lambda log: log.close()",
]

NOT_INERT = [
    "X = mmap.mmap(-1, 65536)",
    "os.register_at_fork(before=print)",
    "X = open('x', 'w')",
    "from mmap import mmap as Struct\nX = Struct(-1, 65536)",
    "from .stash import Struct\nX = Struct('x')",
    "struct = object\nX = struct.Struct('>I')",
    "def f(x=mmap.mmap(-1, 5)): pass",
    "class A(mmap.mmap(-1, 5)): pass",
    "class A(metaclass=type): pass",
    "class A:\n  def __init_subclass__(cls): os.fork()\nclass B(A): pass",
    "class A:\n  __init_subclass__ = print\nclass B(A): pass",
    "class A:\n  from .stash import x as __set_name__",
    "class A:\n  for x in [1]: os.fork()",
    "class Op(enum.Enum):\n  SET = 1\n  def __init__(self, value): os.fork()",
    "class Op(enum.Enum):\n  SET = 1\n  def __or__(self, other): os.fork()\nX = Op.SET | Op.SET",
    "class Op(enum.Enum):\n  SET = 1\n  @property\n  def value(self): os.fork()\nX = Op.SET.value",
    "class Mine(enum.Enum): pass\nclass Op(Mine):\n  SET = 1\n  def __init__(self, x): os.fork()",
    "from .base import Mine\nclass Op(Mine):\n  SET = 1\n  def __init__(self, x): os.fork()",
    "class evil:\n  def setter(f): os.fork()\nclass A:\n  @evil.setter\n  def x(self): pass",
    "def __getattr__(name): os.fork()",
    "from .stash import x as __getattr__",
    "from .stash import *",
    "import this",
    "import redis",
    "from .. import x",
    "@print\ndef f(): pass",
    "[os.fork() for x in 'a']",
    "X = f'{os.fork()}'",
    "with open('x') as f: pass",
    "os.environ['x'] = 'y'",
    "struct.Struct = print",
    "while True: pass",
    "if os.fork(): pass",
    "X = (lambda: os.fork())()",
    "X = [*map(print, 'a')]",
    "try:\n  import fcntl\nexcept os.fork():\n  fcntl = None",
    "assert os.fork()",
    "del struct",
    "X = Y = mmap.mmap(-1, 5)",
    "X += 1",
    "import importlib\nimportlib.import_module('kvstore.stash')",
]  # fmt: skip


def is_inert(source, **others):
    trees = {"kvstore.m": ast.parse(HEAD + textwrap.dedent(source))}
    for name in ("__init__", "wal", "entry", "stash", "base", *others):
        place = "kvstore" if name == "__init__" else f"kvstore.{name}"
        trees[place] = ast.parse(others.get(name, ""))
    return "kvstore.m" in inert(trees, "kvstore")


@pytest.mark.parametrize("source", INERT)
def test_what_only_defines_is_inert(source):
    assert is_inert(source)


@pytest.mark.parametrize("source", NOT_INERT)
def test_what_runs_anything_is_not(source):
    assert not is_inert(source)


def test_hints_are_read_where_they_are_evaluated():
    source = "import mmap\ndef f(x: mmap.mmap(-1, 5)): pass"
    assert inert({"kvstore.m": ast.parse(source)}, "kvstore") == set()
    later = f"from __future__ import annotations\n{source}"
    assert inert({"kvstore.m": ast.parse(later)}, "kvstore") == {"kvstore.m"}


def test_who_imports_what_is_not_inert_is_not():
    assert is_inert("from .wal import WAL", wal="class WAL: pass")
    for form in ("from .wal import WAL", "from . import wal", "import kvstore.wal"):
        assert not is_inert(form, wal="print()")
        assert not is_inert(f"def f():\n  {form}", wal="print()")
        assert not is_inert(form, wal="from .log import x", log="print()")


def test_the_references_files_are_inert():
    """So that most states of most packages need no import of their own."""
    trees = {
        "kvstore" if path.stem == "__init__" else f"kvstore.{path.stem}": ast.parse(
            path.read_bytes()
        )
        for path in REFERENCE_DIR.glob("*.py")
    }
    wanted = {
        f"kvstore.{name}" for name in ("wal", "entry", "memory", "store", "snapshot", "rwlock")
    }
    assert wanted <= inert(trees, "kvstore")


def test_what_it_names_of_the_standard_library_is_known():
    tree = ast.parse(
        "import os.path, redis\nfrom json import loads\nfrom . import wal\nimport this"
    )
    assert sorted(standard_imports(tree)) == ["json", "os.path"]
