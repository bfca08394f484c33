"""Which definitions are used, and that the others earn no marks."""

from dataclasses import replace

import pytest

from grader.quality.checks import complexity, docstrings, style, type_hints
from grader.quality.lint import lint
from grader.quality.settings import load_settings
from grader.quality.usage import Asked, unused_nodes
from grader.tests.make_source import BAD, entry_marks, write_source

RUFF = load_settings().ruff
ASKED = Asked(top=frozenset({"Store"}), methods=frozenset({"get"}))
HELPER = '''

def help_{0}(number: int) -> int:
    """Return the number that number {0} is given."""
    return {1}
'''


@pytest.fixture
def source(tmp_path):
    return lambda text, name="entry.py": write_source(tmp_path / name, text)


@pytest.fixture
def marks(package):
    return lambda **files: entry_marks(package(**files))


def test_helpers_that_nobody_calls_raise_no_mark(marks):
    helpers = HELPER.format(1, "help_2(number)") + HELPER.format(2, "help_1(number)")
    assert marks(entry=BAD + helpers) == marks(entry=BAD)


def test_a_class_that_nobody_uses_raises_no_mark_either(marks):
    plain = 'class Entry:\n    """One change."""\n\n    def __len__(self):\n        return 1\n'
    helper = plain.replace("Entry", "Helper").replace("One change", "Help")
    helper = helper.replace("self):", "self) -> int:")
    assert marks(entry=plain + helper) == marks(entry=plain)


def test_a_file_of_nothing_but_unused_functions_is_an_empty_one(marks):
    assert set(marks(entry='"""Entries as bytes."""' + HELPER.format(1, "number")).values()) == {
        0.0
    }


def test_what_nobody_uses_still_costs_marks(source):
    branches = "\n".join(f"    if a == {n}:\n        print(a)" for n in range(11))
    found = source(
        f'"""Entries as bytes."""\n\n\nclass Store:\n    """A map."""\n\n\n'
        f"def unused(a):\n{branches}\n"
    )
    found = replace(found, unused=unused_nodes([found], ASKED))
    findings = lint([found], RUFF)[found.name]
    assert (complexity(found, findings, RUFF).good, len(found.unused)) == (0, 1)
    assert complexity(found, findings, RUFF).total == 1
    assert (type_hints(found, (), RUFF).good, type_hints(found, (), RUFF).total) == (0, 2)
    assert (docstrings(found, (), RUFF).good, docstrings(found, (), RUFF).total) == (2, 3)
    assert style(found, (), RUFF).total == 3  # the docstrings and the class


@pytest.mark.parametrize(
    "code",
    [
        "helper()",
        "class Store:\n    def get(self):\n        return helper()",
        "class Store:\n    size = helper",
        "def outer():\n    return helper()\nouter()",
        "TABLE = {'get': helper}",
        "print(getattr(print, 'helper'))",
        "import sys\nprint(getattr(sys, 'hel' + sys.argv[0]))",
        "print(globals()[input()])",
        f"print(0x{'f' * 5000}, 'helper')",
        "from .entry import helper as other",
        "def later(x: 'int' = helper()): ...\nlater()",
    ],
)
def test_a_helper_that_is_used_counts(source, code):
    found = source(f"def helper():\n    return 1\n{code}\n")
    assert not unused_nodes([found], ASKED)


@pytest.mark.parametrize(
    "code",
    [
        "class Store:\n    def get(self): ...\n    def __len__(self): ...",
        "import cmd\nclass Store(cmd.Cmd):\n    def do_get(self, line): ...",
        "from typing import Generic, T\nclass Store(Generic[T]):\n    def visit(self): ...",
        "class _Map:\n    def get(self): ...\nStore = _Map",
        "class _Map:\n    def get(self): ...\nclass Store(_Map): ...",
        "class Store:\n    @property\n    def size(self): ...\n    def get(self): self.size = 1",
        "def command(name):\n    return print\n@command('get')\ndef get_value(): ...",
        "class Store:\n    def get(self):\n        def inner(): ...\n        return inner",
        "class Store:\n    def get(self, x): getattr(self, 'do_' + x)()\n    def do_set(self): ...",
    ],
)
def test_what_others_call_counts(source, code):
    assert not unused_nodes([source(code)], ASKED)


@pytest.mark.parametrize(
    "code",
    [
        "class Store:\n    def put(self): ...",
        "class Store:\n    @staticmethod\n    def put(self): ...",
        "class Base: ...\nclass Store(Base):\n    def put(self): ...",
        "class Store:\n    def get(self):\n        def inner(): ...",
        "def get(): ...",
        "__all__ = ['put']\ndef put(): ...",
        "def put():\n    return put()",
    ],
)
def test_what_nobody_calls_is_found(source, code):
    assert len(unused_nodes([source(code)], ASKED)) == 1


def test_a_helper_may_be_used_in_another_file(source):
    helper = source("def helper(): ...", "more.py")
    user = source("from .more import helper\nhelper()")
    assert not unused_nodes([helper, user], ASKED)
    assert len(unused_nodes([helper], ASKED)) == 1
