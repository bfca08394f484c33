"""Tell of a power cut that the package does not survive: what was called, what was asked of the
disk, what was left of that, and what came of opening it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from grader.outcome import DiskFile, DiskOperation, HistoryCall, PowerCut, Step
from grader.powercuts.agent import Recorded
from grader.powercuts.answers import Answer
from grader.powercuts.case import Cut, Found
from grader.powercuts.durable import durable
from grader.powercuts.effects import Event, is_effect
from grader.powercuts.judge import Plan
from grader.powercuts.states import CrashState
from grader.remote.trace import show

FILE_BYTES_MAX = 16 * 1024  # of a file that is shown
_MARKS = ("begin", "end", "file")


def tell(found: Found, states: int, replay: str) -> PowerCut:
    """Return the story; `states` is how many were opened until this one failed."""
    cut = found.cut
    trial, recorded = cut.case.trial, cut.case.recorded
    subject = trial.subject
    texts = [subject.text(call) for call in (*subject.open(), *subject.calls(trial.history))]
    operations, cuts = _operations(recorded, cut)
    return PowerCut(
        calls=_calls(texts, recorded, cut),
        operations=tuple(_with_told_calls(operations, texts)),
        cuts=tuple(cuts),
        what=_what(cut),
        files=_files(found),
        reopened=_reopened(found),
        differences=found.problem.differences,
        diagnosis=_diagnosis(found),
        model=cut.model,
        states=states,
        replay=replay,
    )


def _what(cut: Cut) -> str:
    if cut.then is None:
        return cut.state.what
    return f"{cut.state.what}; then, while it is being opened again, {cut.then.what}"


def _diagnosis(found: Found) -> str:
    when = "after a power cut" if not _is_only_killed(found.cut) else "after the process is killed"
    if found.cut.then is not None:
        when = "after a power cut during recovery"
    return f"{when}, {found.problem.sentence}"


def _is_only_killed(cut: Cut) -> bool:
    return cut.then is None and cut.state.is_kill


def _calls(texts: Sequence[str], recorded: Recorded, cut: Cut) -> tuple[HistoryCall, ...]:
    """The calls that have a text; others are the test's own."""
    point = cut.state.point
    begun = {event[1] for event in recorded.events[:point] if event[0] == "begin"}
    ended = {event[1] for event in recorded.events[:point] if event[0] == "end"}
    told = []
    for number, text in enumerate(texts):
        if not text:
            continue
        if number in ended:
            answer = recorded.answers[number]
            state = "returned" if answer.refusal is None else "raised"
            told.append(HistoryCall(text, state, _answer_text(answer)))  # type: ignore[arg-type]
        else:
            told.append(HistoryCall(text, "under way" if number in begun else "after"))
    return tuple(told)


def _answer_text(answer: Answer) -> str:
    return show(answer.value) if answer.refusal is None else str(answer.refusal)


def _operations(recorded: Recorded, cut: Cut) -> tuple[list[DiskOperation], list[int]]:
    """Everything that was asked of the disk, and the places of the power cuts."""
    names = _Names(recorded.events)
    before, cuts = recorded.events, []
    if cut.then is None:
        told = _told(before, cut.state, names)
        return told, [] if _is_only_killed(cut) else [_count(before, cut.state.point)]
    if cut.state.is_kill:
        first = before[: cut.state.point]
        whole = (*first, *cut.later)
        told = _told(whole, cut.then, _Names(whole), reopened_at=len(first))
        return told, [_count(whole, cut.then.point)]
    told = _told(before[: cut.state.point], cut.state, names)
    cuts.append(len(told))
    later = _told(cut.later, cut.then, _Names(cut.later), reopened_at=0)
    cuts.append(len(told) + _count(cut.later, cut.then.point))
    return [*told, *later], cuts


def _with_told_calls(
    operations: Sequence[DiskOperation], texts: Sequence[str]
) -> Iterator[DiskOperation]:
    """Operations with the places that their calls have among those that are told."""
    for operation in operations:
        told = sum(map(bool, texts[: operation.call])) if operation.call >= 0 else -1
        yield msgspec.structs.replace(operation, call=told)


def _count(events: Sequence[Event], point: int) -> int:
    return sum(event[0] not in _MARKS for event in events[:point])


def _told(
    events: Sequence[Event],
    state: CrashState,
    names: _Names,
    reopened_at: int | None = None,
) -> list[DiskOperation]:
    """One operation for each event that is no mark; those from `reopened_at` on are of no call."""
    left = dict(state.effects)
    kept = durable(events, state.point, state.model)
    call, told = -1, []
    for place, event in enumerate(events):
        if event[0] == "begin" and (reopened_at is None or place < reopened_at):
            call = event[1]
        elif reopened_at is not None and place >= reopened_at:
            call = -1
        names.see(event)
        if event[0] in _MARKS:
            continue
        fate, note = ("after", "") if place >= state.point else _fate(event, left.get(place))
        told.append(DiskOperation(call, names.text(event), fate, note, place in kept))  # type: ignore[arg-type]
    return told


def _fate(event: Event, left: Event | None) -> tuple[str, str]:
    if not is_effect(event):
        return "kept", ""
    if left is None:
        return "lost", ""
    if left[0] == "zeros":
        return "zeros", ""
    if event[0] == "write" and len(left[3]) < len(event[3]):
        return "part", f"{len(left[3])} of {len(event[3])} bytes"
    return "kept", ""


class _Names:
    """What each file is called at a point of the record."""

    def __init__(self, events: Sequence[Event]) -> None:
        self._of: dict[int, str] = {}
        for event in events:
            if event[0] == "file":
                self._of[event[2]] = event[1]

    def see(self, event: Event) -> None:
        """Follow a change of names."""
        if event[0] == "create":
            self._of[event[2]] = event[1]
        elif event[0] == "rename":
            self._of[event[3]] = event[2]

    def text(self, event: Event) -> str:
        """An operation in a few words."""
        kind, *args = event
        if kind == "write":
            return f"write {len(args[2])} bytes at {args[1]} of {self._name(args[0])}"
        if kind == "truncate":
            return f"truncate {self._name(args[0])} to {args[1]} bytes"
        if kind == "fsync":
            return f"fsync {self._name(args[0])}"
        if kind == "fsync folder":
            return f"fsync the folder{'' if args[0] == '.' else ' ' + args[0]}"
        if kind in ("rename", "link"):
            return f"{kind} {args[0]} to {args[1]}"
        if kind == "failed":
            return f"{args[0]} {self._name(args[1])}: failed".replace("  ", " ")
        if kind == "sync":
            return "sync"
        return f"{_WORDS.get(kind, kind)} {args[0]}"

    def _name(self, file: int) -> str:
        return self._of.get(file, "")


_WORDS: Mapping[str, str] = {"unlink": "remove", "mkdir": "make the folder", "rmdir": "remove"}


def _files(found: Found) -> tuple[DiskFile, ...]:
    """What lay on disk, with the place at which recovery gave up."""
    session = found.sessions[0]
    stopped = {}
    if session.refusal is not None and session.refusal.path and session.refusal.offset is not None:
        stopped[session.refusal.path.replace("\\", "/").rpartition("/")[2]] = session.refusal.offset
    return tuple(
        DiskFile(name, len(data), data[:FILE_BYTES_MAX], stopped.get(name.rpartition("/")[2], -1))
        for name, data in sorted(found.cut.tree().files.items())
    )


def _reopened(found: Found) -> tuple[Step, ...]:
    """How it was opened, up to where it was wrong. Of openings there is nothing to tell."""
    subject, steps = found.case.subject, []
    sessions = found.sessions if found.problem.kind == "later" else found.sessions[:1]
    for session, calls in zip(sessions, Plan(subject).sessions(), strict=False):
        shown = calls if len(sessions) > 1 else calls[: Plan(subject).look_ends]
        for call, answer in zip(shown, session.answers, strict=False):
            if not subject.text(call):
                continue
            is_silent = answer.refusal is None and (call.into or call.owner == "clock")
            steps.append(Step(subject.text(call), "" if is_silent else _answer_text(answer)))
        if session.end != "done":
            ends = {"timeout": "it did not return in time", "crashed": "the process ended"}
            steps.append(Step(ends[session.end]))
    return tuple(steps)
