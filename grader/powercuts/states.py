"""What a power cut can leave on disk, at each point of a record.

At a point, everything that no fsync has covered may be there or not. Not every subset is tried, but
those that real disks are known for: the process is killed and all is there; the write under way is
cut at any byte; all that is unsynced is lost; the bytes of one file are lost, or are zeros, or end
within a write, or lack one in the middle; changes of names (in the ordered model also of lengths)
are lost from one on, in the strict model also one alone, or a truncation.

Sources: Pillai et al., OSDI 2014 (ALICE); Mohan et al., OSDI 2018 (CrashMonkey); LazyFS, VLDB 2024.

Invariant: the states of a record come in the same order, with the same numbers, whatever bytes its
writes carry. Not here: whether a state is handled well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grader.powercuts.durable import Model, durable
from grader.powercuts.effects import CONTENT_EFFECTS, NAME_EFFECTS, Event, is_effect

KILLED = "the process is killed, and all that it wrote is there"
CUTS_MAX = 64  # bytes of a write that is cut at each of them

SHOWN_EARLY, SHOWN_LATE = 2, 8  # of a file's unsynced writes, those that are cut or missing alone

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

    @property
    def is_kill(self) -> bool:
        """Whether the power stays on."""
        return self.what == KILLED

    def made(self) -> list[Event]:
        """The effects alone."""
        return [effect for _place, effect in self.effects]


def crash_states(
    events: Sequence[Event], model: Model, *, cuts_each_byte: bool = True
) -> Iterator[CrashState]:
    """Every state of every point, in the order of the points. The first and the last write to each
    file are cut at each of their bytes, if it `cuts_each_byte` and they have at most `CUTS_MAX`;
    others at their ends and in their middle.
    """
    number = 0
    whole = _first_and_last(events) if cuts_each_byte else frozenset()
    first = sum(event[0] == "file" for event in events)  # those come before all others
    for point in range(first, len(events) + 1):
        if point > first and events[point - 1][0] in ("begin", "failed"):
            continue  # nothing that a power cut could tell apart from the point before
        for what, effects, is_out_of_order in _at(events, point, model, whole):
            yield CrashState(number, point, model, what, tuple(effects), is_out_of_order)
            number += 1


_One = tuple[int, Event]
_Found = tuple[str, list[_One], bool]


@dataclass(frozen=True)
class _Point:
    """One point of a record: every effect before it, those that no fsync has covered, and the
    places of writes that are cut at each byte.
    """

    every: list[_One]
    pending: list[_One]
    model: Model
    whole: frozenset[int]

    def content_of(self, file: int) -> list[_One]:
        """The pending changes of one file's bytes, those of its length included where they are not
        committed together with names.
        """
        kinds = {"write"} if self.model == "ordered" else CONTENT_EFFECTS
        return [one for one in self.pending if one[1][0] in kinds and one[1][1] == file]

    def writes(self) -> list[_One]:
        """The pending writes of all files."""
        return [one for one in self.pending if one[1][0] == "write"]


def _at(
    events: Sequence[Event], number: int, model: Model, whole: frozenset[int]
) -> Iterator[_Found]:
    every = [(place, event) for place, event in enumerate(events[:number]) if is_effect(event)]
    yield KILLED, every, False
    if number and events[number - 1][0] == "write":
        for count in _cuts(events[number - 1], at_each=number - 1 in whole):
            yield from _cut_short("the write under way", every, number - 1, count)
    kept = durable(events, number, model)
    pending = [one for one in every if one[0] not in kept]
    if not pending:
        return
    yield "all that is not synced is lost", [one for one in every if one[0] in kept], False
    point = _Point(every, pending, model, whole)
    for file in sorted({effect[1] for _, effect in pending if effect[0] in CONTENT_EFFECTS}):
        yield from _content_lost(point, point.content_of(file))
    yield from _committed_lost(point) if model == "ordered" else _names_lost(point)


def _content_lost(point: _Point, mine: list[_One]) -> Iterator[_Found]:
    """What can happen to the unsynced bytes of one file."""
    writes = [one for one in mine if one[1][0] == "write"]
    if mine:
        yield "the unsynced bytes of a file are lost", _without(point, mine), False
    if writes and len(writes) < len(mine):
        yield "the unsynced writes of a file are lost", _without(point, writes), False
    if writes:
        yield "a file has its length, but zeros", _zeroed(point, writes), False
    for position, (place, effect) in enumerate(writes):
        is_last = position == len(writes) - 1
        if not is_last and len(writes) - SHOWN_LATE > position >= SHOWN_EARLY:
            continue
        later = [one for one in mine if one[0] > place]
        for count in _cuts(effect, at_each=is_last and place in point.whole):
            yield from _cut_short("an unsynced write", _without(point, later), place, count)
        if not is_last:
            holed = _zeroed(point, [(place, effect)])
            yield "a later write is there, an earlier one is not", holed, True
    for one in mine:
        if one[1][0] == "truncate":
            yield "a truncation is lost", _without(point, [one]), False


def _committed_lost(point: _Point) -> Iterator[_Found]:
    """Changes of names and lengths are committed in order: those from one on are lost, and with a
    truncation what was written to its file after it.
    """
    committed = [one for one in point.pending if one[1][0] != "write"]
    writes = point.writes()
    for position in range(len(committed)):
        lost = committed[position:]
        cut = {effect[1]: place for place, effect in reversed(lost) if effect[0] == "truncate"}
        lost = [*lost, *(one for one in writes if one[0] > cut.get(one[1][1], one[0]))]
        yield from _with_and_without_bytes(point, lost, writes)


def _names_lost(point: _Point) -> Iterator[_Found]:
    """Changes of names are lost from one on, or one alone."""
    names = [one for one in point.pending if one[1][0] in NAME_EFFECTS]
    content = [one for one in point.pending if one[1][0] in CONTENT_EFFECTS]
    for position, one in enumerate(names):
        yield from _with_and_without_bytes(point, names[position:], content)
        yield "one change of a name is lost", _without(point, [one]), False


def _with_and_without_bytes(
    point: _Point, lost: list[_One], content: list[_One]
) -> Iterator[_Found]:
    which = "changes of names are lost from one on"
    yield which, _without(point, lost), False
    if content:
        yield f"{which}, and unsynced bytes too", _without(point, [*lost, *content]), False


def _without(point: _Point, lost: Sequence[_One]) -> list[_One]:
    places = {place for place, _ in lost}
    return [one for one in point.every if one[0] not in places]


def _zeroed(point: _Point, writes: Sequence[_One]) -> list[_One]:
    """Of these writes only the length is there."""
    zeros = {place: ("zeros", *write[1:3], len(write[3])) for place, write in writes}
    return [(place, zeros.get(place, effect)) for place, effect in point.every]


def _cut_short(which: str, effects: list[_One], place: int, count: int) -> Iterator[_Found]:
    """The write at `place` ends after `count` bytes."""
    size = next(len(effect[3]) for at, effect in effects if at == place)
    shorter = [
        (at, (*effect[:3], effect[3][:count]) if at == place else effect)
        for at, effect in effects
        if at != place or count
    ]
    yield f"{which} is cut after {count} of {size} bytes", shorter, False


def _cuts(write: Event, *, at_each: bool) -> list[int]:
    """After how many bytes a write may end."""
    size = len(write[3])
    if at_each and size <= CUTS_MAX:
        return list(range(size))
    return sorted({0, 1, size // 3, size // 2, size - 2, size - 1} & set(range(size)))


def _first_and_last(events: Sequence[Event]) -> frozenset[int]:
    """The places of the first and the last write to each file."""
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for place, event in enumerate(events):
        if event[0] == "write":
            first.setdefault(event[1], place)
            last[event[1]] = place
    return frozenset((*first.values(), *last.values()))
