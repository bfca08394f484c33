"""The byte map of a segment or a snapshot: what stands where, what is damaged, where replay ends.

A terminal (bytetable.py) and a page (html/bytemap.py) draw from it. It says which damage is a torn
tail, that an unfinished write explains, and which nothing explains. Invariant: nothing here raises,
whatever the bytes and the name. Not here: how a file is taken apart (bytewalk.py), and the words
(bytewords.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from grader.report import bytewords
from grader.report.byteparts import Block, LeftOut, Row, State, Stop
from grader.report.bytewalk import Walk
from grader.report.layout import Kind, guess, kind_of

ENDS = 2
"""How many intact frames, entries or items are told at each end of many, unless told otherwise."""


@dataclass(frozen=True)
class ByteMap:
    """A file, part by part.

    `state` is "" for what is of no format of the course; "unknown" is a file of which not all bytes
    were at hand, with no damage in those that were. `damaged_at` is the offset of the first damage,
    -1 without any. `holds` says how many whole parts it has, `verdict` what recovery makes of it.
    Texts may hold what the file holds: who shows them makes them safe.
    """

    name: str
    kind: Kind
    size: int
    state: State
    damaged_at: int
    holds: str
    verdict: tuple[str, ...]
    parts: tuple[Block | LeftOut | Stop, ...]


def byte_map(
    name: str,
    data: bytes,
    size: int,
    stopped_at: int = -1,
    *,
    ends: int = ENDS,
    start: int = 0,
    is_last: bool | None = None,
    is_foretold: bool = False,
) -> ByteMap:
    """Map the file `name` of `size` bytes, of which `data` are the first: all, or up to a limit.

    `stopped_at` is the offset at which a replay ended, -1 if it went through; with `is_foretold`
    there was none, and the place is marked at which one would end. `ends` is how many intact parts
    are told at each end of many; those that end at offset `start` or before are left out. `is_last`
    says whether a segment is the last one of its log, None if that is not known.
    """
    name = name.replace("\\", "/").rpartition("/")[2]
    kind = kind_of(name) or guess(data)
    walk = Walk(data, size, ends, start, stopped_at)
    if kind == "segment":
        walk.segment()
    elif kind == "snapshot":
        walk.snapshot()
    elif kind == "entries":
        walk.entries()
    damage = walk.damage
    state = bytewords.state_of(kind, damage, is_whole=walk.is_whole, is_last=is_last)
    damaged_at = damage.offset if damage else -1
    parts: Sequence[Block | LeftOut | Stop] = walk.parts
    at = damaged_at if is_foretold else stopped_at
    if kind and at >= 0:
        stop = bytewords.stop_words(kind, at, size, is_foretold=is_foretold)
        parts = list(_with_stop(walk.parts, at, stop))
    return ByteMap(
        name=name,
        kind=kind,
        size=size,
        state=state,
        damaged_at=damaged_at,
        holds=bytewords.holds(walk.counted),
        verdict=tuple(bytewords.verdict(name, kind, size, state, damage, is_last=is_last)),
        parts=tuple(parts),
    )


def _with_stop(
    parts: Sequence[Block | LeftOut], at: int, words: str
) -> Iterator[Block | LeftOut | Stop]:
    """Put the place where replay ended between two parts, or among the rows of one."""
    is_due = True
    for part in parts:
        if is_due and at <= part.offset:
            yield Stop(words)
            is_due = False
        if is_due and isinstance(part, Block) and at < part.end:
            place = next((n for n, row in enumerate(part.rows) if row.offset >= at), None)
            rows = list(part.rows)
            rows.insert(len(rows) if place is None else place, Row("stop", at, words))
            yield replace(part, rows=tuple(rows))
            is_due = False
        else:
            yield part
    if is_due:
        yield Stop(words)
