"""What a student may know of hidden tests: which behaviour, how many of how many, and what helps.

Invariant: of an outcome only its status and its hint's name are looked at, and of the hint only
what the course says of it. Name, title, reason, values and steps would give a test away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grader.outcome import Outcome
from grader.report.html.context import Context, HintView

_OTHER = "Other behaviour"


@dataclass(frozen=True)
class Topic:
    """A behaviour that hidden tests look at: `failed` of `total` did not pass."""

    title: str
    failed: int
    total: int
    hint: HintView | None


def failed_topics(context: Context, outcomes: Sequence[Outcome]) -> tuple[Topic, ...]:
    """Return the behaviours of which hidden tests among `outcomes` did not pass."""
    by_hint: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.hidden:
            by_hint.setdefault(outcome.hint if outcome.hint in context.hints else "", []).append(
                outcome
            )
    topics = []
    for name, tests in by_hint.items():
        # An error is the grader's own; the page speaks of it elsewhere.
        failed = sum(test.status not in ("passed", "error") for test in tests)
        hint = context.hint(name)
        if failed:
            topics.append(Topic(hint.title if hint else _OTHER, failed, len(tests), hint))
    return tuple(topics)
