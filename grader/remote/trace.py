"""What a test did to the code under test, as numbered steps in plain words.

Objects get the names that a reader would give them: `store`, then `store_2`. Long values are
shortened in the middle, and a long run of steps keeps its ends.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from grader.outcome import Step

TEXT_CHARS_MAX = 160
NAME_CHARS_MAX = 80
ITEMS_SHOWN_MAX, DEPTH_SHOWN_MAX = 12, 4
# What is written out in full before it is shortened: parts of containers, and length of texts.
PARTS_MAX, SIZE_MAX = 10_000, 200_000
_NAMES = {"RWLock": "lock", "MemoryStore": "store", "ManualClock": "clock"}


class Reference(NamedTuple):
    """An object that stays in the agent: its number there, and what the agent told of it."""

    number: int
    about: Any = None


class Trace:
    """The steps of one test, and the names of its objects."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._names: dict[tuple[int, int], str] = {}
        self._used: dict[str, int] = {}

    def note(self, text: str) -> None:
        """Add a remark, such as what the test did to a file."""
        self.steps.append(Step(text))

    def add(self, text: str, result: str) -> None:
        """Add a call and what came back."""
        self.steps.append(Step(text, result))

    def name(self, process: int, reference: Reference) -> str:
        """Return the name of an object, giving it one where it has none yet."""
        known = self._names.get((process, reference.number))
        if known is None:
            kind = type_name(reference)
            known = kind if is_class(reference) else self._fresh(kind)
            self._names[process, reference.number] = known
        return known

    def _fresh(self, kind: str) -> str:
        name = _NAMES.get(kind, kind.lower())
        self._used[name] = count = self._used.get(name, 0) + 1
        return name if count == 1 else f"{name}_{count}"


def type_name(reference: Reference) -> str:
    """The class of an object that stays in the agent, or the name of a class that does."""
    about = reference.about
    if isinstance(about, tuple) and about and isinstance(about[0], str):
        return about[0][:NAME_CHARS_MAX]
    return "object"


def is_class(reference: Reference) -> bool:
    """Whether the object is itself a class."""
    return isinstance(reference.about, tuple) and reference.about[1:] == (True,)


def shorten(text: str, limit: int = TEXT_CHARS_MAX) -> str:
    """Leave out the middle of a long text."""
    if len(text) <= limit:
        return text
    half = (limit - 3) // 2
    return f"{text[:half]} … {text[-half:]}"


def show(value: Any, name_of: Callable[[Any], str | None] = lambda value: None) -> str:
    """A value as the student would write it, shortened; a path by its last part.

    `name_of` gives the name of what has one. Whatever the value holds, this is quick.
    """
    return _shown(value, name_of, 0)


def represent(value: Any) -> str:
    """`repr`, but shortened where that would take long, and also of what Python refuses to write
    out: an int of more than 4,300 digits.
    """
    if not _is_small(value):
        return show(value)
    try:
        return repr(value)
    except ValueError:
        return f"<a {type(value).__name__} too long to show>"


def _shown(value: Any, name_of: Callable[[Any], str | None], depth: int) -> str:
    name = name_of(value)
    if name is not None:
        return name
    if isinstance(value, Path):
        return repr(value.name)
    if isinstance(value, bytes | str) and len(value) > TEXT_CHARS_MAX:
        unit = "bytes" if isinstance(value, bytes) else "characters"
        return f"{value[:24]!r}… ({len(value):,} {unit})"
    if isinstance(value, list | tuple) or (isinstance(value, dict) and not _is_small(value)):
        return _shown_container(value, name_of, depth)
    return shorten(represent(value))


def _shown_container(value: Any, name_of: Callable[[Any], str | None], depth: int) -> str:
    brackets: dict[type, tuple[str, str]] = {list: ("[", "]"), tuple: ("(", ")")}
    opening, closing = brackets.get(type(value), ("{", "}"))
    if depth >= DEPTH_SHOWN_MAX:
        return f"{opening}…{closing}"
    parts = [_shown(item, name_of, depth + 1) for item in islice(value, ITEMS_SHOWN_MAX)]
    if isinstance(value, dict):
        values = islice(value.values(), ITEMS_SHOWN_MAX)
        shown = [_shown(item, name_of, depth + 1) for item in values]
        parts = [f"{key}: {item}" for key, item in zip(parts, shown, strict=True)]
    more = ", …" if len(value) > ITEMS_SHOWN_MAX else ""
    return f"{opening}{', '.join(parts)}{more}{closing}"


def _is_small(value: Any) -> bool:
    """Whether all of a value can be written out at once."""
    waiting, parts, size = [value], 0, 0
    while waiting:
        item = waiting.pop()
        parts += 1
        if isinstance(item, str | bytes):
            size += len(item)
        elif isinstance(item, dict):
            parts += 2 * len(item)
            waiting += [*item.keys(), *item.values()] if parts <= PARTS_MAX else []
        elif isinstance(item, list | tuple | set | frozenset):
            parts += len(item)
            waiting += item if parts <= PARTS_MAX else []
        if parts > PARTS_MAX or size > SIZE_MAX:
            return False
    return True
