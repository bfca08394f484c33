"""What power cuts are tried on: how a history is called, and what should be there afterwards."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, Protocol

from grader.oracle.history import Op
from grader.powercuts.answers import Answer, Refusal
from grader.races.program import Invocation

Contents = Mapping[str, Any]
"""What is there, by name: of a store the keys, of a log its frames. Values can be compared."""

Policy = Literal["always", "interval", "never"]


class Subject(Protocol):
    """A store, a log or a snapshot's file. A history is a list of operations on it."""

    @property
    def sync(self) -> Policy:
        """What it promises of a call that returned."""

    @property
    def inside(self) -> str:
        """The folder that it lives in, relative to the data folder; empty for that itself."""

    @property
    def modules(self) -> Sequence[str]:
        """The modules of the package that it needs."""

    @property
    def start(self) -> Contents:
        """What is there before the history begins."""

    def open(self) -> Sequence[Invocation]:
        """The calls that come before those of a history."""

    def calls(self, history: Sequence[Op]) -> Sequence[Invocation]:
        """One call for each operation."""

    def look(self) -> Sequence[Invocation]:
        """Calls, after those of `open`, that see everything that is there."""

    def write_more(self) -> Sequence[Invocation]:
        """One write more, after `look`, and closing it."""

    @property
    def keeps_what_it_shows(self) -> bool:
        """Whether what it shows after it was opened again is on disk for good."""

    def after(self, contents: Contents, op: Op) -> Contents:
        """What is there when an operation was made on what is there."""

    def once_more(self, contents: Contents) -> Contents:
        """The same for the write of `write_more`."""

    def covers(self, op: Op) -> bool:
        """Whether everything is on disk when this operation has returned."""

    def seconds(self, op: Op) -> float:
        """By how much an operation moves the clock."""

    def seen(self, answers: Sequence[Answer]) -> Contents:
        """What the calls of `look` saw; raises `ValueError` if that is nothing of the kind."""

    def is_declared(self, refusal: Refusal) -> bool:
        """Whether an error says as it should that the disk is damaged, and where."""

    def said(self, contents: Contents, name: str) -> str:
        """What is there under a name, in a few words."""

    def lacks(self, history: Sequence[Op], names: Collection[str]) -> str:
        """What files there should be after calls that returned, and are not, in a sentence."""

    def text(self, call: Invocation) -> str:
        """A call as a student would write it; empty for one that is the test's own."""
