"""What a test did to the code under test, as numbered steps in plain words.

Objects get the names that a reader would give them: `store`, then `store_2`. Long values are
shortened in the middle, and a long run of steps keeps its ends.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from grader.agent.wire import Reference
from grader.outcome import Step

TEXT_CHARS_MAX = 160
NAME_CHARS_MAX = 80
_NAMES = {"RWLock": "lock", "MemoryStore": "store", "ManualClock": "clock"}


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


def show(value: Any) -> str:
    """A value as the student would write it, shortened; a path by its last part."""
    if isinstance(value, Path):
        return repr(value.name)
    if isinstance(value, bytes | str) and len(value) > TEXT_CHARS_MAX:
        unit = "bytes" if isinstance(value, bytes) else "characters"
        return f"{value[:24]!r}… ({len(value):,} {unit})"
    if isinstance(value, list | tuple):
        inside = ", ".join(show(item) for item in value[:12]) + (", …" if len(value) > 12 else "")
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    return shorten(represent(value))


def represent(value: Any) -> str:
    """`repr`, also of what Python refuses to write out: an int of more than 4,300 digits."""
    try:
        return repr(value)
    except ValueError:
        return f"<a {type(value).__name__} too long to show>"
