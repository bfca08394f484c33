"""The four checks on one file: how much of it is good, of how much, and what is not.

A check is a function of a `Source`, its ruff findings and the settings; the table `CHECKS` names
them. Invariant: a definition that nobody uses can cost marks, but earns none. Points, stages and
files that earn nothing belong to `marks.py`; what a hint or a docstring must say, to
`substance.py`.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from grader.quality.lambdas import first_lambda_method, named_lambdas
from grader.quality.lint import COMPLEXITY_RULE, Finding
from grader.quality.settings import RuffSettings
from grader.quality.source import Definition, FunctionNode, Source, decorators
from grader.quality.substance import docstring_words, is_type, is_type_of_all, says_more

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
    unused = {line for node in source.unused for line in _lines(node)}
    too_complex_unused = sum(finding.line in unused for finding in found)
    used = sum(node not in source.unused for __, node in source.functions)
    total = used + too_complex_unused
    return Measure(max(0, total - len(found)), total, _said(source, found))


def type_hints(source: Source, _: Sequence[Finding], __: RuffSettings) -> Measure:
    """In parameters and returns of all functions, those of `self` and `cls` aside."""
    if missing := _lambda_method(source):
        return missing
    slots = [slot for found, node in source.functions for slot in _slots(found, node)]
    typed = {slot for slot in slots if is_type(slot.annotation)}
    of_all = {slot for slot in typed if is_type_of_all(slot.annotation)}
    if len(of_all) * 2 > len(typed):
        typed -= of_all
    good = sum(slot.owner.node not in source.unused for slot in typed)
    findings = [slot.sentence(source) for slot in slots if slot not in typed]
    lambdas = named_lambdas(source)
    total = good + len(findings) + sum(each.slots for each in lambdas)
    findings += [
        f"{source.name}:{each.line}: a lambda with a name has no place for types: use def"
        for each in lambdas
    ]
    return Measure(good, total, tuple(findings))


def docstrings(source: Source, _: Sequence[Finding], __: RuffSettings) -> Measure:
    """In public names: the module, its public classes, functions and methods."""
    if missing := _lambda_method(source):
        return missing
    documented = [_Documented(source.tree, 1, "it", source.name.removesuffix(".py"))]
    documented += [
        _Documented(found.node, found.node.lineno, found.name, found.node.name)
        for found in source.definitions
        if found.is_public and _NEEDS_NO_DOCSTRING.isdisjoint(decorators(found.node))
    ]
    names: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for each in documented:
        names[each.words].add(each.name)
    faults = {each: each.fault(names[each.words]) for each in documented}
    good = sum(not fault and each.node not in source.unused for each, fault in faults.items())
    findings = [
        f"{source.name}:{each.line}: {each.label} has {fault}"
        for each, fault in faults.items()
        if fault
    ]
    findings += [
        f"{source.name}:{each.line}: a lambda has no place for a docstring: use def"
        for each in named_lambdas(source)
        if each.is_public
    ]
    return Measure(good, good + len(findings), tuple(findings))


CHECKS: dict[str, Check] = {
    "style": style,
    "complexity": complexity,
    "type-hints": type_hints,
    "docstrings": docstrings,
}


def _said(source: Source, findings: Sequence[Finding]) -> tuple[str, ...]:
    return tuple(f"{source.name}:{each.line}: {each.message} ({each.rule})" for each in findings)


def _lambda_method(source: Source) -> Measure | None:
    """Nothing of a file counts for types and docstrings if a class has a lambda for a method."""
    line = first_lambda_method(source)
    sentence = f"{source.name}:{line}: a method is a lambda, without types or docstring: use def"
    return None if line is None else Measure(0, 1, (sentence,))


@dataclass(frozen=True)
class _Slot:
    """A place for a type hint: `what` is "its parameter key" or "what it returns"."""

    owner: Definition
    line: int
    what: str
    annotation: ast.expr | None

    def sentence(self, source: Source) -> str:
        kind = "no type" if self.annotation is None else "a type that says nothing"
        return f"{source.name}:{self.line}: {self.owner.name} has {kind} for {self.what}"


def _slots(found: Definition, node: FunctionNode) -> Iterator[_Slot]:
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    if found.is_method and "staticmethod" not in decorators(node):
        positional = positional[1:]
    others = [arguments.vararg, *arguments.kwonlyargs, arguments.kwarg]
    for each in [*positional, *(other for other in others if other is not None)]:
        yield _Slot(found, each.lineno, f"its parameter {each.arg}", each.annotation)
    yield _Slot(found, node.lineno, "what it returns", node.returns)


def _lines(node: ast.AST) -> range:
    """The lines of a definition, of its decorators none."""
    assert isinstance(node, FunctionNode | ast.ClassDef)
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)


@dataclass(frozen=True)
class _Documented:
    """What wants a docstring: `label` is how findings call it, `name` its own last name."""

    node: ast.Module | ast.ClassDef | FunctionNode
    line: int
    label: str
    name: str

    @cached_property
    def words(self) -> tuple[str, ...]:
        return docstring_words(self.node)

    def fault(self, names: set[str]) -> str:
        """What is wrong with it, if `names` have a docstring of these words; empty if nothing."""
        if not self.words:
            return "no docstring"
        if not says_more(self.words, self.name):
            return "a docstring that only repeats its name"
        return "the same docstring as another name" if len(names) > 1 else ""
