"""What the ids of all replays begin with: `TEST:SEED:PLACE:CHECK:KEPT`, and how that is read.

`SEED` is the run's, from which a test draws what it tries; `PLACE` is the place of one thing that
it tries, a program or a history of calls, among them, from 0, and `CHECK` four hexadecimal digits
by which it is known again; `KEPT` has a bit for each call of it that was kept, in hexadecimal, the
first call being the lowest. So an id holds for as long as the course's tests and the student's
files stay as they are. What follows belongs to `grader.races.replay` and `grader.powercuts.replay`.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from grader.mistake import MistakeError

CALL = TypeVar("CALL")

_BEGINNING = (
    r"(?P<test>test_\w+):(?P<seed>\d{1,19}):(?P<place>\d{1,9}):(?P<check>[0-9a-f]{4})"
    r":(?P<kept>[0-9a-f]{1,99}):"
)


class ReplayError(MistakeError):
    """A replay id that is none, or none of the tests that are here."""


@dataclass(frozen=True)
class Beginning:
    """What all ids begin with; see the file's beginning. `WHOLE` is what a test tries many of, and
    `ONE` what is run again of it, in words.
    """

    WHOLE: ClassVar[str]
    ONE: ClassVar[str]

    test: str
    seed: int
    place: int
    check: int
    kept: int

    def __str__(self) -> str:
        return f"{self.test}:{self.seed}:{self.place}:{self.check:04x}:{self.kept:x}"

    def check_fit(self, check: int, call_count: int) -> None:
        """Raise `ReplayError` unless a test has, at this place, what has this check and this many
        calls.
        """
        if self.check != check or self.kept >> call_count:
            raise ReplayError(
                f"{self.test} has another {self.WHOLE} there than when this {self.ONE} was found:"
                " search again, the tests have changed since"
            )


def read_id(text: str, ending: str) -> re.Match[str] | None:
    """Match a whole id; `ending` is the pattern of what follows the beginning."""
    return re.fullmatch(_BEGINNING + ending, text.strip(), re.ASCII)


def read_beginning(found: re.Match[str]) -> tuple[str, int, int, int, int]:
    """Return the fields of `Beginning` that an id has."""
    check, kept = int(found["check"], 16), int(found["kept"], 16)
    return found["test"], int(found["seed"]), int(found["place"]), check, kept


def check_of(whole: object) -> int:
    """Return 16 bits by which plain data are known again."""
    return zlib.crc32(repr(whole).encode()) & 0xFFFF


def keep_calls(calls: Sequence[CALL], kept: int) -> tuple[CALL, ...]:
    """Return only the calls whose bit is set."""
    return tuple(call for number, call in enumerate(calls) if kept >> number & 1)
