"""Import the package under test afresh for each schedule, from code that was compiled once.

What a module keeps at its top (a cache, a counter, a lock) must not leak from one schedule into the
next: the same seed would not give the same schedule.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, ModuleType
    from typing import Any

PACKAGE = "kvstore"


class _Loader:
    def __init__(self, code: CodeType) -> None:
        self._code = code

    def create_module(self, _spec: ModuleSpec) -> None:
        """As usual."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code."""
        exec(self._code, vars(module))  # noqa: S102  (this is what importing is)


class _Finder:
    """Finds the modules of one package that were compiled."""

    def __init__(self, compiled: dict[str, tuple[str, bool, CodeType]]) -> None:
        self._compiled = compiled

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> Any:
        """The spec of a module that was compiled; None leaves it to Python."""
        if name not in self._compiled:
            return None
        file, is_package, code = self._compiled[name]
        spec = ModuleSpec(name, _Loader(code), origin=file, is_package=is_package)  # type: ignore[arg-type]
        spec.has_location = True
        if is_package:
            spec.submodule_search_locations = [file.rpartition("/")[0] or file.rpartition("\\")[0]]
        return spec


def forget_package() -> None:
    """The next import runs the modules again."""
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def importer(compiled: dict[str, tuple[str, bool, CodeType]]) -> Callable[[], None]:
    """Return a function that makes the next imports fresh ones of this compiled package."""
    finder, others = _Finder(compiled), sys.meta_path[:]

    def start_afresh() -> None:
        sys.meta_path[:] = [finder, *others]
        forget_package()

    return start_afresh
