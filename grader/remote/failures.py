"""What can go wrong with a call to code under test, each as an exception that ends the test.

None of these is a mistake of the grader's: `grader.testkit` turns each into the outcome that the
student sees.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from grader.outcome import Frame


class CallFailure(Exception):  # noqa: N818  (a family; each member says what happened)
    """A call to the code under test did not give a result."""


class MissingName(CallFailure):
    """A file, class, method or attribute that the course asks for is not there."""


@dataclass(eq=False)
class RemoteError(CallFailure):
    """The code under test raised. `names` are its class and bases, as plain text."""

    names: tuple[str, ...]
    message: str
    frames: tuple[Frame, ...] = ()
    syntax: tuple[str, int, str] | None = None
    handle: Any = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{self.names[0]}: {self.message}" if self.message else self.names[0]


class CallTimeout(CallFailure):
    """The code under test did not answer in time, and was killed."""


class ProcessDied(CallFailure):
    """The process of the code under test ended by itself, or broke its connection."""


class Prerequisite(CallFailure):
    """A module that the test needs cannot be imported."""


class NotAPlainValue(CallFailure):
    """An object came back where a plain value was expected."""
