"""What a power cut can leave on disk, at each point of a record.

At a point, everything that no fsync has covered may be there or not. Not every subset is tried, but
those that real disks are known for: the process is killed and all is there; the write under way is
cut at any byte; all that is unsynced is lost; the bytes of one file are lost, or are zeros, or end
within a write, or lack one in the middle; changes of names are lost from one on (in the strict
model also one alone), with or without the unsynced bytes; a truncation is lost.

Sources: Pillai et al., OSDI 2014 (ALICE); Mohan et al., OSDI 2018 (CrashMonkey); LazyFS, VLDB 2024.

Invariant: the states of a record come in the same order, with the same numbers, whatever bytes its
writes carry. Not here: whether a state is handled well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grader.powercuts.durable import Model, durable
from grader.powercuts.effects import CONTENT_EFFECTS, NAME_EFFECTS, Event, is_effect

CUTS_MAX = 64  # bytes of a write that is cut at each of them

Placed = tuple[tuple[int, Event], ...]


@dataclass(frozen=True)
class CrashState:
    """What a power cut after `point` events leaves: effects with their places among the events.

    `number` is its place among the states of the record. `is_out_of_order` says that a write is
    there although an earlier one to the same file is not.
    """

    number: int
    point: int
    model: Model
    what: str
    effects: Placed
    is_out_of_order: bool = False

    def made(self) -> list[Event]:
        """The effects alone."""
        return [effect for _place, effect in self.effects]


def crash_states(
    events: Sequence[Event], model: Model, *, cuts: int = CUTS_MAX
) -> Iterator[CrashState]:
    """Every state of every point, in the order of the points. A write of up to `cuts` bytes is cut
    at each of them, a longer one at its ends and in its middle.
    """
    number = 0
    first = sum(event[0] == "file" for event in events)  # those come before all others
    for point in range(first, len(events) + 1):
        if point > first and events[point - 1][0] in ("begin", "failed"):
            continue  # nothing that a power cut could tell apart from the point before
        for what, effects, is_out_of_order in _at(events, point, model, cuts):
            yield CrashState(number, point, model, what, tuple(effects), is_out_of_order)
            number += 1


_Found = tuple[str, list[tuple[int, Event]], bool]


def _at(events: Sequence[Event], point: int, model: Model, cuts: int) -> Iterator[_Found]:
    every = [(place, event) for place, event in enumerate(events[:point]) if is_effect(event)]
    yield "the process is killed, and all that it wrote is there", every, False
    if point and events[point - 1][0] == "write":
        for count in _cuts(events[point - 1], cuts):
            yield from _cut_short("the write under way", every, point - 1, count)
    kept = durable(events, point, model)
    pending = [(place, effect) for place, effect in every if place not in kept]
    if not pending:
        return
    yield "all that is not synced is lost", [one for one in every if one[0] in kept], False
    for file in sorted({effect[1] for _, effect in pending if effect[0] in CONTENT_EFFECTS}):
        mine = [one for one in pending if one[1][0] in CONTENT_EFFECTS and one[1][1] == file]
        yield from _content_lost(every, mine, cuts)
    yield from _names_lost(every, pending, model)


def _content_lost(
    every: list[tuple[int, Event]], mine: list[tuple[int, Event]], cuts: int
) -> Iterator[_Found]:
    """What can happen to the unsynced bytes of one file."""
    writes = [one for one in mine if one[1][0] == "write"]
    yield "the unsynced bytes of a file are lost", _without(every, mine), False
    if writes and len(writes) < len(mine):
        yield "the unsynced writes of a file are lost", _without(every, writes), False
    if writes:
        places = {place for place, _ in writes}
        zeroed = [(place, _zeros(effect) if place in places else effect) for place, effect in every]
        yield "a file has its length, but zeros", zeroed, False
    for position, (place, effect) in enumerate(writes):
        is_last = position == len(writes) - 1
        later = [one for one in mine if one[0] > place]
        for count in _cuts(effect, cuts if is_last else 0):
            yield from _cut_short("an unsynced write", _without(every, later), place, count)
        if not is_last:
            holed = [(at, _zeros(one) if at == place else one) for at, one in every]
            yield "a later write is there, an earlier one is not", holed, True
    for one in mine:
        if one[1][0] == "truncate":
            yield "a truncation is lost", _without(every, [one]), False


def _names_lost(
    every: list[tuple[int, Event]], pending: list[tuple[int, Event]], model: Model
) -> Iterator[_Found]:
    names = [one for one in pending if one[1][0] in NAME_EFFECTS]
    content = [one for one in pending if one[1][0] in CONTENT_EFFECTS]
    for position, one in enumerate(names):
        lost = names[position:]
        if model == "ordered":  # a size is committed together with names
            lost = lost + [cut for cut in content if cut[1][0] == "truncate" and cut[0] > one[0]]
        yield "changes of names are lost from one on", _without(every, lost), False
        if content:
            both = "changes of names are lost from one on, and unsynced bytes too"
            yield both, _without(every, [*lost, *content]), False
        if model == "strict":
            yield "one change of a name is lost", _without(every, [one]), False


def _without(
    every: list[tuple[int, Event]], lost: Sequence[tuple[int, Event]]
) -> list[tuple[int, Event]]:
    places = {place for place, _ in lost}
    return [one for one in every if one[0] not in places]


def _cut_short(
    which: str, effects: list[tuple[int, Event]], place: int, count: int
) -> Iterator[_Found]:
    """The write at `place` ends after `count` bytes."""
    size = next(len(effect[3]) for at, effect in effects if at == place)
    shorter = [
        (at, (*effect[:3], effect[3][:count]) if at == place else effect)
        for at, effect in effects
        if at != place or count
    ]
    yield f"{which} is cut after {count} of {size} bytes", shorter, False


def _cuts(write: Event, most: int) -> list[int]:
    """After how many bytes a write may end: any number, if it has at most so many."""
    size = len(write[3])
    if size <= most:
        return list(range(size))
    return sorted({0, 1, size // 3, size // 2, size - 2, size - 1} & set(range(size)))


def _zeros(write: Event) -> Event:
    return ("zeros", write[1], write[2], len(write[3]))
