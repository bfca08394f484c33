"""Tell by reading which modules of a package only define things when they are imported.

The states of a disk are opened in forks of one process. What a module does at its import would be
shared by all of them, and lead from one state to the next: memory, an open file, a hook that runs
before each fork. So the process imports inert modules only; in doubt a module is not inert.

A module is inert if its top, and the bodies of its classes, hold nothing but imports, functions,
classes and plain values, where nothing is called but what is listed here, by the name that the
standard library gives it; and if that is true of all modules of the package that it imports.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator

_LOUD = {"antigravity", "idlelib", "lib2to3", "test", "this", "turtle", "turtledemo"}
_QUIET = sys.stdlib_module_names - _LOUD
_BUILTIN = {
    *("property", "staticmethod", "classmethod", "frozenset", "set", "dict", "list", "tuple"),
    *("int", "float", "str", "bytes", "bytearray", "range", "object"),
}
_CALLED = {
    *(f"dataclasses.{name}" for name in ("dataclass", "field")),
    *(f"typing.{name}" for name in ("TypeVar", "ParamSpec", "NewType", "final", "overload")),
    *("contextlib.contextmanager", "functools.wraps", "abc.abstractmethod", "enum.unique"),
    *("functools.total_ordering", "struct.Struct", "re.compile", "logging.getLogger", "enum.auto"),
    *("typing.override", "threading.local", "threading.Lock", "threading.RLock"),
    *("functools.cache", "functools.lru_cache", "functools.cached_property", "itertools.count"),
    *("collections.namedtuple", "collections.defaultdict", "collections.deque"),
}
# Methods that run when a class is made, or a class below it, or when a module lacks a name.
_RUN_BY_CLASSES = {
    *("__init_subclass__", "__set_name__", "__class_getitem__", "__prepare__", "__mro_entries__"),
    *("__get__", "__getattr__", "_generate_next_value_", "_missing_"),
}
# What the members of an enumeration, which are made at once, may have of their own to read.
_READ_OF_ENUMS = {"name", "value", "_name_", "_value_"}


def inert(trees: dict[str, ast.Module], package: str) -> set[str]:
    """Return which of these modules, by their dotted names, are inert."""
    found = {name for name, tree in trees.items() if _Reader(tree, package).is_inert()}
    found |= {package} & trees.keys()  # which is always the course's
    while True:
        kept = {name for name in found if set(own_imports(trees[name], package)) <= found}
        if kept == found:
            return found
        found = kept


def own_imports(tree: ast.Module, package: str) -> Iterator[str]:
    """The modules of the package that may be imported anywhere in a module."""
    for node in ast.walk(tree):
        for name in _imported(node, package):
            if name.partition(".")[0] == package:
                yield name


def standard_imports(tree: ast.Module) -> Iterator[str]:
    """The modules of the standard library that a module names."""
    for node in ast.walk(tree):
        for name in _imported(node, ""):
            if name.partition(".")[0] in _QUIET:
                yield name


def _imported(node: ast.AST, package: str) -> Iterator[str]:
    """Modules that a statement imports; what comes from a package may be a module as well."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.level == 0:
        yield node.module or ""
        if node.module == package:
            yield from (f"{package}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.level == 1:
        if node.module:
            yield f"{package}.{node.module}"
        else:
            yield from (f"{package}.{alias.name}" for alias in node.names)


class _Reader:
    """Reads one module. `_origins` says what each name is that one import alone binds."""

    def __init__(self, tree: ast.Module, package: str) -> None:
        self._tree = tree
        self._package = package
        self._origins = _origins(tree)
        self._properties: set[str] = set()  # of the class that is being read
        self._enums: set[str] = set()

    def is_inert(self) -> bool:
        """Whether it is inert as far as can be seen in it."""
        futures = (n for n in self._tree.body if isinstance(n, ast.ImportFrom))
        names = {a.name for n in futures if n.module == "__future__" for a in n.names}
        self._reads_hints = "annotations" not in names
        return "__getattr__" not in _bound(self._tree.body) and self._are_inert(self._tree.body)

    def _are_inert(self, body: Iterable[ast.stmt]) -> bool:
        return all(map(self._is_inert, body))

    def _is_inert(self, node: ast.stmt) -> bool:
        match node:
            case ast.Import() | ast.ImportFrom():
                return self._is_quiet(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                return self._is_inert_function(node)
            case ast.ClassDef():
                return self._is_inert_class(node)
            case ast.Expr(value) | ast.Assign([ast.Name()], value):
                return self._is_plain(value)
            case ast.Assign([ast.Tuple(names)], value):
                return self._is_plain(value) and all(isinstance(n, ast.Name) for n in names)
            case ast.AnnAssign(ast.Name(), hint, value):
                is_hint = not self._reads_hints or self._is_plain(hint)
                return is_hint and (value is None or self._is_plain(value))
            case ast.If(test, body, others):
                return self._is_plain(test) and self._are_inert([*body, *others])
            case ast.Try(body, handlers, others, last):
                kinds = [handler.type for handler in handlers if handler.type is not None]
                inner = [each for handler in handlers for each in handler.body]
                are_plain = all(map(self._is_plain, kinds))
                return are_plain and self._are_inert([*body, *inner, *others, *last])
            case _:
                return isinstance(node, ast.Pass)

    def _is_quiet(self, node: ast.Import | ast.ImportFrom) -> bool:
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            return False
        known = {*_QUIET, self._package}
        names = list(_imported(node, self._package))
        return bool(names) and all(name.partition(".")[0] in known for name in names)

    def _is_inert_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
        arguments = node.args
        values = _defaults(arguments)
        if self._reads_hints:
            every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
            every += filter(None, (arguments.vararg, arguments.kwarg))
            hints = (node.returns, *(argument.annotation for argument in every))
            values += filter(None, hints)
        return self._are_known(node.decorator_list) and all(map(self._is_plain, values))

    def _is_inert_class(self, node: ast.ClassDef) -> bool:
        bound = set(_bound(node.body))
        if any(self._may_be_enum(base) for base in node.bases):
            self._enums.add(node.name)
            special = {name for name in bound if name.startswith("__") and name != "__slots__"}
            is_fit = not special - {"__doc__"} and not bound & _READ_OF_ENUMS
        else:
            is_fit = not bound & _RUN_BY_CLASSES
        functions = (each for each in node.body if isinstance(each, ast.FunctionDef))
        self._properties = {each.name for each in functions if self._is_property(each)}
        return (
            is_fit
            and not bound & _RUN_BY_CLASSES
            and not node.keywords
            and all(map(self._is_plain, node.bases))
            and self._are_known(node.decorator_list)
            and self._are_inert(node.body)
        )

    def _may_be_enum(self, base: ast.expr) -> bool:
        """Whether a class below this one makes instances at once."""
        origin = self._origin(base)
        is_own = isinstance(base, ast.Name) and base.id in self._enums
        return is_own or origin.startswith(("enum.", "."))

    def _is_property(self, node: ast.FunctionDef) -> bool:
        """Whether a function of a class is a property before it has a setter."""
        return any(self._origin(decorator) == "property" for decorator in node.decorator_list)

    def _are_known(self, decorators: Iterable[ast.expr]) -> bool:
        return all(self._is_known(n) or self._is_plain_call(n) for n in decorators)

    def _is_known(self, node: ast.expr) -> bool:
        """Whether that is a function which may be called, or a setter of a property."""
        if isinstance(node, ast.Attribute) and node.attr in ("setter", "getter", "deleter"):
            return isinstance(node.value, ast.Name) and node.value.id in self._properties
        return self._origin(node) in _CALLED | _BUILTIN

    def _is_plain_call(self, node: ast.expr) -> bool:
        if not isinstance(node, ast.Call) or self._origin(node.func) not in _CALLED | _BUILTIN:
            return False
        return all(map(self._is_plain, (*node.args, *(each.value for each in node.keywords))))

    def _is_plain(self, node: ast.expr) -> bool:
        """Whether nothing of the module runs when this is read."""
        match node:
            case ast.Tuple() | ast.List() | ast.Set():
                return all(map(self._is_plain, node.elts))
            case ast.Dict(keys, values):
                return all(key is not None and self._is_plain(key) for key in keys) and all(
                    map(self._is_plain, values)
                )
            case ast.BinOp(left, _, right):
                return self._is_plain(left) and self._is_plain(right)
            case ast.UnaryOp(_, operand):
                return self._is_plain(operand)
            case ast.Compare(left, _, others):
                return all(map(self._is_plain, (left, *others)))
            case ast.Subscript(value, place):
                return self._is_plain(value) and self._is_plain(place)
            case ast.Attribute(value):
                return self._is_plain(value)
            case ast.Lambda(arguments):
                return all(map(self._is_plain, _defaults(arguments)))
            case _:
                return isinstance(node, ast.Constant | ast.Name) or self._is_plain_call(node)

    def _origin(self, node: ast.expr) -> str:
        """The full name of what stands there, if imports say it; a built-in one has no dot."""
        match node:
            case ast.Name(name):
                return self._origins.get(name, name if name in _BUILTIN else "")
            case ast.Attribute(value, name):
                return f"{self._origin(value)}.{name}"
            case _:
                return ""


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [*arguments.defaults, *filter(None, arguments.kw_defaults)]


def _bound(body: Iterable[ast.stmt]) -> Iterator[str]:
    """Every name that a body may bind, and some that it does not."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
            continue
        for each in ast.walk(node):
            if isinstance(each, ast.Name) and not isinstance(each.ctx, ast.Load):
                yield each.id
            elif isinstance(each, ast.alias):
                yield each.asname or each.name.partition(".")[0]
            elif isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield each.name


def _origins(tree: ast.Module) -> dict[str, str]:
    """What each name is that is bound once in a module, by an import of the standard library; a
    name that is bound otherwise is nothing known.
    """
    origins: dict[str, str] = {}
    for node in ast.walk(tree):
        found: dict[str, str] = {}
        if isinstance(node, ast.Import):
            found = {a.asname or a.name.partition(".")[0]: a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            home = "." if node.level else f"{node.module}."
            found = {a.asname or a.name: f"{home}{a.name}" for a in node.names}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found = {node.name: ""}
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found = {node.id: ""}
        elif isinstance(node, ast.arg):
            found = {node.arg: ""}
        for name, origin in found.items():
            origins[name] = origin if origins.get(name, origin) == origin else ""
    return origins
