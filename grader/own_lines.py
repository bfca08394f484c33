"""Takes out of a failure the lines that are not the student's.

Where a stage stands on the reference's files, its frames and its races run through them. Invariant:
of such a file nothing is left but its name: no source, no line number, no variable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

from grader.outcome import Failure, Frame, Held, Interleaving, Moment, Wait

IsReference = Callable[[str], bool]
NOWHERE = Frame("", 0, "", "")  # stands for a place in a file of the reference


def own_failure(failure: Failure, is_reference: IsReference) -> Failure:
    """Return the failure without the lines of the files for which `is_reference` says yes."""
    race = failure.interleaving
    return msgspec.structs.replace(
        failure,
        frames=_frames(failure.frames, is_reference),
        interleaving=None if race is None else _interleaving(race, is_reference),
    )


def _interleaving(race: Interleaving, is_reference: IsReference) -> Interleaving:
    return msgspec.structs.replace(
        race,
        moments=tuple(_moments(race.moments, is_reference)),
        waits=tuple(_wait(wait, is_reference) for wait in race.waits),
    )


def _moments(moments: Iterable[Moment], is_reference: IsReference) -> Iterator[Moment]:
    """Many steps of one thread in one file of the reference become one."""
    last = None
    for moment in moments:
        if not is_reference(moment.file):
            last = moment
            yield moment
            continue
        inside = Moment(moment.thread, moment.kind, f"in the reference's {moment.file}")
        if moment.hurts or inside != last:
            last = inside
            yield msgspec.structs.replace(inside, hurts=moment.hurts)


def _wait(wait: Wait, is_reference: IsReference) -> Wait:
    holds = tuple(
        Held(held.what, NOWHERE if is_reference(held.place.file) else held.place)
        for held in wait.holds
    )
    return msgspec.structs.replace(wait, frames=_frames(wait.frames, is_reference), holds=holds)


def _frames(frames: Iterable[Frame], is_reference: IsReference) -> tuple[Frame, ...]:
    return tuple(frame for frame in frames if not is_reference(frame.file))
