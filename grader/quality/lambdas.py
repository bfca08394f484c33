"""Lambdas that stand in for functions: bound to a name, they have no place for types or docstrings.

A lambda that is handed on at once (a sort key, a callback, an entry of a table) is not one of them.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from grader.quality.source import Source, decorators

_WRAPPERS = frozenset({"cached_property", "classmethod", "property", "staticmethod"})


@dataclass(frozen=True)
class NamedLambda:
    """`slots`: the places for types that a `def` would have had, its parameters and its return.

    `is_public`: it is at the top of the file, under a name without an underscore in front.
    """

    line: int
    slots: int
    is_public: bool


def named_lambdas(source: Source) -> list[NamedLambda]:
    """The lambdas that are assigned to a name outside of a class, by line."""
    methods, at_top = set(_methods(source)), set(source.tree.body)
    found = [
        NamedLambda(value.lineno, _slots(value), node in at_top and _is_public(node))
        for node in source.nodes
        if isinstance(node, ast.Assign) and _names(node)
        for value in (node.value, *getattr(node.value, "elts", ()))
        if isinstance(value, ast.Lambda) and value not in methods
    ]
    return sorted(found, key=lambda each: each.line)


def first_lambda_method(source: Source) -> int | None:
    """The first line on which a class gets a lambda for a method."""
    return min((node.lineno for node in _methods(source)), default=None)


def _methods(source: Source) -> Iterator[ast.Lambda]:
    if not any(isinstance(node, ast.Lambda) for node in source.nodes):
        return  # most files have none, and the rest takes time
    classes = {node.name for node in source.nodes if isinstance(node, ast.ClassDef)}
    for node in source.nodes:
        match node:
            case ast.ClassDef():
                for value in _values_in(node):
                    yield from _bound(value)
            case ast.Assign(targets=targets, value=value):
                if any(_is_of(target, classes) for target in targets):
                    yield from _bound(value)
            case ast.Call(func=ast.Name(id="setattr"), args=[ast.Name(id=name), _, value]):
                if name in classes:
                    yield from _bound(value)
            case ast.Call(func=ast.Name(id="type"), args=[_, _, namespace]):
                yield from (each for each in ast.walk(namespace) if isinstance(each, ast.Lambda))


def _values_in(node: ast.ClassDef) -> Iterator[ast.expr]:
    """What the body of a class assigns. A typed field of a dataclass may hold a lambda."""
    is_dataclass = "dataclass" in decorators(node)
    pending: list[ast.AST] = list(node.body)
    while pending:
        inner = pending.pop()
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(inner, ast.Assign | ast.NamedExpr | ast.AnnAssign):
            is_field = is_dataclass and isinstance(inner, ast.AnnAssign)
            if inner.value is not None and not is_field:
                yield inner.value
        pending += ast.iter_child_nodes(inner)


def _bound(value: ast.expr) -> Iterator[ast.Lambda]:
    """The lambdas that a name gets from `value`: itself, or one of several."""
    pending = [value]
    while pending:
        match pending.pop():
            case ast.Lambda() as found:
                yield found
            case ast.Tuple(elts=several) | ast.List(elts=several) | ast.BoolOp(values=several):
                pending += several
            case ast.IfExp(body=one, orelse=other):
                pending += [one, other]
            case ast.Subscript(value=inner) | ast.Starred(value=inner):
                pending.append(inner)
            case ast.Call(func=ast.Name(id=name), args=several) if name in _WRAPPERS:
                pending += several


def _is_of(target: ast.expr, classes: Collection[str]) -> bool:
    """Whether it is an attribute of a class, such as `MemoryStore.get`."""
    match target:
        case ast.Attribute(value=ast.Name(id=name)):
            return name in classes
    return False


def _is_public(node: ast.Assign) -> bool:
    return not all(name.startswith("_") for name in _names(node))


def _names(node: ast.Assign) -> list[str]:
    """The plain names that it binds."""
    targets = [each for target in node.targets for each in (target, *getattr(target, "elts", ()))]
    return [each.id for each in targets if isinstance(each, ast.Name)]


def _slots(node: ast.Lambda) -> int:
    found = node.args
    others = [each for each in (found.vararg, found.kwarg) if each is not None]
    return len([*found.posonlyargs, *found.args, *found.kwonlyargs, *others]) + 1
