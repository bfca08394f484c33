"""The four checks on one file: how much of it is good, of how much, and what is not.

A check is a function of a `Source`, its ruff findings and the settings; the table `CHECKS` names
them. Points, stages and files that earn nothing belong to `marks.py`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from grader.quality.lint import COMPLEXITY_RULE, Finding
from grader.quality.settings import RuffSettings
from grader.quality.source import Definition, FunctionNode, Source

_NEEDS_NO_DOCSTRING = frozenset({"overload", "override", "setter", "deleter"})


@dataclass(frozen=True)
class Measure:
    """`good` of `total`, in the check's own unit; `findings` are sentences with file and line."""

    good: int
    total: int
    findings: tuple[str, ...]


Check = Callable[[Source, Sequence[Finding], RuffSettings], Measure]


def style(source: Source, findings: Sequence[Finding], settings: RuffSettings) -> Measure:
    """In statements: each finding of ruff costs some of them."""
    found = [finding for finding in findings if finding.rule != COMPLEXITY_RULE]
    spoilt = len(found) * settings.statements_per_finding
    return Measure(max(0, source.statements - spoilt), source.statements, _said(source, found))


def complexity(source: Source, findings: Sequence[Finding], _: RuffSettings) -> Measure:
    """In functions: those within the highest cyclomatic complexity allowed."""
    found = [finding for finding in findings if finding.rule == COMPLEXITY_RULE]
    functions = len(source.functions)
    return Measure(max(0, functions - len(found)), functions, _said(source, found))


def type_hints(source: Source, _: Sequence[Finding], __: RuffSettings) -> Measure:
    """In parameters and returns of all functions, those of `self` and `cls` aside."""
    slots = [slot for found, node in source.functions for slot in _slots(source, found, node)]
    missing = tuple(sentence for is_good, sentence in slots if not is_good)
    return Measure(len(slots) - len(missing), len(slots), missing)


def docstrings(source: Source, _: Sequence[Finding], __: RuffSettings) -> Measure:
    """In public names: the module, its public classes, functions and methods."""
    public = [found for found in source.definitions if found.is_public and _wants_docstring(found)]
    missing = [] if _has_docstring(source.tree) else [f"{source.name}:1: it has no docstring"]
    missing += [
        f"{source.name}:{found.node.lineno}: {found.name} has no docstring"
        for found in public
        if not _has_docstring(found.node)
    ]
    total = len(public) + 1
    return Measure(total - len(missing), total, tuple(missing))


CHECKS: dict[str, Check] = {
    "style": style,
    "complexity": complexity,
    "type-hints": type_hints,
    "docstrings": docstrings,
}


def _said(source: Source, findings: Sequence[Finding]) -> tuple[str, ...]:
    return tuple(f"{source.name}:{each.line}: {each.message} ({each.rule})" for each in findings)


def _slots(source: Source, found: Definition, node: FunctionNode) -> Iterator[tuple[bool, str]]:
    """Each place for a type hint: whether there is one, and the sentence if there is none."""
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    if found.is_method and "staticmethod" not in _decorators(node):
        positional = positional[1:]
    others = [arguments.vararg, *arguments.kwonlyargs, arguments.kwarg]
    for argument in [*positional, *(other for other in others if other is not None)]:
        place = f"{source.name}:{argument.lineno}"
        sentence = f"{place}: {found.name} has no type for its parameter {argument.arg}"
        yield argument.annotation is not None, sentence
    place = f"{source.name}:{node.lineno}"
    yield node.returns is not None, f"{place}: {found.name} has no type for what it returns"


def _wants_docstring(found: Definition) -> bool:
    return _NEEDS_NO_DOCSTRING.isdisjoint(_decorators(found.node))


def _decorators(node: FunctionNode | ast.ClassDef) -> set[str]:
    """The last names of its decorators: "setter" for `@size.setter`."""
    names = (getattr(each, "attr", getattr(each, "id", "")) for each in node.decorator_list)
    return set(names)


def _has_docstring(node: FunctionNode | ast.ClassDef | ast.Module) -> bool:
    """Whether it begins with a text that has a word in it."""
    if not (node.body and isinstance(node.body[0], ast.Expr)):
        return False
    text = node.body[0].value
    if not (isinstance(text, ast.Constant) and isinstance(text.value, str)):
        return False
    return any(char.isalpha() for char in text.value)
