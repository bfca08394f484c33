"""Small programs in which operations meet: few threads, few calls, very few keys.

The smaller a program, the fewer its interleavings, and the sooner a wrong one is found. What a call
is given, and what a key holds before, come from the table of operations.

Not here: when a program's threads are switched, and whether what they saw is right.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from grader.oracle.arguments import ADVANCE_SECONDS, Draw
from grader.oracle.history import Op
from grader.oracle.model import NS_PER_SECOND
from grader.oracle.operations import OPERATIONS, READS, Holding, state_after
from grader.oracle.whole import START_NS, State

PARTNERS = ("get", "set", "delete", "incr")
"""What the operations aimed at meet, besides one another."""
_DRAFTS_MAX = 1000
_PICKY_MAX = 100  # so many drafts are thrown away for being dull


@dataclass(frozen=True)
class Workload:
    """A program: calls to make while nothing else runs, then one plan for each thread."""

    before: tuple[Op, ...]
    plans: tuple[tuple[Op, ...], ...]


def pairs(operations: Iterable[str]) -> list[tuple[str, str]]:
    """Return all pairs of operations, also of one with itself, of which at least one writes."""
    both = itertools.combinations_with_replacement(operations, 2)
    return [pair for pair in both if not READS.issuperset(pair)]


def workloads(
    rng: Random,
    *,
    aim: Sequence[str],
    count: int,
    threads: int = 2,
    calls: int = 2,
    keys: Sequence[str] = ("x", "y"),
    partners: Sequence[str] = PARTNERS,
    start_ns: int = START_NS,
    moves_clock: bool = True,
) -> Iterator[Workload]:
    """Draw programs of so many threads, with one to `calls` calls each.

    In each program every operation of `aim` occurs, and meets one in another thread that it may get
    in the way of. `start_ns` is the clock when `before` begins, which advances it (if `moves_clock`
    allows it) where a key is to be dead; no program moves it later, unless "advance" is in `aim`.
    The same `rng` gives the same programs on every version of Python. Raises `ValueError` if there
    is no such program.
    """
    if not aim or not keys or len(aim) > threads * calls:
        raise ValueError(
            f"{len(aim)} operations cannot meet on {len(keys)} keys in {threads} x {calls} calls"
        )
    author = _Author(rng, aim, partners, keys, threads, calls, start_ns, moves_clock)
    for _ in range(count):
        yield author.write()


def last_looks(workload: Workload) -> tuple[Op, ...]:
    """Return calls that show what a program has left of its keys: each is local to a key."""
    every_call = itertools.chain(workload.before, *workload.plans)
    keys = sorted({key for call in every_call for key in _keys_of(call)})
    return tuple((name, (key,)) for key in keys for name in ("get", "deadline"))


def conflict(one: Op, other: Op) -> bool:
    """Return True if the order of two calls may matter."""
    if one[0] in READS and other[0] in READS:
        return False
    mine, theirs = _keys_of(one), _keys_of(other)
    return not mine or not theirs or not mine.isdisjoint(theirs)


def _keys_of(call: Op) -> set[str]:
    """Return the keys that a call names; none, if it is about all there are."""
    name, args = call
    if OPERATIONS[name].is_local:
        return {args[0]}
    return {key for _, key, *_ in args[0]} if name == "apply_batch" else set()


@dataclass(frozen=True)
class _Author:
    """Writes programs; the fields are what `workloads` was asked for."""

    rng: Random
    aim: Sequence[str]
    partners: Sequence[str]
    keys: Sequence[str]
    threads: int
    calls: int
    start_ns: int
    moves_clock: bool

    def write(self) -> Workload:
        """Return a program in which every operation aimed at meets what it conflicts with."""
        for attempt in range(_DRAFTS_MAX):
            draft = self._draft()
            if not all(_meets_conflict(name, draft.plans) for name in self.aim):
                continue
            if attempt >= _PICKY_MAX or not any(self._is_dull(draft, name) for name in self.aim):
                return draft
        raise ValueError(
            f"no program of {self.threads} x {self.calls} calls was found in which each of "
            f"{', '.join(self.aim)} meets what it conflicts with: allow more calls, or partners"
        )

    def _is_dull(self, program: Workload, name: str) -> bool:
        """Return True if an operation looks at the whole store, and no look of it can be torn."""
        if OPERATIONS[name].is_local or OPERATIONS[name].writes:
            return False
        start = state_after(State(self.start_ns), program.before)
        return not any(
            _can_be_torn(call, [rival for rival in program.plans if rival is not plan], start)
            for plan in program.plans
            for call in plan
            if call[0] == name
        )

    def _draft(self) -> Workload:
        draw = Draw(
            self.rng,
            self.keys,
            self.start_ns + ADVANCE_SECONDS * NS_PER_SECOND,
            is_local=all(OPERATIONS[name].is_local for name in self.aim),
            is_timed="advance" in self.aim,
        )
        before = self._draw_before(draw)
        plans = tuple(
            tuple((name, _draw_arguments(draw, name)) for name in names)
            for names in self._draw_names(draw)
        )
        return Workload(before, plans)

    def _draw_before(self, draw: Draw) -> tuple[Op, ...]:
        """Let each key hold something, to the liking of the operations aimed at."""
        liked = [
            holding
            for name in self.aim
            for holding in OPERATIONS[name].holdings
            if self.moves_clock or holding != "dead"
        ]
        holdings = [draw.pick(liked) for _ in self.keys]
        before: list[Op] = []
        for key, holding in zip(self.keys, holdings, strict=True):
            before += _hold(draw, key, holding)
        if "dead" in holdings or "advance" in self.aim:
            before.append(("advance", (ADVANCE_SECONDS,)))
        return tuple(before)

    def _draw_names(self, draw: Draw) -> list[list[str]]:
        """Deal the operations aimed at to the threads like cards, and fill up with anything."""
        plans: list[list[str]] = [[] for _ in range(self.threads)]
        for turn, name in enumerate(draw.shuffled(self.aim)):
            plans[turn % self.threads].append(name)
        for plan in plans:
            size = draw.pick(range(1, self.calls + 1))
            plan += [draw.pick([*self.aim, *self.partners]) for _ in range(size - len(plan))]
        return [draw.shuffled(plan) for plan in draw.shuffled(plans)]


def _hold(draw: Draw, key: str, holding: Holding) -> list[Op]:
    """Return the calls that make an absent key hold this."""
    if holding == "nothing":
        return []
    value = b"text" if holding == "text" else draw.value()
    calls: list[Op] = [("set", (key, value))]
    if holding == "lasting":
        calls.append(("expire_at", (key, draw.far_ns())))
    elif holding == "dead":
        calls.append(("expire_at", (key, draw.passed_ns())))
    return calls


def _draw_arguments(draw: Draw, name: str) -> tuple[Any, ...]:
    return tuple(argument(draw) for argument in OPERATIONS[name].arguments)


def _meets_conflict(name: str, plans: Sequence[Sequence[Op]]) -> bool:
    """Return True if a call of an operation conflicts with a call of another thread."""
    return any(
        call[0] == name and conflict(call, other)
        for plan in plans
        for call in plan
        for rival in plans
        if rival is not plan
        for other in rival
    )


def _can_be_torn(look: Op, rivals: Sequence[Sequence[Op]], start: State) -> bool:
    """Return True if a look that sees one key earlier than the others may give back what no look
    can at any instant, while these plans run one after the other.
    """
    states = [start]
    for call in itertools.chain(*rivals):
        states.append(state_after(states[-1], [call]))
    name, args = look

    def see(state: State) -> Any:
        return OPERATIONS[name].act(state, args, state.now_ns)[0]

    possible = [see(state) for state in states]
    torn = (
        one.put(key, other.find(key))
        for one, other in itertools.permutations(states, 2)
        for key, _ in {*one.records, *other.records}
    )
    return any(see(state) not in possible for state in torn)
