"""What a request may ask of an agent: find a name, read an attribute, call, and a few built-in
functions.

A request is `(released, verb, *arguments)`; the reply is `("ok", value)`, `("raised", error)` for
an exception of the package under test, or `("missing", sentence)` for a name that it does not
define. Nothing here knows what a key-value store is.
"""

from __future__ import annotations

import operator
import os
import traceback
from collections.abc import Callable
from importlib import import_module
from typing import Any

from .objects import ObjectTable, describe_error
from .tools import TOOLS
from .wire import decode, encode

PACKAGE = "kvstore"


class MissingNameError(Exception):
    """The package under test lacks a module, a class, a method or an attribute that the course asks
    for.
    """


class Agent:
    """Answers requests about the package in `package_dir` (the folder named `kvstore` itself)."""

    def __init__(self, package_dir: str) -> None:
        self._package_dir = package_dir
        self._table = ObjectTable()
        self._verbs: dict[str, Callable[..., Any]] = {
            "find": self._find,
            "attribute": _attribute,
            "call": lambda function, args, kwargs: function(*args, **kwargs),
            "method": lambda owner, name, args, kwargs: _method(owner, name)(*args, **kwargs),
            "function": lambda name, args: FUNCTIONS[name](*args),
            "tool": lambda name, args: TOOLS[name](*args),
            "pull": pull,
        }

    def answer(self, request: bytes) -> bytes:
        """Carry out one request and return the reply; never raises on account of the package under
        test.
        """
        try:
            released, verb, *arguments = decode(request, self._table.get)
            self._table.release(released)
            reply = ("ok", self._verbs[verb](*arguments))
            return encode(reply, self._table.keep)
        except MissingNameError as missing:
            return encode(("missing", str(missing)))
        except MemoryError as error:
            traceback.clear_frames(error.__traceback__)  # or there is no memory left to say so
            return encode(("raised", self._describe(error)), self._table.keep)
        except BaseException as error:
            return encode(("raised", self._describe(error)), self._table.keep)

    def _describe(self, error: BaseException) -> dict[str, Any]:
        return {**describe_error(error), "object": self._table.keep(error)}

    def _find(self, module_name: str, name: str | None) -> Any:
        """Import a module of the package under test; return it, or what it calls `name`."""
        if not os.path.isfile(os.path.join(self._package_dir, f"{module_name}.py")):
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
    value = _method(owner, name)
    is_method = callable(value) and not isinstance(value, type)
    return ("method", None) if is_method else ("value", value)


def _method(owner: Any, name: str) -> Any:
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
        value = _method(value, name)
    return value


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
    return [_method(owner, name)(*args) for owner, name, args in calls]


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
