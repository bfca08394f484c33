"""An interleaving as it is told, whatever it is told on: the turns that threads take, in few words.

Plain data and sentences, neither rich nor HTML. Invariants: every text that leaves here is one
line, safe to show and at most `TEXT_CHARS_MAX` long; at most `ROWS_MAX` moments are told, and those
beside the first switches that hurt are among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import msgspec

from grader.outcome import Frame, Held, Interleaving, Moment, Step, Wait
from grader.report.telling import sentence
from grader.report.words import count, plain

ROWS_MAX = 80
TEXT_CHARS_MAX = 240
_ENDS = 8  # moments that are told at the beginning and at the end, whatever lies between
_HURTS_MAX = 8
_SAW_MAX = 6
_STEPS_MAX = 12
_WAITS_MAX = 8
_HOLDS_MAX = 6
_DIAGNOSIS_CHARS_MAX = 600
_NAME_CHARS_MAX = 24

HURTS_MEANS = "! marks a switch between threads without which nothing goes wrong."
LATENT_MEANS = (
    "Latent: it needs a switch between threads where today's CPython never makes one. So it may"
    " cost only a part of the points; another version, or a build without the GIL, can switch"
    " there."
)


class Row(NamedTuple):
    """One row of a turn: `label` is a line number, or file and line, and may be empty."""

    kind: str  # one of Moment.kind, or "file" (a file's name), or "saw"
    text: str
    label: str = ""


class Turn(NamedTuple):
    """What one thread does until another goes on.

    `is_switch` says that another one ran right before, `hurts` that the failure needs this switch,
    `left_out` how many moments before it are not told, and `inside` which other threads stand still
    within a call meanwhile.
    """

    thread: int
    moments: tuple[Moment, ...]
    is_switch: bool
    hurts: bool
    left_out: int
    inside: frozenset[int]

    def rows(self, *, full: bool) -> Iterator[Row]:
        """The rows, each with file and line if `full`, else with the line below its file's name."""
        file = ""
        for moment in self.moments:
            if moment.file and moment.file != file and not full:
                yield Row("file", moment.file)
            file = moment.file or file
            yield Row(moment.kind, _told(moment), _label(moment, full=full))
            if moment.saw:
                yield Row("saw", f"saw {', '.join(moment.saw)}")


def short(text: str, limit: int = TEXT_CHARS_MAX) -> str:
    """One line of a text from outside, safe to show."""
    line = plain(" ".join(text[: 4 * limit].split()))
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def thread_names(race: Interleaving) -> tuple[str, ...]:
    """The threads' names."""
    return tuple(short(name, _NAME_CHARS_MAX) for name in race.threads)


def waiting_name(race: Interleaving, wait: Wait) -> str:
    """The name of a thread of a deadlock, which need not be one of the test's."""
    names = thread_names(race)
    return names[wait.thread] if 0 <= wait.thread < len(names) else "another thread"


def turns_of(race: Interleaving) -> list[Turn]:
    """The turns of the moments that are told, in order."""
    found: list[Turn] = []
    insides = _insides(race.moments)
    told = _told_moments(race.moments)
    for before, at in pairwise([-1, *told]):
        moment = race.moments[at]
        is_switch = at > 0 and race.moments[at - 1].thread != moment.thread
        hurts = at > 0 and moment.hurts
        left_out = at - before - 1
        if not found or is_switch or hurts or left_out:
            inside = insides[at] - {moment.thread}
            found.append(Turn(moment.thread, (), is_switch, hurts, left_out, inside))
        found[-1] = found[-1]._replace(moments=(*found[-1].moments, _safe(moment)))
    return found


def switch_words(turn: Turn, names: Sequence[str]) -> str:
    """What stands between two turns."""
    hurts = "! here it hurts: " if turn.hurts else ""
    return f"{hurts}switch to {names[turn.thread]}"


def hurt_place(race: Interleaving) -> str:
    """The line at which a thread stood when the first switch hurt; empty if that is not known."""
    told = turns_of(race)
    for stopped, following in pairwise(told):
        lines = [moment for moment in stopped.moments if moment.file]
        if following.hurts and lines:
            return f"{lines[-1].file}:{lines[-1].line}  {lines[-1].text}"
    return ""


def left_out_words(turn: Turn) -> str:
    """What stands for moments that are not told."""
    return f"… {count(turn.left_out, 'row')} left out"


def found_words(race: Interleaving) -> str:
    """How it was found, in one sentence."""
    if race.schedules == 0:
        return "This schedule was run again, and fails:"
    tried = "The first schedule that was tried failed."
    if race.schedules > 1:
        tried = f"{race.schedules:,} schedules were tried until one failed."
    return f"{tried} Cut down to what the failure needs:"


def step_words(steps: Sequence[Step]) -> list[str]:
    """The calls made while nothing else ran, each with what came back; the last of many."""
    told = [
        f"{short(step.text)}  → {short(step.result)}" if step.result else short(step.text)
        for step in steps[-_STEPS_MAX:]
    ]
    left_out = len(steps) - len(told)
    return [f"… {count(left_out, 'call')} before", *told] if left_out else told


def diagnosis(race: Interleaving) -> str:
    """The one sentence on top."""
    return sentence(short(race.diagnosis, _DIAGNOSIS_CHARS_MAX))


def told_waits(race: Interleaving) -> Sequence[Wait]:
    """The first threads of a deadlock."""
    return race.waits[:_WAITS_MAX]


def told_holds(wait: Wait) -> Sequence[Held]:
    """The last locks that a thread took: with these it stands in the way of others."""
    return wait.holds[-_HOLDS_MAX:]


def wait_words(race: Interleaving, wait: Wait) -> str:
    """What a thread of a deadlock waits for, and who holds it."""
    wants = short(wait.wants)
    holders = [each for each in race.waits if wait.wants in {held.what for held in each.holds}]
    if wait in holders:
        return f"{wants}, which it holds itself"
    who = " and ".join(waiting_name(race, each) for each in holders)
    return f"{wants}, which {who} {'holds' if len(holders) == 1 else 'hold'}" if who else wants


def place_words(frame: Frame, path_of: Callable[[str], str] = str) -> str:
    """Where a line is; empty if that is not the student's code."""
    if not frame.file:
        return ""
    return f"{short(path_of(frame.file))}:{frame.line} in {short(frame.function)}"


def _told(moment: Moment) -> str:
    if moment.kind in ("return", "raise"):
        return f"→ {moment.text}"
    return f"{moment.text}  (waits)" if moment.kind == "wait" else moment.text


def _label(moment: Moment, *, full: bool) -> str:
    if not moment.file:
        return ""
    return f"{moment.file}:{moment.line}" if full else str(moment.line)


def _safe(moment: Moment) -> Moment:
    saw = moment.saw[:_SAW_MAX]
    more = len(moment.saw) - len(saw)
    texts = (*map(short, saw), *([f"and {more} more"] if more else []))
    return msgspec.structs.replace(
        moment, text=short(moment.text), file=short(moment.file, 60), saw=texts
    )


def _insides(moments: Sequence[Moment]) -> list[frozenset[int]]:
    """Before each moment, the threads that are within a call."""
    inside: set[int] = set()
    found = []
    for moment in moments:
        found.append(frozenset(inside))
        if moment.kind in ("return", "raise"):
            inside.discard(moment.thread)
        else:
            inside.add(moment.thread)
    return found


def _told_moments(moments: Sequence[Moment]) -> list[int]:
    """Which moments are told: both ends, and those around the first switches that hurt."""
    total = len(moments)
    if total <= ROWS_MAX:
        return list(range(total))
    hurting = [at for at, moment in enumerate(moments) if moment.hurts][:_HURTS_MAX]
    reach = (ROWS_MAX - 2 * _ENDS) // (2 * max(len(hurting), 1))
    told = {*range(_ENDS), *range(total - _ENDS, total)}
    for at in hurting or [total - _ENDS - reach]:
        told.update(range(max(at - reach, 0), min(at + reach, total)))
    return sorted(told)
