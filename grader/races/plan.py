"""Which schedules to try: seeded random walks of several kinds, mixed with PCT.

No strategy is best for every bug: a restless walk finds what needs many switches in short code, a
calm one what needs a single switch in long code, and PCT what needs a few at the right places. So a
walk is chosen by how many switches to expect of it in a program of this length.
"""

from __future__ import annotations

from collections.abc import Iterator

from grader.races.explorer import Spec

BATCH = 20
"""How many schedules are run in one request: they take well under a second together."""

_WALK_SWITCHES = (3, 10, 1.5, 30, 5, 100)
_PCT_CHANGES = (1, 2, 3)


def schedules(seed: int, count: int, length: int) -> list[Spec]:
    """Return `count` schedules for a program that takes about `length` steps."""
    return [spec for spec, _ in zip(_endless(seed, length), range(count), strict=False)]


def single_switches(steps: int, threads: int, limit: int) -> list[Spec]:
    """Return the schedules with one switch: the first thread runs up to a step, then another one.

    At most `limit` of them, evenly spread.
    """
    specs: list[Spec] = [
        ("switches", [(step, task)])
        for step in range(1, steps + 1)
        for task in range(1, threads + 1)
    ]
    stride = max(1, -(-len(specs) // limit))
    return specs[::stride]


def _endless(seed: int, length: int) -> Iterator[Spec]:
    number = 0
    while True:
        for switches in _WALK_SWITCHES:
            yield ("walk", seed + number, min(1.0, switches / length))
            number += 1
        for changes in _PCT_CHANGES:
            yield ("pct", seed + number, changes, length)
            number += 1
