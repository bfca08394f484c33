"""The objects that stay in the agent, and what is said of them and of exceptions to the other side.

Invariant: while the grader holds a number, the object behind it is alive and the number means that
same object.
"""

from __future__ import annotations

import os
import traceback
from types import TracebackType
from typing import Any

from .wire import Reference, WireError

TEXT_CHARS_MAX = 2_000
FRAMES_MAX = 12


class ObjectTable:
    """Objects by number, and back again."""

    def __init__(self) -> None:
        self._objects: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}
        self._next = 1

    def keep(self, value: Any) -> Reference:
        """Return the reference of `value`, new or as before."""
        number = self._numbers.get(id(value))
        if number is None:
            number = self._next
            self._next += 1
            self._objects[number] = value
            self._numbers[id(value)] = number
        kind = type(value)
        name = value.__name__ if isinstance(value, type) else kind.__name__
        return Reference(number, (str(name), isinstance(value, type)))

    def get(self, reference: Reference) -> Any:
        """Return the object that the grader means."""
        try:
            return self._objects[reference.number]
        except KeyError:
            raise WireError(f"no object has number {reference.number}") from None

    def release(self, numbers: tuple[int, ...]) -> None:
        """Forget objects that the grader no longer holds."""
        for number in numbers:
            value = self._objects.pop(number, None)
            self._numbers.pop(id(value), None)


def is_student_file(filename: str) -> bool:
    """Whether a code object's file belongs to the package under test."""
    return os.path.basename(os.path.dirname(filename)) == "kvstore"


def describe_error(error: BaseException) -> dict[str, Any]:
    """Say of an exception what the grader may know: its type's names, its text and where it came
    from.

    `names` holds the class's name and those of its bases; `frames` only those of the package under
    test, oldest first, each `(file, line, function, source line)`.
    """
    return {
        "names": tuple(str(kind.__name__) for kind in type(error).__mro__),
        "message": _safe_text(error),
        "frames": student_frames(error.__traceback__),
        "syntax": _syntax_place(error),
    }


def student_frames(trace: TracebackType | None) -> tuple[tuple[str, int, str, str], ...]:
    """The frames of `trace` that lie in the package under test, oldest first, the last few only."""
    frames = [
        (os.path.basename(frame.filename), frame.lineno or 0, frame.name, frame.line or "")
        for frame in traceback.extract_tb(trace)
        if is_student_file(frame.filename)
    ]
    return tuple(frames[-FRAMES_MAX:])


def _safe_text(error: BaseException) -> str:
    try:
        text = str(error)
    except BaseException as problem:
        text = f"<its __str__ raised {type(problem).__name__}>"
    return str.__str__(text)[:TEXT_CHARS_MAX]


def _syntax_place(error: BaseException) -> tuple[str, int, str] | None:
    if not isinstance(error, SyntaxError) or not isinstance(error.filename, str):
        return None
    return os.path.basename(error.filename), error.lineno or 0, (error.text or "").rstrip()[:200]
