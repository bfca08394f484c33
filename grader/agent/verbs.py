"""What a request may ask about the package under test: find a name, read an attribute, call, and a
few built-in functions.

All of it runs code under test, so it is called from `front.drive` and decides nothing: whoever
changes it only changes what calls of his own return. Nothing here knows what a key-value store is.
"""

from __future__ import annotations

import operator
import os
from functools import partial
from importlib import import_module

from .clock import ManualClock
from .program import Program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

PACKAGE = "kvstore"


class MissingNameError(Exception):
    """The package under test lacks a module, a class, a method or an attribute that the course asks
    for.
    """


def verbs_for(package_dir: str) -> dict[str, Callable[..., Any]]:
    """What each verb does, for the package in `package_dir` (the folder named `kvstore` itself)."""
    return {
        "find": partial(_find, package_dir),
        "attribute": _attribute,
        "call": lambda function, args, kwargs: function(*args, **kwargs),
        "method": lambda owner, name, args, kwargs: method(owner, name)(*args, **kwargs),
        "function": lambda name, args: FUNCTIONS[name](*args),
        "tool": lambda name, args: TOOLS[name](*args),
        "pull": pull,
    }


def call_method(owner: Any, name: str, args: tuple[Any, ...]) -> Any:
    """Return `owner.name(*args)`."""
    return method(owner, name)(*args)


def method(owner: Any, name: str) -> Any:
    """Return an attribute; one that `owner` itself lacks is a `MissingNameError`."""
    try:
        return getattr(owner, name)
    except AttributeError as error:
        if error.name != name or error.obj is not owner:
            raise
        kind = owner.__name__ if isinstance(owner, type) else type(owner).__name__
        raise MissingNameError(f"{kind} has no attribute {name!r}") from None


def pull(value: Any, paths: tuple[str, ...], depth: int) -> Any:
    """Return objects as tuples of their attributes, so that the grader can compare what they hold.

    `depth` says how many levels of iterables lie around the objects; `paths` are dotted attribute
    names.
    """
    if depth:
        return [pull(item, paths, depth - 1) for item in value]
    return tuple(_follow(value, path) for path in paths)


def _follow(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = method(value, name)
    return value


def _find(package_dir: str, module_name: str, name: str | None) -> Any:
    """Import a module of the package under test; return it, or what it calls `name`."""
    if not os.path.isfile(os.path.join(package_dir, f"{module_name}.py")):
        raise MissingNameError(f"there is no file kvstore/{module_name}.py")
    module = import_module(f"{PACKAGE}.{module_name}")
    if name is None:
        return module
    if not hasattr(module, name):
        raise MissingNameError(f"kvstore/{module_name}.py does not define {name}")
    return getattr(module, name)


def _attribute(owner: Any, name: str) -> Any:
    """`("value", it)`, or `("method", None)` for what is there to be called, which then needs no
    number of its own.
    """
    value = method(owner, name)
    is_method = callable(value) and not isinstance(value, type)
    return ("method", None) if is_method else ("value", value)


def _enter(manager: Any) -> Any:
    return type(manager).__enter__(manager)


def _exit(manager: Any, raised: bool = False) -> Any:  # noqa: FBT001, FBT002  (from the wire)
    """Leave a `with` block, by an exception of its body if `raised`."""
    if not raised:
        return type(manager).__exit__(manager, None, None, None)
    try:
        raise RuntimeError("the body of the with block raised")
    except RuntimeError as error:
        return type(manager).__exit__(manager, type(error), error, error.__traceback__)


def _call_many(calls: list[tuple[Any, ...]]) -> list[Any]:
    """Make many method calls, each `(owner, name, args)`; return their results in order."""
    return [method(owner, name)(*args) for owner, name, args in calls]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "call_many": _call_many,
    "bytearray": bytearray,
    "contains": operator.contains,
    "enter": _enter,
    "exit": _exit,
    "getitem": operator.getitem,
    "iter": iter,
    "len": len,
    "list": list,
    "next": next,
    "setattr": setattr,
}

# Objects of the agent's that code under test may meet; `grader.agent.tools` has those it may not.
TOOLS: dict[str, Callable[..., Any]] = {"clock": ManualClock, "program": Program}
