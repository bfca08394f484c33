"""Import the package under test afresh for each schedule, from code that was compiled once.

What a module keeps at its top (a cache, a counter, a lock) must not leak from one schedule into the
next: the same seed would not give the same schedule. A module that keeps nothing stays.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, ModuleType
    from typing import Any

PACKAGE = "kvstore"


class Compiled(NamedTuple):
    """One file: its path, whether it is the package itself, whether it keeps nothing, its code."""

    file: str
    is_package: bool
    is_stateless: bool
    code: CodeType


class _Loader:
    def __init__(self, file: str, code: CodeType, kept: dict[str, ModuleType]) -> None:
        self._file = file
        self._code = code
        self._kept = kept

    def create_module(self, _spec: ModuleSpec) -> None:
        """As usual."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code; modules that stayed are attributes of their package again."""
        module.__file__ = self._file
        for name in self._kept:
            if name.rpartition(".")[0] == module.__name__:
                setattr(module, name.rpartition(".")[2], self._kept[name])
        exec(self._code, vars(module))  # noqa: S102  (this is what importing is)


class _Finder:
    """Finds the modules of one package that were compiled."""

    def __init__(self, compiled: dict[str, Compiled], kept: dict[str, ModuleType]) -> None:
        self._compiled = compiled
        self._kept = kept

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> Any:
        """The spec of a module that was compiled; None leaves it to Python."""
        if name not in self._compiled:
            return None
        file, is_package, _is_stateless, code = self._compiled[name]
        spec = ModuleSpec(name, _Loader(file, code, self._kept), origin=file, is_package=is_package)  # type: ignore[arg-type]
        if is_package:
            spec.submodule_search_locations = [os.path.dirname(file)]
        return spec


def forget_package() -> None:
    """The next import runs the modules again."""
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def importer(compiled: dict[str, Compiled]) -> Callable[[], None]:
    """Return a function that makes the next imports fresh ones of this compiled package."""
    kept: dict[str, ModuleType] = {}
    finder, others = _Finder(compiled, kept), sys.meta_path[:]
    staying = [name for name in compiled if compiled[name].is_stateless]

    def start_afresh() -> None:
        sys.meta_path[:] = [finder, *others]
        for name in staying:
            if name in sys.modules:
                kept[name] = sys.modules[name]
        forget_package()
        sys.modules.update(kept)

    return start_afresh
