"""Look for races in one stage for as long as there is time: round after round of its race tests.

Each round has a new seed, so the tests draw other programs; while there is time for it, each also
tries more schedules of a program. It ends at the first race. A test that fails without one, such as
for a function that is not written, is not run again. What it finds, `grader.report.races` tells.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from grader.outcome import Outcome
from grader.remote.session import TEST_SECONDS
from grader.testkit.patience import Patience
from grader.unit.run import Unit, run_unit

_SLOWEST_SECONDS = TEST_SECONDS / 4  # of one test: what is found must be shrunk in time


@dataclass
class Hunt:
    """What came of it so far, and what is still to do.

    `tests` are the names of those that are run, `looked` of those that have tried a schedule.
    `race` is the first race, `others` are failures that are none; each stands beside its seed.
    """

    unit: Unit
    tests: tuple[str, ...]
    schedules: int = 0
    looked: set[str] = field(default_factory=set)
    race: tuple[int, Outcome] | None = None
    others: list[tuple[int, Outcome]] = field(default_factory=list)

    def run(self, end: float, tell: Callable[[], None] = lambda: None) -> None:
        """Look until `end` (of `time.monotonic`) or the first race; `tell` is called whenever more
        schedules have been tried. Raises `KeyboardInterrupt` when the user ends it; what was seen
        up to then stays.
        """

        def hear(test: str, schedules: int) -> None:
            self.looked.add(test)
            self.schedules += schedules
            tell()

        seed, factor, tests = self.unit.seed, 1, self.tests
        while tests and self.race is None and time.monotonic() < end:
            started = time.monotonic()
            unit = msgspec.structs.replace(self.unit, seed=seed, only=tests)
            outcomes = self._round(unit, Patience(factor, end=end, tell=hear))
            tests = tuple(outcome.name for outcome in outcomes if outcome.status == "passed")
            took, left = time.monotonic() - started, end - time.monotonic()
            slowest = max((outcome.seconds for outcome in outcomes), default=0.0)
            if 2 * took < left / 2 and 2 * slowest < _SLOWEST_SECONDS:
                factor *= 2
            seed += 1

    def _round(self, unit: Unit, patience: Patience) -> list[Outcome]:
        """Run every test once, up to the first race; returns the outcomes of those that ran."""
        outcomes: list[Outcome] = []

        def hear(outcome: Outcome) -> None:
            if outcome.status == "skipped" and patience.is_over:
                return
            outcomes.append(outcome)
            if outcome.failure and outcome.failure.interleaving:
                self.race = unit.seed, outcome
                patience.end = 0.0
            elif outcome.status != "passed":
                self.others.append((unit.seed, outcome))

        run_unit(unit, hear, patience=patience)
        return outcomes


def prepare_hunt(unit: Unit) -> Hunt:
    """Return a hunt on the race tests that `unit` selects; there may be none."""
    collected = run_unit(msgspec.structs.replace(unit, collect_only=True))
    return Hunt(unit, tuple(outcome.name for outcome in collected.outcomes))
