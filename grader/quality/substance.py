"""Whether a type hint or a docstring says anything at all; not whether what it says is true."""

from __future__ import annotations

import ast
import re

from grader.quality.source import FunctionNode, parse_quietly

_WORD = re.compile(r"[^\W\d_]{2,}")
_PART_OF_NAME = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+")
# Said of anything, these words say nothing.
_EMPTY = (
    frozenset({"an", "it", "its", "that", "the", "this"})
    | {"and", "does", "for", "in", "is", "of", "on", "or", "to"}
    | {"class", "function", "method", "module", "property", "test"}
    | {"doc", "docstring", "fixme", "todo"}
)
_TYPES_OF_ALL = frozenset({"Any", "object"})


def is_type(annotation: ast.expr | None) -> bool:
    """Whether it has the form of a type: a name, `None`, `a[b]`, `a | b`, or one of these as text.

    `...`, "", numbers, lists and calls are no types.
    """
    pending = [annotation]
    while pending:
        match pending.pop():
            case ast.Name() | ast.Attribute() | ast.Constant(value=None):
                continue
            case ast.Subscript(value=ast.Name() | ast.Attribute()):
                continue
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                pending += [left, right]
            case ast.Starred(value=inner):
                pending.append(inner)
            case ast.Constant(value=str(text)):
                pending.append(_parse_expression(text))
            case _:
                return False
    return True


def is_type_of_all(annotation: ast.expr | None) -> bool:
    """Whether it is `Any` or `object`, which hold for every value."""
    match annotation:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Constant(value=str(name)):
            return name.rpartition(".")[2] in _TYPES_OF_ALL
    return False


def docstring_words(node: ast.Module | ast.ClassDef | FunctionNode) -> tuple[str, ...]:
    """The words of two letters and more in its docstring, in lower case; none if it has none."""
    match node.body[:1]:
        case [ast.Expr(value=ast.Constant(value=str(text)))]:
            return tuple(_WORD.findall(text.lower()))
    return ()


def says_more(words: tuple[str, ...], name: str) -> bool:
    """Whether there is a word that is neither of the name nor one that fits anything."""
    parts = {part.lower() for part in _PART_OF_NAME.findall(name)}
    known = {_without_s(word) for word in (*parts, name.lower())}
    return any(word not in _EMPTY and _without_s(word) not in known for word in words)


def _without_s(word: str) -> str:
    """Let "sets" be "set", and "keys" be "key"."""
    return word.removesuffix("s")


def _parse_expression(text: str) -> ast.expr | None:
    try:
        body = parse_quietly(text.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    match body:
        case [ast.Expr(value=expression)]:
            return expression
    return None
