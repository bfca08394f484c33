"""Record a history, and have every state that a power cut can leave opened again.

States of the ordered model come first, then those of the strict one that are new, each in the order
of the points: so the first that is handled wrongly needs few calls. One that needs the strict model
is told only if none of the ordered one is handled wrongly. Equal disks are opened once, however
many power cuts lead to them. Then the power goes again, while a state is being recovered from: of
each way in which the package recovers, one.

A few folders are opened by one process, one after the other. What is handled wrongly there counts
once it is handled wrongly in a process of its own.

Stated caps: `STATES_MAX` different disks of one history, `AGAIN_MAX` more that come from
recovering. What was left out is said in `Explored.caps`, never passed over.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from grader.powercuts.agent import PowerAgent
from grader.powercuts.answers import Answer, Refusal, Session
from grader.powercuts.case import Case, Cut, Found, Trial
from grader.powercuts.durable import Model
from grader.powercuts.effects import Event, same_files, with_files
from grader.powercuts.judge import Plan, judge
from grader.powercuts.promise import Bounds, bounds_at, promise_of
from grader.powercuts.replay import PowerCutReplay
from grader.powercuts.states import crash_states
from grader.powercuts.subject import Contents, Subject

STATES_MAX = 1_200
AGAIN_MAX = 120
TOGETHER = 8  # folders that one process opens, one after the other
AGAIN_LIKE_ANOTHER = 1  # states that are recovered from in the same way
# Windows keeps names by itself, and has no fsync of a folder to ask for.
MODELS: tuple[Model, ...] = ("ordered",) if os.name == "nt" else ("ordered", "strict")


class Alike(NamedTuple):
    """Power cuts that leave the same disk, and its size in bytes."""

    cuts: list[Cut]
    size: int


Opened = tuple[Cut, tuple[Session, ...]]


@dataclass
class Explored:
    """What came of a history: how many different disks were opened, which were handled wrongly, and
    a sentence for each cap that was reached.
    """

    opened: int = 0
    found: list[Found] = field(default_factory=list)
    caps: list[str] = field(default_factory=list)

    @property
    def is_certain(self) -> bool:
        """Whether a failure was found that needs no more than the ordered model."""
        return any(found.cut.model == "ordered" for found in self.found)

    @property
    def first(self) -> Found | None:
        """The failure to tell of: one of the ordered model, if there is one."""
        ordered = (found for found in self.found if found.cut.model == "ordered")
        return next(ordered, self.found[0] if self.found else None)


class Explorer:
    """Tries histories with the agents of one test. `finds_all` goes on after the first failure."""

    def __init__(self, agent: PowerAgent, *, finds_all: bool = False) -> None:
        self._agent = agent
        self._finds_all = finds_all

    def record(self, trial: Trial) -> Case:
        """Run a history. Raises the `CallFailure` that this led to, and `UnsupportedIO`."""
        calls = [*trial.subject.open(), *trial.subject.calls(trial.history)]
        recorded = self._agent.record(trial.subject, calls, trial.start, trial.faults)
        answers = recorded.answers[len(trial.subject.open()) :]
        never = Answer(refusal=Refusal(("never called",), ""))
        whole = (*answers, *(never for _ in range(len(trial.history) - len(answers))))
        promise = promise_of(trial.subject, trial.history, whole, trial.interval)
        return Case(trial, recorded, promise)

    def explore(self, case: Case, like: Cut | None = None) -> Explored:
        """Open every state, or those of the sort of `like`; stops at the first that is handled
        wrongly.
        """
        explored = Explored()
        cuts = _cuts(case)
        if like is not None:
            cuts = (cut for cut in cuts if cut.sort[:2] == like.sort[:2])
        opened = self._try(_by_disk(cuts), explored)
        if self._finds_all or not explored.is_certain:
            self._try(_by_disk(_cuts_again(opened)), explored, AGAIN_MAX, "of recovering, ")
        return explored

    def explore_ends(self, cases: Sequence[Case]) -> Explored:
        """Open the states that a power cut leaves at the end of each history."""
        explored = Explored()
        disks: list[Alike] = []
        for case in cases:
            end = len(case.recorded.events)
            disks += _by_disk(cut for cut in _cuts(case) if cut.state.point == end)
        self._try(disks, explored)
        return explored

    def cut_of(self, case: Case, wanted: PowerCutReplay) -> Cut | None:
        """The power cut of a replay id; None if there is none."""
        numbered = (cut for cut in _cuts(case) if cut.model == wanted.model)
        cut = next((one for one in numbered if one.state.number == wanted.state), None)
        if cut is None or wanted.again is None:
            return cut
        sessions = next(self._open([cut]), None)
        if sessions is None:
            return None
        again = _cuts_of_recovery(cut, sessions)
        of_model = (one for one in again if one.model == wanted.model)
        return next((one for one in of_model if one.then and one.then.number == wanted.again), None)

    def try_one(self, cut: Cut) -> Found | None:
        """Open one state."""
        explored = Explored()
        self._try([Alike([cut], 0)], explored)
        return explored.first

    def _open(self, cuts: Sequence[Cut], together: int = 1) -> Iterator[tuple[Session, ...]]:
        subject = cuts[0].case.subject
        trees = (cut.tree() for cut in cuts)
        sessions = Plan(subject).sessions()
        return self._agent.reopen(subject, trees, sessions, record=True, trees_a_process=together)

    def _try(
        self,
        disks: Sequence[Alike],
        explored: Explored,
        most: int = STATES_MAX,
        which: str = "",
    ) -> list[Opened]:
        """Open disks up to the first that is handled wrongly; returns what came of the others."""
        chosen = _evenly(disks, most)
        if len(chosen) < len(disks):
            explored.caps.append(
                f"{which}{len(chosen):,} of {len(disks):,} states of the disk were tried, evenly"
                " chosen: there is a cap"
            )
        opened: list[Opened] = []
        left = _least_first(chosen)
        while left and (self._finds_all or not explored.is_certain):
            left = left[self._go_on(left, explored, opened) :]
        return opened

    def _go_on(self, alike: Sequence[Alike], explored: Explored, opened: list[Opened]) -> int:
        """Open disks up to the first that is handled wrongly, also in a process of its own if that
        is to count; returns how many those were.
        """
        together = 1 if self._finds_all else TOGETHER
        said = self._open([cuts[0] for cuts, _size in alike], together)
        for place, ((cuts, _size), sessions) in enumerate(zip(alike, said, strict=False), 1):
            explored.opened += 1
            found = _first_wrong(cuts, sessions)
            if found is None:
                opened.append((cuts[0], sessions))
            elif self._finds_all:
                explored.found.append(found)
            elif found.cut.model == "ordered" or not explored.found:  # one strict one is enough
                explored.found += self._confirmed(found)
                return place
        return len(alike)

    def _confirmed(self, found: Found) -> list[Found]:
        """The same, seen in a process that has opened nothing else; empty if all is well there."""
        sessions = next(self._open([found.cut]), None)
        again = None if sessions is None else _first_wrong([found.cut], sessions)
        return [] if again is None else [again]


def _first_wrong(cuts: Sequence[Cut], sessions: tuple[Session, ...]) -> Found | None:
    """The first power cut that leads to a disk, and for which it is handled wrongly."""
    for cut in cuts:
        subject, may_refuse = cut.case.subject, cut.may_be_refused
        problem = judge(subject, cut.allowed, sessions, may_refuse=may_refuse)
        if problem is not None:
            return Found(cut, sessions, problem)
    return None


def _cuts(case: Case) -> Iterator[Cut]:
    """Every power cut of a record, in the order in which they are tried."""
    first = len(case.subject.open())
    allowed: dict[Bounds, tuple[Contents, ...]] = {}
    events = case.recorded.events
    for model in MODELS:
        for state in crash_states(events, model, cuts_each_byte=case.trial.every_byte):
            bounds = bounds_at(events, state.point, first, case.promise)
            if bounds not in allowed:
                allowed[bounds] = tuple(case.promise.allowed(bounds))
            yield Cut(case, state, allowed[bounds])


def _cuts_again(opened: Sequence[Opened]) -> Iterator[Cut]:
    """Power cuts while states are recovered from, of each kind of recovery a few."""
    like: dict[object, int] = {}
    for cut, sessions in opened:
        if sessions[0].end != "done" or sessions[0].refusal is not None:
            continue
        way = tuple((event[0], *map(str, event[1:2])) for event in sessions[0].events)
        key = (way, cut.model, cut.state.is_kill)
        like[key] = like.get(key, 0) + 1
        if like[key] <= AGAIN_LIKE_ANOTHER:
            yield from _cuts_of_recovery(cut, sessions)


def _cuts_of_recovery(cut: Cut, sessions: tuple[Session, ...]) -> Iterator[Cut]:
    subject, events = cut.case.subject, cut.case.recorded.events
    each_byte = cut.case.trial.every_byte
    later = tuple(with_files(sessions[0].events))
    seen = subject.seen(Plan(subject).looked(sessions[0]))
    if not cut.state.is_kill:
        yield from _cuts_after(cut, (), later, seen)
        return
    # A kill leaves the same disk in both models, and what was not synced before is not synced yet.
    before = events[: cut.state.point]
    for model in MODELS:
        killed = next(
            state
            for state in crash_states(events, model, cuts_each_byte=each_byte)
            if state.point == len(before) and state.is_kill
        )
        again = replace(cut, state=killed)
        yield from _cuts_after(again, before, same_files(before, later), seen)


def _cuts_after(
    cut: Cut, before: Sequence[Event], later: tuple[Event, ...], seen: Contents
) -> Iterator[Cut]:
    """Power cuts within `later`, the events of opening a state again; `before` are those that no
    power cut has come after.
    """
    subject = cut.case.subject
    for state in crash_states((*before, *later), cut.state.model, cuts_each_byte=False):
        if state.point > len(before):
            allowed = _allowed_again(subject, later[: state.point - len(before)], cut, seen)
            yield replace(cut, allowed=allowed, then=state, later=later)


def _allowed_again(
    subject: Subject, later: Sequence[Event], cut: Cut, seen: Contents
) -> tuple[Contents, ...]:
    """What may be there when the power goes while a state is recovered from."""
    plan = Plan(subject)
    ended = [event[1] for event in later if event[0] == "end"]
    begun = [event[1] for event in later if event[0] == "begin"]
    is_kept = plan.look_ends - 1 in ended and subject.keeps_what_it_shows
    before = (seen,) if is_kept else cut.allowed
    more = subject.once_more(seen)
    if plan.look_ends not in begun:
        return before
    return (more,) if plan.look_ends in ended and subject.sync == "always" else (more, *before)


def _by_disk(cuts: Iterator[Cut]) -> list[Alike]:
    """Those that leave the same disk together, of each sort one: what else may be there, and
    whether it may be refused.
    """
    disks: dict[bytes, dict[object, Cut]] = {}
    sizes: dict[bytes, int] = {}
    for cut in cuts:
        tree = cut.tree()
        digest = tree.digest()
        sizes[digest] = sum(map(len, tree.files.values()))
        sort = id(cut.allowed), cut.may_be_refused
        disks.setdefault(digest, {}).setdefault(sort, cut)
    return [Alike(list(sorts.values()), sizes[digest]) for digest, sorts in disks.items()]


def _evenly(disks: Sequence[Alike], most: int) -> Sequence[Alike]:
    if len(disks) <= most:
        return disks
    return [disks[number * len(disks) // most] for number in range(most)]


def _least_first(disks: Sequence[Alike]) -> list[Alike]:
    """Of those that share a process the smallest first: nobody may know from another folder what
    this one has lost.
    """
    ordered: list[Alike] = []
    for at in range(0, len(disks), TOGETHER):
        ordered += sorted(disks[at : at + TOGETHER], key=lambda alike: alike.size)
    return ordered
