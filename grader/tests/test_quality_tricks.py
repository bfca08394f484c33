"""Tricks for marks that the code does not deserve, each beside honest code that looks like it."""

import pytest

from grader.quality.checks import docstrings, type_hints
from grader.quality.settings import load_settings
from grader.tests.make_source import BAD, entry_marks, write_source

RUFF = load_settings().ruff


@pytest.fixture
def source(tmp_path):
    return lambda text, name="entry.py": write_source(tmp_path / name, text)


@pytest.fixture
def marks(package):
    return lambda **files: entry_marks(package(**files))


# Docstrings that say nothing

TWO_CLASSES = '''
class A:
    """One."""
    def end(self):
        """Stop."""
class B:
    """Two."""
    def end(self):
        """Stop."""
'''


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ('class MemoryStore:\n    """The memory store."""', "a docstring that only repeats"),
        ('class MemoryStore:\n    """MemoryStore class."""', "a docstring that only repeats"),
        ('class MemoryStore:\n    """This is a class."""', "a docstring that only repeats"),
        ('def read_all():\n    """Reads all."""', "a docstring that only repeats"),
        ('def read_all():\n    """TODO"""', "a docstring that only repeats"),
        ('def read_all():\n    """1. x"""', "no docstring"),
        ('def read_all():\n    f"""Read the whole file."""', "no docstring"),
        ('def f():\n    """Do it."""\ndef g():\n    """do it"""', "the same docstring as another"),
    ],
)
def test_a_docstring_that_says_nothing_counts_for_nothing(source, code, fault):
    measure = docstrings(source(f'"""Entries as bytes."""\n{code}\n'), (), RUFF)
    assert measure.good == 1
    assert measure.total == 1 + len(measure.findings)
    assert all(f"has {fault}" in finding for finding in measure.findings)


@pytest.mark.parametrize("text", ["Entry.", "The entry module.", "entry.py"])
def test_a_module_s_docstring_says_more_than_its_name(source, text):
    assert docstrings(source(f'"""{text}"""'), (), RUFF).good == (text == "entry.py")


@pytest.mark.parametrize(
    "code",
    [
        'def close():\n    """Close the file."""',
        'def put():\n    """Store."""',
        'def keys():\n    """All keys."""',
        'def get():\n    """Wert oder None."""',
        'def get():\n    """返回值"""',
        TWO_CLASSES,
        'def ttl():\n    """Return seconds."""\ndef pttl():\n    """Return milliseconds."""',
    ],
)
def test_a_short_docstring_that_says_something_counts(source, code):
    measure = docstrings(source(f'"""Entries as bytes."""\n{code}\n'), (), RUFF)
    assert measure.good == measure.total > 1


# Code that is not in the text


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("exec('x = 1')", "exec"),
        ("run = eval", "eval"),
        ("compile('1', '', 'eval')", "compile"),
        ("import builtins\nbuiltins.exec('1')", "exec"),
        ("import builtins as b\nb.exec('1')", "builtins"),
        ("import builtins\nb = builtins", "builtins"),
        ("from builtins import exec as run", "builtins.exec"),
        ("__builtins__['ex' + 'ec']('1')", "__builtins__"),
        ("globals()['get'] = print", "globals()[…] ="),
        ("class A:\n    vars().update(get=print)", "vars().update"),
        ("from types import FunctionType", "types.FunctionType"),
        ("def f(): ...\nf.__code__ = 1", "__code__"),
        ("import runpy\nrunpy.run_path('x')", "runpy"),
        ("from importlib import import_module\nimport_module('kv' + 'x')", "import_module of"),
        ("import importlib\nimportlib.import_module(f'{1}')", "import_module of a computed name"),
        ("from importlib import import_module\nload = import_module", "import_module of"),
        ("from importlib import import_module as load", "importlib.import_module"),
        ("import importlib\nload = getattr(importlib, 'x')", "importlib"),
        ("import importlib.util", "importlib.util"),
        ("from importlib.machinery import SourceFileLoader", "importlib.machinery"),
        ("import importlib\nimportlib.util.x", "importlib.util"),
        ("__import__('kvstore.' + 'x')", "__import__"),
        ("__spec__.loader.load_module('x')", "__spec__"),
    ],
)
def test_code_that_is_not_in_the_text_earns_nothing(source, code, what):
    problem = source(code).problem
    assert problem.endswith("reaches code that cannot be measured: write it as plain Python")
    assert problem.partition(": ")[2].startswith(what)


@pytest.mark.parametrize(
    "code",
    [
        "import re\nre.compile('a')",
        "from re import compile\ncompile('a')",
        "import ast\nast.literal_eval('1')",
        "class Repl:\n    def eval(self, line): ...\n    def run(self):\n        self.eval('')",
        "store.exec(commands)",
        "import builtins\nx: builtins.set[int]",
        "from importlib import metadata\nmetadata.version('x')",
        "import importlib.resources",
        "from importlib import import_module\nimport_module('kvstore.memory')",
        "print(vars(store), globals()['x'])\nvars(store).update(x=1)",
        "from .code import x",
        "from types import TracebackType",
    ],
)
def test_code_that_only_looks_like_it_is_measured(source, code):
    assert source(code).problem == ""


PLAIN = '"""Entries as bytes."""\n\nfrom importlib import import_module\n\n\n'
FIND = 'def find() -> type:\n    """Return the class."""\n    return {}.Entry\n\n\nEntry = find()\n'


def test_a_module_that_is_imported_by_a_computed_name_hides_nothing(marks):
    code = PLAIN + FIND.format('import_module("kvstore." + "real")')
    assert set(marks(entry=code, real=BAD).values()) == {0.0}


def test_a_module_that_is_imported_by_its_name_is_measured(marks):
    code = PLAIN + FIND.format('import_module("kvstore.real")')
    good = 'class Entry:\n    def get(self, key: str) -> str:\n        """Look up."""\n'
    assert marks(entry=code, real=good)["type-hints"] == 1.0
    assert marks(entry=code, real=BAD)["type-hints"] < 1.0


# Lambdas in place of functions


@pytest.mark.parametrize(
    "code",
    [
        "class Store:\n    get = lambda self: 1",
        "class Store:\n    put, get = (lambda self: 1), (lambda self: 2)",
        "class Store:\n    get: object = lambda self: 1",
        "class Store:\n    if True:\n        get = None or (lambda self: 1)",
        "class Store:\n    get = property(lambda self: 1)",
        "class Store: ...\nStore.get = lambda self: 1",
        "class Store: ...\nsetattr(Store, 'get', lambda self: 1)",
        "Store = type('Store', (), {'get': lambda self: 1})",
    ],
)
def test_a_method_that_is_a_lambda_costs_types_and_docstrings(source, code):
    found = source(f'"""Entries as bytes."""\n{code}\ndef f() -> None:\n    """Do nothing."""\n')
    assert type_hints(found, (), RUFF).good == docstrings(found, (), RUFF).good == 0
    assert "a method is a lambda" in type_hints(found, (), RUFF).findings[0]


def test_a_lambda_with_a_name_is_a_function_without_types_and_docstring(source):
    found = source('"""Entries as bytes."""\nencode, _decode = (lambda e: 1), lambda d, *o: 2\n')
    hints = type_hints(found, (), RUFF)
    assert (hints.good, hints.total, len(hints.findings)) == (0, 5, 2)
    found = source('"""Entries as bytes."""\nencode = lambda entry: b""\n_decode = lambda: 1\n')
    assert (docstrings(found, (), RUFF).good, docstrings(found, (), RUFF).total) == (1, 2)


@pytest.mark.parametrize(
    "code",
    [
        "keys = sorted([], key=lambda key: key[0])",
        "def f() -> None:\n    call(lambda: 1)",
        "TABLE = {'PING': lambda: 'PONG'}",
        "class Store:\n    table = {'PING': lambda: 'PONG'}",
        "class Store:\n    def __init__(self) -> None:\n        self.clock = lambda: 0.0",
        "@dataclass(frozen=True)\nclass Store:\n    clock: Callable[[], float] = lambda: 0.0",
        "class Store:\n    items: list[int] = field(default_factory=lambda: [1])",
        "later: Callable[[int], int] = lambda number: number",
    ],
)
def test_a_lambda_that_is_handed_on_or_typed_costs_nothing(source, code):
    found = source(code)
    measure = type_hints(found, (), RUFF)
    assert (measure.good, measure.findings) == (measure.total, ())
    assert "lambda" not in " ".join(docstrings(found, (), RUFF).findings)


# Other encodings


@pytest.mark.parametrize(
    "text",
    [
        b"# -*- coding: unicode_escape -*-\n# \\u000ax = 1\n",
        b"# coding: utf-7\n# +AAo-x = 1\n",
        "# coding: latin-1\nx = 'ä'\n".encode(),
        b"# coding: no-such-thing\n",
        b"\xef\xbb\xbf# coding: latin-1\n",
    ],
)
def test_text_that_python_reads_in_another_way_earns_nothing(source, text):
    assert source(text).problem == "entry.py declares another encoding than UTF-8"


@pytest.mark.parametrize(
    "text",
    [
        "# -*- coding: utf-8 -*-\nx = 'ä'\n".encode(),
        b"#!/usr/bin/python3\n# vim: set fileencoding=UTF8 :\n",
        b"\xef\xbb\xbf# coding: utf-8\n",
        b"# coding: us-ascii\n",
        b"# -*- coding: latin-1 -*-\nx = 1\n",
        b"x = 1\ny = 2\n# coding: unicode_escape\n",
    ],
)
def test_an_encoding_that_changes_nothing_costs_nothing(source, text):
    assert source(text).problem == ""


# Types that say nothing


@pytest.mark.parametrize(
    "hint", ["...", "''", "'a b'", "0", "[]", "[int]", "dict()", "1 | 2", "b''"]
)
def test_a_hint_that_is_no_type_is_none(source, hint):
    measure = type_hints(source(f"def f(x: {hint}) -> {hint}: ..."), (), RUFF)
    assert (measure.good, measure.total) == (0, 2)
    assert "f has a type that says nothing for its parameter x" in measure.findings[0]


@pytest.mark.parametrize(
    "hint",
    [
        "None",
        "'Store'",
        "' list[int] '",
        "int | None",
        "'int' | None",
        "typing.Callable[..., int]",
        "Literal['a', 0]",
        "os.PathLike[str]",
    ],
)
def test_a_hint_that_is_a_type_counts(source, hint):
    measure = type_hints(source(f"def f(x: {hint}, *y: *{hint}) -> {hint}: ..."), (), RUFF)
    assert (measure.good, measure.total) == (3, 3)


@pytest.mark.parametrize("hint", ["Any", "object", "typing.Any", "'Any'", "'typing.Any'"])
def test_types_of_everything_count_while_they_are_not_the_rule(source, hint):
    few = type_hints(source(f"def f(x: int, *rest: {hint}) -> None: ..."), (), RUFF)
    assert (few.good, few.total) == (3, 3)
    many = type_hints(source(f"def f(x: {hint}, *rest: {hint}) -> None: ..."), (), RUFF)
    assert (many.good, many.total) == (1, 3)
