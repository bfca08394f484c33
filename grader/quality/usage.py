"""Which classes and functions of a package nobody uses: they can cost marks, but earn none.

A definition is used if code that is used mentions its name, if the course asks for it, or if
something outside the package calls it: a special method, a method of a class with a base from
elsewhere, what a decorator was given. Code of a module itself is always used. A definition inside
another is used only if that one is. By name alone, so in doubt a definition counts as used.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from grader.quality.source import Definition, Source, decorators

# Decorators that call nothing: what they stand on is used no more than without them.
_CALLS_NOTHING = (
    frozenset({"property", "cached_property", "getter", "setter", "deleter"})
    | {"abstractmethod", "classmethod", "final", "overload", "override", "staticmethod"}
    | {"asynccontextmanager", "cache", "contextmanager", "lru_cache", "wraps"}
    | {"dataclass", "total_ordering"}
)
# Who looks names up like this may use any name of the file.
_LOOK_UP_ANY = frozenset(
    {"globals", "locals", "vars", "__dict__", "getmembers", "__subclasses__", "__init_subclass__"}
)


@dataclass(frozen=True)
class Asked:
    """The names that the course asks for: at the top of a file, and as methods."""

    top: frozenset[str]
    methods: frozenset[str]


def names_asked(given: Iterable[Source]) -> Asked:
    """What the course's own versions of the files define."""
    definitions = [found for source in given for found in source.definitions]
    return Asked(
        frozenset(found.node.name for found in definitions if not found.is_method),
        frozenset(found.node.name for found in definitions if found.is_method),
    )


def unused_nodes(sources: Collection[Source], asked: Asked) -> frozenset[ast.AST]:
    """Return the nodes of all definitions in these files, one package, that are not used."""
    classes = {
        found.node.name
        for source in sources
        for found in source.definitions
        if isinstance(found.node, ast.ClassDef)
    }
    within: dict[ast.AST, list[Definition]] = defaultdict(list)
    by_name: dict[str, list[Definition]] = defaultdict(list)
    wanted: set[ast.AST] = set()
    for source in sources:
        takes_any = _looks_up_any(source.nodes)
        for found in source.definitions:
            within[found.enclosing or source.tree].append(found)
            by_name[found.node.name].append(found)
            if takes_any or _is_wanted(found, asked, classes):
                wanted.add(found.node)
    return _rest(sources, within, by_name, wanted)


def _rest(
    sources: Iterable[Source],
    within: dict[ast.AST, list[Definition]],
    by_name: dict[str, list[Definition]],
    wanted: set[ast.AST],
) -> frozenset[ast.AST]:
    """Follow names from the code of the modules on; return what is never reached."""
    pending: list[ast.AST] = [source.tree for source in sources]
    reached, mentioned = set(pending), set[str]()
    while pending:
        node = pending.pop()
        candidates = list(within[node])
        for name in _mentions(node):
            if name not in mentioned:
                mentioned.add(name)
                candidates += by_name.get(name, [])
        for found in candidates:
            is_open = found.enclosing is None or found.enclosing in reached
            is_used = found.node in wanted or found.node.name in mentioned
            if is_open and is_used and found.node not in reached:
                reached.add(found.node)
                pending.append(found.node)
    everything = {found.node for definitions in within.values() for found in definitions}
    return frozenset(everything - reached)


def _is_wanted(found: Definition, asked: Asked, classes: Collection[str]) -> bool:
    name = found.node.name
    if name.startswith("__") and name.endswith("__"):
        return True
    if name in (asked.methods if found.is_method else asked.top):
        return True
    if not decorators(found.node) <= _CALLS_NOTHING:
        return True
    around = found.enclosing
    return isinstance(around, ast.ClassDef) and any(
        base not in classes and base != "object" for base in _bases(around)
    )


def _bases(node: ast.ClassDef) -> Iterator[str]:
    """The last names of its bases: "Generic" for `typing.Generic[T]`."""
    for base in node.bases:
        plain = base.value if isinstance(base, ast.Subscript) else base
        yield getattr(plain, "attr", getattr(plain, "id", ""))


def _mentions(root: ast.AST) -> Iterator[str]:
    """The names in the code of `root` itself; definitions inside it speak for themselves."""
    pending = [root]
    while pending:
        for node in ast.iter_child_nodes(pending.pop()):
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    continue
                case ast.Name(id=name, ctx=ast.Load()) | ast.Attribute(attr=name):
                    yield name
                case ast.alias(name=name):
                    yield name.rpartition(".")[2]
                case ast.Call(args=arguments):  # such as getattr(store, "get")
                    constants = (a.value for a in arguments if isinstance(a, ast.Constant))
                    yield from (text for text in constants if isinstance(text, str))
            pending.append(node)


def _looks_up_any(nodes: Iterable[ast.AST]) -> bool:
    """Whether a name is computed, such as `getattr(self, "do_" + command)`."""
    for node in nodes:
        match node:
            case ast.Call(func=ast.Name(id="getattr"), args=[_, name, *_]):
                if not isinstance(name, ast.Constant):
                    return True
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.FunctionDef(name=name):
                if name in _LOOK_UP_ANY:
                    return True
    return False
