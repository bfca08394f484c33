"""What is said of an exception of the package under test to the other side.

This runs code under test (its `__str__`, say), so it is called from `front` alone and decides
nothing.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType, TracebackType
    from typing import Any

TEXT_CHARS_MAX = 2_000
FRAMES_MAX = 12
SOURCE_CHARS_MAX = 200


def describe_error(error: BaseException) -> dict[str, Any]:
    """Say of an exception what the grader may know: its type's names, its text and where it came
    from.

    `names` holds the class's name and those of its bases; `frames` only those of the package under
    test, oldest first, each `(file, line, function, source line)`; `object` is the exception.
    """
    if isinstance(error, MemoryError):
        _free(error.__traceback__)  # or there is no memory left to say so
    return {
        "names": tuple(str(kind.__name__) for kind in type(error).__mro__),
        "message": _safe_text(error),
        "frames": student_frames(error.__traceback__),
        "syntax": _syntax_place(error),
        "object": error,
    }


def is_student_file(filename: str) -> bool:
    """Whether a code object's file belongs to the package under test."""
    return os.path.basename(os.path.dirname(filename)) == "kvstore"


def student_frames(trace: TracebackType | None) -> tuple[tuple[str, int, str, str], ...]:
    """The frames of `trace` that lie in the package under test, oldest first, the last few only."""
    places = [
        (frame.f_code.co_filename, line, frame.f_code.co_name)
        for frame, line in _walk(trace)
        if is_student_file(frame.f_code.co_filename)
    ]
    return tuple(
        (os.path.basename(file), line, function, _source_line(file, line))
        for file, line, function in places[-FRAMES_MAX:]
    )


def _walk(trace: TracebackType | None) -> Iterator[tuple[FrameType, int]]:
    while trace is not None:
        try:
            frame = trace.tb_frame
        except ValueError:  # the agent's frames are not to be had
            frame = None
        if frame is not None:
            yield frame, trace.tb_lineno or 0
        trace = trace.tb_next


def _free(trace: TracebackType | None) -> None:
    for frame, _line in _walk(trace):
        try:
            frame.clear()
        except RuntimeError:  # still running
            continue


def _source_line(file: str, line: int) -> str:
    try:
        with open(file, encoding="utf-8", errors="replace") as source:
            for number, text in enumerate(source, 1):
                if number == line:
                    return text.strip()[:SOURCE_CHARS_MAX]
    except OSError:
        pass
    return ""


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
