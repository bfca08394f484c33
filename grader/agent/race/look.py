"""Make a call that a program names; runs code under test, so it is called from `front.drive`."""

from __future__ import annotations

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
