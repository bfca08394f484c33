"""The id of one power cut: `TEST:SEED:HISTORY:CHECK:KEPT:MODEL:STATE`.

The first five are explained in `grader.replay`; `HISTORY` is the place of this one among those that
the test explores. `MODEL` is `o` for ordered and `s` for strict; `STATE` is the place of one state
of the disk among all that a power cut could leave in that model, from 0. Where the power was cut
again while that one was being recovered from, a dot and the place among the states of the recovery
follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from grader.replay import (
    CALL,
    Beginning,
    ReplayError,
    check_of,
    keep_calls,
    read_beginning,
    read_id,
)

_ENDING = r"(?P<model>[os]):(?P<state>\d{1,9})(\.(?P<again>\d{1,9}))?"


@dataclass(frozen=True)
class PowerCutReplay(Beginning):
    """One power cut; see the file's beginning. `again` is None where the power was cut once."""

    WHOLE: ClassVar[str] = "history"
    ONE: ClassVar[str] = "power cut"

    model: Literal["ordered", "strict"]
    state: int
    again: int | None = None

    def __str__(self) -> str:
        again = "" if self.again is None else f".{self.again}"
        return f"{super().__str__()}:{self.model[0]}:{self.state}{again}"

    def history(self, whole: Sequence[CALL]) -> tuple[CALL, ...]:
        """Return what is left of the history that a test has at its place; raises `ReplayError` if
        that is another history.

        Its calls are plain data, so that their check is the same in every process.
        """
        self.check_fit(check_of(tuple(whole)), len(whole))
        return keep_calls(whole, self.kept)


def parse_power_cut(text: str) -> PowerCutReplay:
    """Read an id; raises `ReplayError`."""
    found = read_id(text, _ENDING)
    if found is None:
        raise ReplayError(
            f"{text!r} is not the id of a power cut: copy it whole from the failure that it replays"
        )
    return PowerCutReplay(
        *read_beginning(found),
        "ordered" if found["model"] == "o" else "strict",
        int(found["state"]),
        None if found["again"] is None else int(found["again"]),
    )
