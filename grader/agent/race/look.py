"""Make the calls that a program names; runs code under test, so it is called from `front.drive`."""

from __future__ import annotations

import threading
from importlib import import_module

from ..verbs import method
from .fresh import PACKAGE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def call_named(owner: Any, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Return `owner.name(*args, **kwargs)`; the name may be dotted, and an owner ":memory" is the
    module `kvstore.memory`.
    """
    found: Any = import_module(f"{PACKAGE}.{owner[1:]}") if type(owner) is str else owner
    for part in name.split("."):
        found = method(found, part)
    return found(*args, **kwargs)


class Blocks:
    """Lets a thread of a program stay inside a `with` block between two of its calls."""

    def __init__(self) -> None:
        self._inside: dict[int, Any] = {}  # by thread

    def enter(self, owner: Any, name: str) -> None:
        """Enter `with owner.name():`."""
        manager = method(owner, name)()
        type(manager).__enter__(manager)
        self._inside[threading.get_ident()] = manager

    def leave(self, raises: bool) -> None:  # noqa: FBT001  (from the wire)
        """Leave the block, by an exception of its body if it `raises`."""
        manager = self._inside.pop(threading.get_ident())
        error = RuntimeError("the body of the with block raised") if raises else None
        type(manager).__exit__(manager, type(error) if error else None, error, None)
