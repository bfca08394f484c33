"""Which modules keep nothing: those that need not be run again for each schedule.

A module is stateless if its top, and the bodies of its classes, hold nothing but imports,
functions, classes, and names for numbers and texts. Told by reading, so in doubt it is not.
"""

from __future__ import annotations

import ast

# Decorators that keep nothing by themselves (`functools.cache` does).
_HARMLESS = {
    *("property", "staticmethod", "classmethod", "contextmanager", "abstractmethod", "override"),
    *("setter", "final", "dataclass", "overload", "unique", "total_ordering"),
}
# What these return never changes.
_MAKERS = {
    *("TypeVar", "ParamSpec", "NewType", "Struct", "compile", "range", "frozenset", "field"),
    *("int", "float", "str", "bytes", "tuple", "Path", "auto"),
}
# Functions by which a module or a class can be changed.
_CHANGERS = {"globals", "vars", "setattr", "delattr"}


def is_stateless(tree: ast.Module) -> bool:
    """Whether running a module leaves nothing behind that could change."""
    names = {"cls", *_bound(tree.body)}
    return _keep_nothing(tree.body) and not any(_changes(node, names) for node in ast.walk(tree))


def staying(stateless: set[str], uses: dict[str, set[str]]) -> set[str]:
    """Return which modules may stay: the stateless ones that use, directly or not, no others, which
    they would go on using when those have been imported afresh.
    """
    stay = stateless
    while True:
        settled = {name for name in stay if uses[name] & uses.keys() <= stay}
        if settled == stay:
            return stay
        stay = settled


def _bound(body: list[ast.stmt]) -> set[str]:
    """Names that stand for what stays: functions, classes, modules."""
    names = set()
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    return names


def _changes(node: ast.AST, names: set[str]) -> bool:
    """Whether a module, a class or a function may be changed here."""
    if isinstance(node, ast.Name):
        return node.id in _CHANGERS
    if not isinstance(node, ast.Attribute) or isinstance(node.ctx, ast.Load):
        return isinstance(node, ast.Global)
    match node.value:
        case ast.Name(name):
            return name in names
        case ast.Attribute(_, name):
            return name == "__class__"
        case ast.Call(function):
            return _name(function) == "type"
        case _:
            return False


def _keep_nothing(body: list[ast.stmt]) -> bool:
    return all(_keeps_nothing(node) for node in body)


def _keeps_nothing(node: ast.stmt) -> bool:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            defaults = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
            return _are_harmless(node.decorator_list) and all(map(_is_constant, defaults))
        case ast.ClassDef():
            plain = not node.keywords and _are_harmless(node.decorator_list)
            return plain and _keep_nothing(node.body)
        case ast.Expr(value):
            return isinstance(value, ast.Constant)
        case ast.Assign(_, value):
            return _is_constant(value)
        case ast.AnnAssign(_, _, value):
            return value is None or _is_constant(value)
        case ast.If(_, then, otherwise):
            return _keep_nothing(then) and _keep_nothing(otherwise)
        case _:
            return isinstance(node, ast.Import | ast.ImportFrom | ast.Pass)


def _is_constant(node: ast.expr) -> bool:
    match node:
        case ast.Tuple(items):
            return all(map(_is_constant, items))
        case ast.BinOp(left, _, right):
            return _is_constant(left) and _is_constant(right)
        case ast.UnaryOp(_, operand):
            return _is_constant(operand)
        case ast.Call(function, args, keywords):
            values = [*args, *(keyword.value for keyword in keywords)]
            return _name(function) in _MAKERS and all(map(_is_constant, values))
        case _:
            return isinstance(node, ast.Constant | ast.Name | ast.Attribute)


def _are_harmless(decorators: list[ast.expr]) -> bool:
    called = (node.func if isinstance(node, ast.Call) else node for node in decorators)
    return all(_name(node) in _HARMLESS for node in called)


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
