"""Which effects are certainly on disk at some point, after the fsyncs before it.

Two models. *Ordered* is a journalling file system in its usual mode (ext4, XFS): any fsync commits
all changes of names and sizes before it, in order, and the bytes of its own file. *Strict* is what
POSIX promises: an fsync of a file keeps its bytes and its size, and a name is kept by an fsync of
its folder. Source: fsync(2); Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014.

After an fsync that failed, nothing keeps what it should have kept: the system may have dropped the
bytes, and a second fsync succeeds without them. Source: Rebello et al., "Can Applications Recover
from fsync Failures?", USENIX ATC 2020.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from grader.powercuts.effects import CONTENT_EFFECTS, Event, is_effect

Model = Literal["ordered", "strict"]


def durable(events: Sequence[Event], point: int, model: Model) -> frozenset[int]:
    """The places of the effects before `point` that no power cut takes any more."""
    kept: set[int] = set()
    pending: list[int] = []
    for place, event in enumerate(events[:point]):
        if is_effect(event):
            pending.append(place)
        elif event[0] == "failed" and event[1] == "fsync":
            pending = [one for one in pending if not _is_content_of(events[one], event[2])]
        elif event[0] in ("fsync", "fsync folder", "sync"):
            covered = {one for one in pending if _covers(event, events[one], model)}
            kept |= covered
            pending = [one for one in pending if one not in covered]
    return frozenset(kept)


def _covers(sync: Event, effect: Event, model: Model) -> bool:
    if sync[0] == "sync":
        return True
    is_own = sync[0] == "fsync" and _is_content_of(effect, sync[1])
    if model == "ordered":
        return is_own or effect[0] != "write"
    if effect[0] in CONTENT_EFFECTS:
        return is_own
    return bool(sync[0] == "fsync folder" and sync[1] == folder_of(effect))


def _is_content_of(effect: Event, file: int) -> bool:
    return effect[0] in CONTENT_EFFECTS and effect[1] == file


def folder_of(effect: Event) -> str:
    """The folder in which a name is made or removed; "." is the data folder itself. A rename or a
    link counts where the new name is: that an old one may come back elsewhere is not looked at.
    """
    path: str = effect[2] if effect[0] in ("rename", "link") else effect[1]
    return path.rpartition("/")[0] or "."
