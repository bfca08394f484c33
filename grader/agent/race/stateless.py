"""Which modules keep nothing: those that need not be run again for each schedule.

A module is stateless if its top, and the bodies of its classes, hold nothing but imports,
functions, classes, and names for numbers and texts. Told by reading, so in doubt it is not.
"""

from __future__ import annotations

import ast

# Decorators that keep nothing by themselves (`functools.cache` does).
_HARMLESS = {
    *("property", "staticmethod", "classmethod", "contextmanager", "abstractmethod", "override"),
    *("setter", "final"),
}
_NOTHING_KEPT = (ast.Import, ast.ImportFrom, ast.Pass)


def is_stateless(body: list[ast.stmt]) -> bool:
    """Whether what runs here leaves nothing behind that could change."""
    return all(_keeps_nothing(node) for node in body)


def _keeps_nothing(node: ast.stmt) -> bool:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            defaults = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
            return _are_harmless(node.decorator_list) and all(map(_is_constant, defaults))
        case ast.ClassDef():
            plain = not node.keywords and _are_harmless(node.decorator_list)
            return plain and is_stateless(node.body)
        case ast.Expr(value):
            return isinstance(value, ast.Constant)
        case ast.Assign(_, value):
            return _is_constant(value)
        case ast.AnnAssign(_, _, value):
            return value is None or _is_constant(value)
        case ast.If(ast.Name("TYPE_CHECKING")):
            return not node.orelse
        case _:
            return isinstance(node, _NOTHING_KEPT)


def _is_constant(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple):
        return all(map(_is_constant, node.elts))
    return isinstance(node, ast.Constant | ast.Name | ast.UnaryOp)


def _are_harmless(decorators: list[ast.expr]) -> bool:
    names = (node.attr if isinstance(node, ast.Attribute) else node for node in decorators)
    return all((name.id if isinstance(name, ast.Name) else name) in _HARMLESS for name in names)
