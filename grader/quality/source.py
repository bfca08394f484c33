"""A student's file as text and syntax tree; it is never imported.

A file that cannot be read or parsed is a `Source` with a `problem` and an empty tree.
"""

from __future__ import annotations

import ast
import codecs
import io
import re
import threading
import tokenize
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from grader.quality.unseen import find_unseen, literal_import

FILE_BYTES_MAX = 128 * 1024  # far above any honest file; a finding on each token takes 100 MiB

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

# Protects the process-wide warning filters, which `catch_warnings` saves and restores.
_FILTERS_LOCK = threading.Lock()
# Encodings in which plain ASCII is what it is in UTF-8, by their names in `codecs`.
_LIKE_UTF8_IN_ASCII = frozenset({"ascii", "iso8859-1", "cp1252"})
_STAGE_NOT_WRITTEN = re.compile(r"stage \d")


@dataclass(frozen=True)
class Definition:
    """A class or a function: `name` is dotted, such as "WAL.append".

    `is_public`: no part of the name begins with an underscore, and no function encloses it.
    `enclosing` is the definition around it, None at the top of the file.
    """

    node: FunctionNode | ast.ClassDef
    name: str
    is_public: bool
    is_method: bool
    enclosing: FunctionNode | ast.ClassDef | None


@dataclass(frozen=True)
class Source:
    """One file. `problem` is empty, or one sentence that says why it earns nothing.

    `nodes` are all nodes of `tree`, and `definitions` its classes and functions by line. `unused`
    holds the nodes of definitions that nobody uses; see `usage.py`.
    """

    name: str
    text: str = ""
    tree: ast.Module = field(default_factory=lambda: ast.Module(body=[], type_ignores=[]))
    problem: str = ""
    nodes: tuple[ast.AST, ...] = ()
    definitions: tuple[Definition, ...] = ()
    unused: frozenset[ast.AST] = frozenset()

    @property
    def functions(self) -> list[tuple[Definition, FunctionNode]]:
        """All functions and methods, nested ones too."""
        return [(d, d.node) for d in self.definitions if not isinstance(d.node, ast.ClassDef)]

    @cached_property
    def statements(self) -> int:
        """How many statements it has, those of unused definitions aside."""
        unused = {inner for node in self.unused for inner in ast.walk(node)}
        return sum(isinstance(node, ast.stmt) and node not in unused for node in self.nodes)

    @cached_property
    def imports(self) -> frozenset[str]:
        """The names in its import statements, one of which may be a module of its own package."""
        return frozenset(_imports(self.nodes))


def read_source(path: Path) -> Source:
    """Read and parse one file; never raises for what is in it."""
    name = path.name
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            return Source(name, problem=f"{name} is larger than {FILE_BYTES_MAX:,} bytes")
        data = path.read_bytes()
        text = data.decode("utf-8-sig")
    except FileNotFoundError:
        return Source(name, problem=f"{name} is missing")
    except UnicodeDecodeError as error:
        return Source(name, problem=f"{name} is not UTF-8 text, from byte {error.start} on")
    if not _is_read_as_utf8(data):
        return Source(name, problem=f"{name} declares another encoding than UTF-8")
    return _parse(name, text)


def parse_quietly(text: str) -> ast.Module:
    """Parse without warnings; raises what `ast.parse` does, `RecursionError` among it."""
    with _FILTERS_LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def decorators(node: FunctionNode | ast.ClassDef) -> set[str]:
    """The last names of its decorators: "setter" for `@size.setter`, "cache" for `@cache(1)`."""
    plain = [each.func if isinstance(each, ast.Call) else each for each in node.decorator_list]
    return {getattr(each, "attr", getattr(each, "id", "")) for each in plain}


def _is_read_as_utf8(data: bytes) -> bool:
    """Whether Python reads the text that we read: a comment may declare an encoding (PEP 263)."""
    try:
        encoding = codecs.lookup(tokenize.detect_encoding(io.BytesIO(data).readline)[0]).name
    except SyntaxError:
        return False
    return encoding.startswith("utf-8") or (data.isascii() and encoding in _LIKE_UTF8_IN_ASCII)


def _parse(name: str, text: str) -> Source:
    try:
        tree = parse_quietly(text)
    except SyntaxError as error:
        problem = f"{name}:{error.lineno or 1}: it is not Python: {error.msg}"
        return Source(name, text, problem=problem)
    except (ValueError, RecursionError, MemoryError):
        return Source(name, text, problem=f"{name}:1: it cannot be parsed")
    nodes = tuple(ast.walk(tree))
    problem = _what_is_unwritten(name, nodes) or _what_is_unseen(name, tree, nodes)
    definitions = sorted(_definitions(tree), key=lambda found: found.node.lineno)
    return Source(name, text, tree, problem, nodes, tuple(definitions))


def _what_is_unseen(name: str, tree: ast.Module, nodes: Sequence[ast.AST]) -> str:
    found = find_unseen(tree, nodes)
    if found is None:
        return ""
    line, what = found
    return f"{name}:{line}: {what} reaches code that cannot be measured: write it as plain Python"


def _what_is_unwritten(name: str, nodes: Iterable[ast.AST]) -> str:
    for node in nodes:
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
    pending: list[tuple[ast.AST, Definition | None]] = [(tree, None)]
    while pending:
        parent, around = pending.pop()
        for node in ast.iter_child_nodes(parent):
            within = around
            if isinstance(node, FunctionNode | ast.ClassDef):
                within = _definition(node, around)
                yield within
            pending.append((node, within))


def _definition(node: FunctionNode | ast.ClassDef, around: Definition | None) -> Definition:
    in_class = around is not None and isinstance(around.node, ast.ClassDef)
    return Definition(
        node=node,
        name=f"{around.name}.{node.name}" if around else node.name,
        is_public=not node.name.startswith("_")
        and (around is None or (around.is_public and in_class)),
        is_method=in_class and not isinstance(node, ast.ClassDef),
        enclosing=around.node if around else None,
    )


def _imports(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        match node:
            case ast.Import(names=aliases):
                dotted = [alias.name for alias in aliases]
            case ast.ImportFrom(module=module, names=aliases):
                dotted = [module or "", *(alias.name for alias in aliases)]
            case _:
                dotted = [literal_import(node)]
        for name in dotted:
            yield from name.split(".")
