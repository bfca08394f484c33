"""Code that the text of a file does not show: run from a string, imported by a computed name.

What is not in the text cannot be measured, so a file that reaches for it earns nothing. This is
about measuring, not about safety: the names below are the ways that plain code has no need of.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

# Modules that run text or find modules in other ways than an import statement does.
_MODULES = frozenset({"_imp", "code", "codeop", "imp", "pkgutil", "runpy", "zipimport"})
_RUN_TEXT = frozenset({"exec", "eval", "compile"})
_NAMES = frozenset({"__builtins__", "__import__", "__loader__", "__spec__"})
_MEMBERS = _NAMES | {"__code__", "CodeType", "FunctionType", "exec_module", "load_module"}
_OF_IMPORTLIB = frozenset({"import_module", "invalidate_caches", "metadata", "reload", "resources"})
_NAMESPACES = frozenset({"globals", "locals", "vars"})


def find_unseen(tree: ast.Module, nodes: Sequence[ast.AST]) -> tuple[int, str] | None:
    """Return the line and the name of the first thing that reaches such code.

    `nodes` are all nodes of `tree`.
    """
    own_compile = any("compile" in _bound_by(node) for node in tree.body)
    found = [
        (line, what)
        for node in nodes
        for line, what in _reaches(node)
        if not (own_compile and what == "compile")
    ]
    found += _hidden_imports(nodes)
    return min(found, default=None)


def literal_import(node: ast.AST) -> str:
    """Return the module that `import_module("…")` names; empty for any other node."""
    match node:
        case ast.Call(
            func=ast.Name(id="import_module") | ast.Attribute(attr="import_module"),
            args=[ast.Constant(value=str(module)), *_],
        ):
            return module
    return ""


def _reaches(node: ast.AST) -> Iterator[tuple[int, str]]:
    """What one node reaches: its line and name."""
    match node:
        case ast.Name(id=name, lineno=line) if name in _RUN_TEXT | _NAMES:
            yield line, name
        case ast.Attribute(value=ast.Name(id="builtins"), attr=name, lineno=line) if (
            name in _RUN_TEXT
        ):
            yield line, name
        case ast.Attribute(value=ast.Name(id="importlib"), attr=name, lineno=line) if (
            name not in _OF_IMPORTLIB
        ):
            yield line, f"importlib.{name}"
        case ast.Attribute(attr=name, lineno=line) if name in _MEMBERS:
            yield line, name
        case ast.Import(names=aliases, lineno=line):
            yield from ((line, each.name) for each in aliases if _is_refused(each))
        case ast.ImportFrom(level=0, module=str(module), names=aliases, lineno=line):
            yield from ((line, f"{module}.{a.name}") for a in aliases if _is_refused(a, module))
        case ast.Subscript(value=ast.Call() as inner, ctx=ast.Store(), lineno=line):
            yield from ((line, f"{name}()[…] =") for name in _namespace(inner))
        case ast.Attribute(value=ast.Call() as inner, attr="update", lineno=line):
            yield from ((line, f"{name}().update") for name in _namespace(inner))


def _namespace(call: ast.Call) -> Iterator[str]:
    """The name of a function that gives the names of a module, a class or a function to change."""
    match call:
        case ast.Call(func=ast.Name(id=name), args=[]) if name in _NAMESPACES:
            yield name


def _is_refused(alias: ast.alias, module: str = "") -> bool:
    """Whether an import leads to what runs text or finds modules, or hides it by another name."""
    top, _, rest = (f"{module}.{alias.name}" if module else alias.name).partition(".")
    member = rest.partition(".")[0]
    if top == "builtins":
        return alias.asname is not None or member in _RUN_TEXT | _NAMES | {"*"}
    if top == "importlib":
        is_renamed = alias.asname is not None and member in ("", "import_module")
        return is_renamed or bool(member and member not in _OF_IMPORTLIB)
    return top in _MODULES or (top == "types" and member in _MEMBERS)


def _hidden_imports(nodes: Sequence[ast.AST]) -> Iterator[tuple[int, str]]:
    """Each `import_module` that is no plain call, and each of these modules as a value."""
    plain = {id(node.func) for node in nodes if isinstance(node, ast.Call) and literal_import(node)}
    plain |= {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    for node in nodes:
        match node:
            case ast.Name(id="import_module") | ast.Attribute(attr="import_module"):
                if id(node) not in plain:
                    yield node.lineno, "import_module of a computed name"
            case ast.Name(id="importlib" | "builtins" as name):
                if id(node) not in plain:
                    yield node.lineno, name


def _bound_by(statement: ast.stmt) -> set[str]:
    """The names that a definition or a `from … import` binds."""
    match statement:
        case ast.ImportFrom(names=aliases):
            return {alias.asname or alias.name for alias in aliases}
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return {name}
    return set()
