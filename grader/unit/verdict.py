"""Turn how a test ended into a status and a reason that a student understands.

The rule for blame: what the package under test did wrong is `failed`, `timeout` or `crashed`; a
test that trips over what came back is the package's fault too; anything raised inside the grader's
own code is `error`, and never the student's.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from grader.course import STAGES_DIR
from grader.found import FailureFound
from grader.outcome import Comparison, Failure, Frame, Status
from grader.remote.failures import (
    CallTimeout,
    MissingName,
    NotAPlainValue,
    Prerequisite,
    ProcessDied,
    RemoteError,
)
from grader.remote.handle import Handle
from grader.remote.trace import represent, shorten, show

_GRADER_DIR = Path(__file__).resolve().parent.parent
BYTES_KEPT_MAX = 4096
TEXT_CHARS_MAX = 600
_UNWRITTEN = re.compile(r"stage \d+: (\S+)")


def judge(error: BaseException, compared: tuple[str, Any, Any] | None) -> tuple[Status, Failure]:
    """Return the status and the failure of a test that `error` ended; `compared` is its last failed
    comparison.
    """
    if isinstance(error, FailureFound):
        return "failed", error.failure
    if isinstance(error, RemoteError):
        return "failed", _raised(error)
    if isinstance(error, Prerequisite | pytest.skip.Exception):
        return "skipped", Failure(str(error), frames=_cause_frames(error))
    if isinstance(error, CallTimeout):
        return "timeout", Failure(str(error))
    if isinstance(error, ProcessDied):
        return "crashed", Failure(str(error))
    if isinstance(error, MissingName | NotAPlainValue):
        return "failed", Failure(str(error))
    if isinstance(error, AssertionError):
        return "failed", _asserted(error, compared)
    what = f"{type(error).__name__}: {error}"
    if _raised_in_a_test(error):
        return "failed", Failure(f"the test cannot go on with what came back: {shorten(what, 300)}")
    return "error", Failure(f"the grader itself failed, which is not your fault: {what}")


def _raised(error: RemoteError) -> Failure:
    found = _UNWRITTEN.match(error.message)
    if found and "NotImplementedError" in error.names:
        return Failure(f"not written yet: {found[1]}", unwritten=found[1], frames=error.frames)
    return Failure(f"raised {shorten(str(error), TEXT_CHARS_MAX)}", frames=error.frames)


def _cause_frames(error: BaseException) -> tuple[Frame, ...]:
    cause = error.__cause__
    return cause.frames if isinstance(cause, RemoteError) else ()


def _asserted(error: AssertionError, compared: tuple[str, Any, Any] | None) -> Failure:
    text = str(error.args[0]) if error.args else ""
    said = text.partition("\nassert ")[0] if not text.startswith("assert ") else ""
    if compared is None:
        return Failure(said or f"expected {_first_line(text)}")
    operator, actual, expected = compared
    return Failure(said, comparison=_comparison(operator, actual, expected))


def _comparison(operator: str, actual: Any, expected: Any) -> Comparison:
    both_bytes = type(actual) is bytes and type(expected) is bytes
    fits = both_bytes and max(len(actual), len(expected)) <= BYTES_KEPT_MAX
    return Comparison(
        operator=operator,
        expected=shorten(_text(expected), TEXT_CHARS_MAX),
        actual=shorten(_text(actual), TEXT_CHARS_MAX),
        expected_bytes=expected if fits else None,
        actual_bytes=actual if fits else None,
    )


def _text(value: Any) -> str:
    if isinstance(value, Handle):
        return f"an object of class {value.kind}"
    if isinstance(value, bytes | str) or not isinstance(value, list | dict | tuple | set):
        return show(value)
    return represent(value)


def _first_line(text: str) -> str:
    return text.removeprefix("assert ").partition("\n")[0] or "something else"


def _raised_in_a_test(error: BaseException) -> bool:
    """Whether, of our own code, a test or the test kit was the last to be at work."""
    ours = []
    trace = error.__traceback__
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if file.is_relative_to(STAGES_DIR) or file.is_relative_to(_GRADER_DIR):
            ours.append(file)
        trace = trace.tb_next
    return bool(ours) and (
        ours[-1].is_relative_to(STAGES_DIR) or ours[-1].is_relative_to(_GRADER_DIR / "testkit")
    )
