"""Arguments and results of a program's calls, as they cross between the wire and code under test.

Used where code under test must not run: nothing here calls, hashes or compares what is its own.
"""

from __future__ import annotations

from ..primitives import items_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DEPTH_MAX = 4  # of what is copied; no result that the course asks for is deeper


def named_objects(value: Any, objects: dict[str, Any]) -> Any:
    """An argument from the wire, with the objects that it names."""
    kind = type(value)
    if kind is tuple and len(value) == 2 and type(value[0]) is str and value[0] == "$":
        return objects[value[1]]
    if kind is list or kind is tuple:
        return kind([named_objects(item, objects) for item in value])
    if kind is dict:
        return {key: named_objects(value[key], objects) for key in value}
    return value


def copied(value: Any, depth: int) -> Any:
    """A value as it is now: what it holds may be changed before the reply is written."""
    kind = type(value)
    if depth < DEPTH_MAX and (kind is list or kind is tuple):
        return kind([copied(item, depth + 1) for item in value])
    if depth < DEPTH_MAX and kind is dict and all(map(_is_plain_key, value)):
        return {key: copied(item, depth + 1) for key, item in items_of(value)}
    return value


def _is_plain_key(key: Any) -> bool:
    kind = type(key)
    return kind is str or kind is bytes or kind is int
