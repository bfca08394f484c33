"""Make the package ready to be imported by many forks of this process, each on its own.

What is inert (see `inert`) is imported here, and so is what the package uses of the standard
library. All other modules are compiled only, and run in each fork. So no code under test runs in
this process. Stands in the open, since forks import through it.
"""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import os
import sys
from importlib import import_module
from importlib.machinery import SourceFileLoader

from ..verbs import PACKAGE
from .inert import inert, standard_imports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

_STANDARD = os.path.dirname(os.__file__) + os.sep
_EXTENSIONS = os.path.join(sys.base_prefix, "DLLs") + os.sep
_codes: dict[str, CodeType] = {}


def make_ready(modules: list[str]) -> None:
    """Be ready for forks that import these modules; what cannot be compiled, they will find out."""
    found = importlib.util.find_spec(PACKAGE)
    if _codes or found is None or not found.submodule_search_locations:
        return
    (folder,) = found.submodule_search_locations
    trees = _read(folder)
    for name in sorted({name for tree in trees.values() for name in standard_imports(tree)}):
        _import_standard(name)
    sys.meta_path.insert(0, _Finder())
    for name in sorted(inert(trees, PACKAGE)):
        if name == PACKAGE or name.rpartition(".")[2] in modules:
            _import(name)


def _read(folder: str) -> dict[str, ast.Module]:
    """Compile every file of the package, and return what is in them, by the modules' names."""
    trees = {}
    for file in sorted(os.listdir(folder)):
        name, extension = os.path.splitext(file)
        path = os.path.join(folder, file)
        if extension == ".py" and os.path.isfile(path):
            try:
                with open(path, "rb") as source:
                    text = source.read()
                _codes[path] = compile(text, path, "exec", dont_inherit=True)
                trees[PACKAGE if name == "__init__" else f"{PACKAGE}.{name}"] = ast.parse(text)
            except (SyntaxError, ValueError):
                _codes.pop(path, None)
    return trees


def _import_standard(name: str) -> None:
    """Import a module if that is Python's own, whatever else has its name."""
    try:
        top = importlib.util.find_spec(name.partition(".")[0])
    except (ImportError, ValueError):
        return
    origin = "" if top is None else top.origin or ""
    if origin in ("built-in", "frozen") or origin.startswith((_STANDARD, _EXTENSIONS)):
        _import(name)


def _import(name: str) -> None:
    try:
        import_module(name)
    except Exception:
        sys.modules.pop(name, None)  # who needs it finds out


class _Loader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType | None:
        """What was compiled, where it was."""
        return _codes.get(self.path) or super().get_code(fullname)


class _Finder:
    """Finds the package and its modules."""

    def find_spec(self, name: str, path: Any = None, _target: object = None) -> Any:
        """The usual spec with our loader; None for all else."""
        if name.partition(".")[0] != PACKAGE:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is not None and spec.origin in _codes:
            spec.loader = _Loader(name, spec.origin)
        return spec
