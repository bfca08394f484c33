"""A student's file as text and syntax tree; it is never imported.

A file that cannot be read or parsed is a `Source` with a `problem` and an empty tree.
"""

from __future__ import annotations

import ast
import re
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

FILE_BYTES_MAX = 128 * 1024  # far above any honest file; a finding on each token takes 100 MiB

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

# Protects the process-wide warning filters, which `catch_warnings` saves and restores.
_FILTERS_LOCK = threading.Lock()
_STAGE_NOT_WRITTEN = re.compile(r"stage \d")


@dataclass(frozen=True)
class Definition:
    """A class or a function: `name` is dotted, such as "WAL.append".

    `is_public`: no part of the name begins with an underscore, and no function encloses it.
    """

    node: FunctionNode | ast.ClassDef
    name: str
    is_public: bool
    is_method: bool


@dataclass(frozen=True)
class Source:
    """One file. `problem` is empty, or one sentence that says why it earns nothing."""

    name: str
    text: str = ""
    tree: ast.Module = field(default_factory=lambda: ast.Module(body=[], type_ignores=[]))
    problem: str = ""

    @cached_property
    def definitions(self) -> tuple[Definition, ...]:
        """All classes and functions, by line."""
        return tuple(sorted(_definitions(self.tree), key=lambda found: found.node.lineno))

    @property
    def functions(self) -> list[tuple[Definition, FunctionNode]]:
        """All functions and methods, nested ones too."""
        return [(d, d.node) for d in self.definitions if not isinstance(d.node, ast.ClassDef)]

    @cached_property
    def statements(self) -> int:
        """How many statements it has."""
        return sum(isinstance(node, ast.stmt) for node in ast.walk(self.tree))

    @cached_property
    def imports(self) -> frozenset[str]:
        """The modules of its own package that it imports."""
        return frozenset(_imports(self.tree))


def read_source(path: Path) -> Source:
    """Read and parse one file; never raises for what is in it."""
    name = path.name
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            return Source(name, problem=f"{name} is larger than {FILE_BYTES_MAX:,} bytes")
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return Source(name, problem=f"{name} is missing")
    except UnicodeDecodeError as error:
        return Source(name, problem=f"{name} is not UTF-8 text, from byte {error.start} on")
    return _parse(name, text)


def _parse(name: str, text: str) -> Source:
    try:
        with _FILTERS_LOCK, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except SyntaxError as error:
        problem = f"{name}:{error.lineno or 1}: it is not Python: {error.msg}"
        return Source(name, text, problem=problem)
    except (ValueError, RecursionError, MemoryError):
        return Source(name, text, problem=f"{name}:1: it cannot be parsed")
    return Source(name, text, tree, _what_is_unwritten(name, tree))


def _what_is_unwritten(name: str, tree: ast.Module) -> str:
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and _is_unwritten(node.exc):
            return f"{name}:{node.lineno}: a part of it is not written yet"
    return ""


def _is_unwritten(raised: ast.expr | None) -> bool:
    """Whether it is the skeleton's `NotImplementedError("stage 3: …")`."""
    if not (isinstance(raised, ast.Call) and isinstance(raised.func, ast.Name)):
        return False
    if raised.func.id != "NotImplementedError" or not raised.args:
        return False
    text = raised.args[0]
    is_text = isinstance(text, ast.Constant) and isinstance(text.value, str)
    return is_text and bool(_STAGE_NOT_WRITTEN.match(str(ast.literal_eval(text))))


def _definitions(tree: ast.Module) -> Iterator[Definition]:
    """Walk without recursion: a tree may be deeper than the interpreter's stack."""
    pending: list[tuple[ast.AST, str, bool, bool]] = [(tree, "", True, False)]
    while pending:
        parent, prefix, is_public, in_class = pending.pop()
        for node in ast.iter_child_nodes(parent):
            if not isinstance(node, FunctionNode | ast.ClassDef):
                pending.append((node, prefix, is_public, in_class))
                continue
            name = f"{prefix}{node.name}"
            public = is_public and not node.name.startswith("_")
            yield Definition(node, name, public, in_class and isinstance(node, FunctionNode))
            is_class = isinstance(node, ast.ClassDef)
            pending.append((node, f"{name}.", public and is_class, is_class))


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            dotted = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level <= 1:
            module = ".".join(filter(None, ["kvstore" if node.level else "", node.module]))
            dotted = [module, *(f"{module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in dotted:
            package, _, module = name.partition(".")
            if package == "kvstore" and module:
                yield module.partition(".")[0]
