"""Switch points, put into the syntax tree of the package's files.

In *fine* code a point stands before each access that another thread could see or disturb: to an
attribute, a subscript, `in`, each step of a loop over something, both halves of `x.n += 1`, storing
a global or nonlocal name. In *coarse* code it stands where CPython looks whether another thread
wants to run: after calls, at the start of a function, on each turn of a loop. A race that only fine
points show is latent. Working on the tree and not on bytecode makes the same source have the same
points in every version of Python, and leaves tracing to debuggers.

A point is a call of a constant: the compiled code holds a name of `points` as text, and whoever
binds the code puts the function in its place. So nothing that the package defines can stand in its
way. Only bodies of functions have points: importing is no race.
"""

from __future__ import annotations

import ast
import os
import warnings

from .fresh import Compiled
from .points import EACH, IN_PLACE, POINT, VALUE
from .stateless import is_stateless, staying

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType
    from typing import Any

HELPER_NAME = "_kv_"  # how names begin that are not the student's
# Built-in functions that look through what they are given.
_LOOKING = {
    *("len", "list", "tuple", "set", "dict", "frozenset", "sorted", "sum", "min", "max", "any"),
    *("all", "iter", "next", "enumerate", "zip", "map", "filter", "reversed", "bytes"),
}


def read_package(package_dir: str, roots: frozenset[str], *, coarse: bool) -> dict[str, Compiled]:
    """Compile the modules `roots` of a package and all that they import of it, by full name.

    A file that cannot be read is left out; the code of one that cannot be compiled says why. If a
    file imports by a function call, nobody knows what, so all files are compiled.
    """
    package = os.path.basename(package_dir)
    stems = {name[:-3] for name in os.listdir(package_dir) if name[-3:] == ".py"}
    waiting, compiled = ["__init__", *sorted(roots & stems)], {}
    uses: dict[str, set[str]] = {}
    while waiting:
        stem = waiting.pop()
        name = package if stem == "__init__" else f"{package}.{stem}"
        file = os.path.join(package_dir, f"{stem}.py")
        if name in compiled:
            continue
        try:
            with open(file, "rb") as source:
                text = source.read()
            code, keeps_nothing, imported = compile_with_points(text, file, coarse=coarse)
        except OSError:
            continue
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            code, keeps_nothing, imported = _raising(error, file), False, set()
        compiled[name] = Compiled(file, name == package, keeps_nothing, code)
        imports_by_call = name != package and (b"__import__" in text or b"importlib" in text)
        found = stems if imports_by_call or package in imported else imported & stems
        uses[name] = {f"{package}.{other}" for other in found}
        waiting += sorted(found)
    # The package itself never stays: its attributes are the modules that were imported.
    quiet = {name for name in compiled if compiled[name].is_stateless and name != package}
    stay = staying(quiet, uses)
    return {name: compiled[name]._replace(is_stateless=name in stay) for name in compiled}


def compile_with_points(
    source: bytes, file: str, *, coarse: bool
) -> tuple[CodeType, bool, set[str]]:
    """Return the code of one file, whether it keeps nothing, and the last parts of the names of all
    modules that it may import; raises what `compile` raises.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "str object is not callable" is what a point looks like
        # Not `ast.parse`: the guard lets this file alone make code.
        tree: Any = compile(source, file, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
        keeps_nothing, imported = is_stateless(tree), set(_modules(tree))
        changed = _Coarse().visit(tree) if coarse else _Fine(tree).visit(tree)
        code = compile(ast.fix_missing_locations(changed), file, "exec", dont_inherit=True)
        return code, keeps_nothing, imported


def _raising(error: Exception, file: str) -> CodeType:
    """Code that raises what compiling a file raised."""
    name, said = "ValueError", f"({str(error)!r})"
    if isinstance(error, SyntaxError):
        place = (file, error.lineno, error.offset, error.text)
        name, said = type(error).__name__, f"({error.msg!r}, {place!r})"
    return compile(f"raise {name}{said}", file, "exec", dont_inherit=True)


def _call(point: str, *arguments: ast.expr, at: ast.AST) -> ast.Call:
    call = ast.Call(ast.Constant(point), list(arguments), [])
    ast.copy_location(call.func, at)
    return ast.copy_location(call, at)


def _point(at: ast.AST) -> ast.Expr:
    return ast.copy_location(ast.Expr(_call(POINT, at=at)), at)


class _Points(ast.NodeTransformer):
    """What both kinds share: points in the bodies of functions only, none in annotations."""

    depth = 0

    def visit_FunctionDef(self, node: Any) -> Any:
        self.depth += 1
        node.body = [part for statement in node.body for part in self.statement(statement)]
        self.depth -= 1
        return node

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_Lambda(self, node: ast.Lambda) -> Any:
        self.depth += 1
        node.body = self.visit(node.body)
        self.depth -= 1
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        depth, self.depth = self.depth, 0
        node.body = [part for statement in node.body for part in self.statement(statement)]
        self.depth = depth
        return node

    def visit_match_case(self, node: ast.match_case) -> Any:
        """A pattern is no expression: only what stands beside it is looked at."""
        if node.guard is not None:
            node.guard = self.visit(node.guard)
        node.body = [part for statement in node.body for part in self.statement(statement)]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        node.target = self.visit(node.target)
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_Expr(self, node: ast.Expr) -> Any:
        """A stop in a debugger is no step: the schedule is the same without it."""
        if _is_breakpoint(node.value):
            return node
        return self.generic_visit(node)

    def visit_While(self, node: ast.While) -> Any:
        self.generic_visit(node)
        if self.depth:
            node.body.insert(0, _point(node))
        return node

    def statement(self, node: ast.stmt) -> list[ast.stmt]:
        changed = self.visit(node)
        return changed if isinstance(changed, list) else [changed]


class _Coarse(_Points):
    """Points where CPython itself may switch."""

    def visit_FunctionDef(self, node: Any) -> Any:
        super().visit_FunctionDef(node)
        first = node.body[0]
        after_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
        entry = node.body[1] if after_docstring and len(node.body) > 1 else first
        node.body.insert(int(after_docstring), _point(entry))
        return node

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_Call(self, node: ast.Call) -> Any:
        self.generic_visit(node)
        return self._after(node)

    def visit_ListComp(self, node: Any) -> Any:
        self.generic_visit(node)
        node.elt = self._after(node.elt)
        return node

    visit_SetComp = visit_GeneratorExp = visit_ListComp  # noqa: N815

    def visit_DictComp(self, node: ast.DictComp) -> Any:
        self.generic_visit(node)
        node.value = self._after(node.value)
        return node

    def visit_comprehension(self, node: ast.comprehension) -> Any:
        self.generic_visit(node)
        node.ifs = [self._after(test) for test in node.ifs]
        return node

    def visit_For(self, node: Any) -> Any:
        self.generic_visit(node)
        if self.depth:
            node.body.insert(0, _point(node))
        return node

    visit_AsyncFor = visit_For  # noqa: N815

    def _after(self, node: ast.expr) -> ast.expr:
        return _call(VALUE, node, at=node) if self.depth else node


class _Fine(_Points):
    """Points before whatever another thread could see."""

    def __init__(self, tree: ast.Module) -> None:
        self._modules = set(_imported(tree))
        self._methods = set(_methods(tree))
        self._shared: set[str] = set()  # names declared global or nonlocal in this function

    def visit_FunctionDef(self, node: Any) -> Any:
        before = self._shared
        self._shared = set(_declared(node.body))
        super().visit_FunctionDef(node)
        self._shared = before
        return node

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        self.generic_visit(node)
        is_quiet = isinstance(node.value, ast.Name) and node.value.id in self._modules
        if self.depth and not is_quiet:
            node.value = _call(VALUE, node.value, at=node.value)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        self.generic_visit(node)
        if self.depth:
            node.value = _call(VALUE, node.value, at=node.value)
        return node

    def visit_Call(self, node: ast.Call) -> Any:
        function = node.func
        if _is_of_self(function) and function.attr in self._methods:  # type: ignore[attr-defined]
            # Finding one's own method is no look at data.
            node.args = [self.visit(argument) for argument in node.args]
            node.keywords = [self.visit(keyword) for keyword in node.keywords]
            return node
        self.generic_visit(node)
        looks = isinstance(function, ast.Name) and function.id in _LOOKING
        if self.depth and looks:
            node.func = _call(VALUE, node.func, at=node.func)
        return node

    def visit_Compare(self, node: ast.Compare) -> Any:
        self.generic_visit(node)
        if self.depth:
            node.comparators = [
                _call(VALUE, right, at=right) if isinstance(how, ast.In | ast.NotIn) else right
                for how, right in zip(node.ops, node.comparators, strict=True)
            ]
        return node

    def visit_For(self, node: ast.For) -> Any:
        self.generic_visit(node)
        if self.depth and not _is_range(node.iter):
            node.iter = _call(EACH, node.iter, at=node.iter)
        return node

    def visit_comprehension(self, node: ast.comprehension) -> Any:
        self.generic_visit(node)
        if self.depth and not node.is_async and not _is_range(node.iter):
            node.iter = _call(EACH, node.iter, at=node.iter)
        return node

    def visit_Assign(self, node: ast.Assign) -> Any:
        self.generic_visit(node)
        if self.depth and self._shared & set(_stored(node.targets)):
            node.value = _call(VALUE, node.value, at=node.value)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        """`x.n += 1` becomes a read, an operation and a write, each with its point."""
        if not self.depth:
            return node
        value = self.visit(node.value)
        operator = IN_PLACE + type(node.op).__name__
        target = node.target
        if isinstance(target, ast.Name):
            node.value = value
            if target.id not in self._shared:
                return node
            read = ast.copy_location(ast.Name(target.id, ast.Load()), target)
            changed = _call(VALUE, _call(operator, read, value, at=node), at=node)
            return ast.copy_location(ast.Assign([target], changed), node)
        owner = self.visit(target.value)
        statements: list[Any] = [_keep("owner", owner, node)]
        if isinstance(target, ast.Subscript):
            statements.append(_keep("index", self.visit(target.slice), node))
        write = _access(target, ast.Store())
        changed = _call(operator, _access(target, ast.Load()), value, at=node)
        statements.append(ast.copy_location(ast.Assign([write], changed), node))
        kept = [statement.targets[0] for statement in statements[:-1]]
        forgotten: list[ast.expr] = [
            ast.copy_location(ast.Name(name.id, ast.Del()), node) for name in kept
        ]
        return [*statements, ast.copy_location(ast.Delete(forgotten), node)]


def _keep(what: str, value: ast.expr, at: ast.AST) -> ast.stmt:
    name = ast.copy_location(ast.Name(HELPER_NAME + what, ast.Store()), at)
    return ast.copy_location(ast.Assign([name], value), at)


def _access(target: ast.Attribute | ast.Subscript, context: Any) -> ast.expr:
    """The same attribute or item of the owner that was kept."""
    owner = ast.copy_location(ast.Name(HELPER_NAME + "owner", ast.Load()), target)
    value = _call(VALUE, owner, at=target)
    if isinstance(target, ast.Attribute):
        access: ast.expr = ast.Attribute(value, target.attr, context)
    else:
        index = ast.copy_location(ast.Name(HELPER_NAME + "index", ast.Load()), target)
        access = ast.Subscript(value, index, context)
    return ast.copy_location(access, target)


def _is_breakpoint(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "breakpoint"
    )


def _is_of_self(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in ("self", "cls")
    )


def _is_range(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range"
    )


def _imported(tree: ast.Module) -> Iterable[str]:
    """Names of modules that a file imports at its top: looking into them is no race."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0]


def _modules(tree: ast.Module) -> Iterable[str]:
    """The last parts of the names of modules that a file imports somewhere, and some more."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield alias.name.rpartition(".")[2]
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.rpartition(".")[2]


def _stored(targets: list[ast.expr]) -> Iterable[str]:
    """Names that an assignment binds."""
    for target in targets:
        for node in ast.walk(target):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id


def _methods(tree: ast.Module) -> Iterable[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for part in node.body:
                if isinstance(part, ast.FunctionDef) and not part.decorator_list:
                    yield part.name


def _declared(body: list[ast.stmt]) -> Iterable[str]:
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Global | ast.Nonlocal):
                yield from node.names
