"""What the quality checks say about small pieces of code."""

import msgspec
import pytest

from grader.quality.checks import complexity, docstrings, style, type_hints
from grader.quality.lint import lint, without_suppressions
from grader.quality.settings import QualityError, load_settings
from grader.quality.source import read_source
from grader.tests.make_source import write_source

RUFF = load_settings().ruff
BRANCHES = "\n".join(f"    if a == {n}:\n        print(a)" for n in range(RUFF.complexity_max))


@pytest.fixture
def source(tmp_path):
    return lambda text, name="memory.py": write_source(tmp_path / name, text)


def findings(source):
    return lint([source], RUFF)[source.name]


def test_type_hints_are_parameters_and_returns(source):
    found = source(
        """
        class Store:
            def __init__(self, clock: float, *rest, last=1, **more: int) -> None: ...
            @classmethod
            def open(cls, path): ...
            @staticmethod
            def check(value: int) -> bool:
                def nested(x): ...
        async def go() -> None: ...
        """
    )
    measure = type_hints(found, (), RUFF)
    assert (measure.good, measure.total) == (6, 12)
    assert measure.findings == (
        "memory.py:3: Store.__init__ has no type for its parameter rest",
        "memory.py:3: Store.__init__ has no type for its parameter last",
        "memory.py:5: Store.open has no type for its parameter path",
        "memory.py:5: Store.open has no type for what it returns",
        "memory.py:8: Store.check.nested has no type for its parameter x",
        "memory.py:8: Store.check.nested has no type for what it returns",
    )


def test_docstrings_are_of_public_names(source):
    found = source(
        '''
        """Values by key."""
        class Store:
            "-"
            def get(self):
                """Look up."""
                def nested(): ...
            def set(self): ...
            def _private(self): ...
            def __len__(self): ...
            @property
            def size(self): ...
            @size.setter
            def size(self, value): ...
        class _Hidden:
            def get(self): ...
        if True:
            def late(): ...
        '''
    )
    measure = docstrings(found, (), RUFF)
    assert (measure.good, measure.total) == (2, 6)
    assert measure.findings == (
        "memory.py:3: Store has no docstring",
        "memory.py:8: Store.set has no docstring",
        "memory.py:12: Store.size has no docstring",
        "memory.py:18: late has no docstring",
    )


def test_complexity_is_the_share_of_functions_within_the_limit(source):
    found = source(f"def f(a):\n{BRANCHES}\n\n\ndef g(a):\n    return a\n")
    measure = complexity(found, findings(found), RUFF)
    assert (measure.good, measure.total) == (1, 2)
    assert measure.findings == ("memory.py:1: `f` is too complex (11 > 10) (C901)",)


def test_style_is_what_ruff_finds_besides_complexity(source):
    found = source(f"import os\n\n\ndef f(a):\n{BRANCHES}\n")
    measure = style(found, findings(found), RUFF)
    assert (measure.total - measure.good, measure.total) == (RUFF.statements_per_finding, 22)
    assert measure.findings == ("memory.py:1: `os` imported but unused (F401)",)


def test_style_is_never_below_nothing(source):
    found = source("import os, sys\n")
    assert style(found, findings(found), RUFF).good == 0


@pytest.mark.parametrize(
    "text",
    [
        "import os  # noqa\n",
        "import os  # NOQA: F401\n",
        "# ruff: noqa\nimport os\n",
        "# ruff: noqa: F401\nimport os\n",
        "# flake8: noqa\nimport os\n",
        "# ruff: disable[F401]\nimport os\n# ruff: enable[F401]\n",
        "# ruff: ignore[F401]\nimport os\n",
        "# ruff: file-ignore[F401]\nimport os\n",
    ],
)
def test_nothing_in_the_file_suppresses_a_finding(source, text):
    assert [finding.rule for finding in findings(source(text))] == ["F401"]


def test_only_comments_are_blanked():
    text = 'a = "# noqa"  # noqa: E501\r\nb = """\n# ruff: noqa\n"""\n# fine\n'
    expected = 'a = "# noqa"  # ----: E501\r\nb = """\n# ruff: noqa\n"""\n# fine\n'
    assert without_suppressions(text) == expected


def test_a_configuration_beside_the_file_is_not_read(source, tmp_path):
    (tmp_path / "ruff.toml").write_text('lint.ignore = ["F401"]\nexclude = ["*"]')
    assert findings(source("import os\n"))


def test_a_file_named_as_the_tool_is_not_run(source, tmp_path, monkeypatch):
    marker = tmp_path / "was-run"
    monkeypatch.chdir(tmp_path)
    found = source(f"open({str(marker)!r}, 'w').close()\n", name="ruff.py")
    findings(found)
    assert not marker.exists()


def test_a_tool_that_fails_is_the_grader_s_fault(source):
    with pytest.raises(QualityError, match="ruff failed"):
        lint([source("x = 1\n")], msgspec.structs.replace(RUFF, rules=("NOPE",)))


def test_no_files_need_no_tool():
    assert lint([], RUFF) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def f(:\n", "memory.py:1: it is not Python: invalid syntax"),
        ("x = 1\nif\n", "memory.py:2: it is not Python: invalid syntax"),
        (b"x = '\xff'\n", "memory.py is not UTF-8 text, from byte 5 on"),
        ("def f():\n    raise NotImplementedError('stage 1: f')\n", "memory.py:2: a part of it"),
        ("def f():\n    raise NotImplementedError('one day')\n", ""),
        ("def f():\n    raise NotImplementedError\n", ""),
        ("x = '\\d'\n", ""),
    ],
)
def test_a_file_that_counts_for_nothing_says_why(source, text, said):
    problem = source(text).problem
    assert problem.startswith(said)
    assert bool(problem) == bool(said)


@pytest.mark.parametrize("text", ["x = " + "(" * 5_000, "x = " + "-" * 100_000 + "1", "\0"])
def test_no_text_breaks_the_reader(source, text):
    assert source(text).problem


def test_a_missing_and_a_huge_file(source, tmp_path, monkeypatch):
    assert read_source(tmp_path / "wal.py").problem == "wal.py is missing"
    monkeypatch.setattr("grader.quality.source.FILE_BYTES_MAX", 3)
    assert source("x = 1\n").problem == "memory.py is larger than 3 bytes"


def test_imports_of_the_own_package(source):
    found = source(
        """
        import os, kvstore.a
        from . import b
        from .c import x
        from kvstore import d
        from kvstore.e import y
        import f.z
        from importlib import import_module
        import_module(".g", "kvstore")
        print("kvstore.h")
        """
    )
    assert found.imports >= {"a", "b", "c", "d", "e", "f", "g"}
    assert "h" not in found.imports


def test_settings_that_cannot_be_read(tmp_path):
    path = tmp_path / "quality.toml"
    path.write_text("[points]\nstyle = 'much'\n[ruff]\n")
    with pytest.raises(QualityError, match=r"quality\.toml cannot be read"):
        load_settings(path)
