"""A history as it ran, and its power cuts: what each leaves on disk, and what may be there then."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from grader.oracle.history import Op
from grader.powercuts.agent import Fault, Recorded
from grader.powercuts.answers import Refusal, Session
from grader.powercuts.durable import Model
from grader.powercuts.effects import Disk, Event, Tree, start_of
from grader.powercuts.judge import Problem
from grader.powercuts.promise import Promise
from grader.powercuts.states import CrashState
from grader.powercuts.subject import Contents, Subject
from grader.replay import keep_calls

_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Trial:
    """A history on a subject, in a folder that holds `start`, with faults of the disk. `kept` has a
    bit for each call of `whole` that is left. Writes are cut at `every_byte`, or at some.
    """

    subject: Subject
    whole: tuple[Op, ...]
    kept: int
    start: Tree = field(default_factory=lambda: Tree({}))
    faults: tuple[Fault, ...] = ()
    interval: float = 1.0
    every_byte: bool = True

    @property
    def history(self) -> tuple[Op, ...]:
        """The calls that are left."""
        return keep_calls(self.whole, self.kept)


@dataclass(frozen=True)
class Case:
    """A history as it ran, and what it allows to be there."""

    trial: Trial
    recorded: Recorded
    promise: Promise

    @property
    def subject(self) -> Subject:
        """What it is about."""
        return self.trial.subject

    @property
    def refusal(self) -> Refusal | None:
        """What the first call raised that should not have."""
        refusals = (answer.refusal for answer in self.recorded.answers)
        return None if self.trial.faults else next(filter(None, refusals), None)


@dataclass(frozen=True)
class Cut:
    """A power cut and the disk that it leaves. `then` is the state of a second one, after the
    events `later` of opening it again.
    """

    case: Case
    state: CrashState
    allowed: tuple[Contents, ...]
    then: CrashState | None = None
    later: tuple[Event, ...] = ()

    def tree(self) -> Tree:
        """What is on disk then."""
        disk = self.case.recorded.disk()
        if self.then is None:
            return disk.make(self.state.made()).tree()
        if not self.state.is_kill:
            first = disk.make(self.state.made()).tree()
            disk = Disk(first, start_of(self.later))
        return disk.make(self.then.made()).tree()

    @property
    def model(self) -> Model:
        """The model that it needs."""
        return self.then.model if self.then is not None else self.state.model

    @property
    def sort(self) -> tuple[str, str, str]:
        """What a power cut of a shorter history must have in common with this one."""
        then = "" if self.then is None else _NUMBER.sub("", self.then.what)
        return self.model, _NUMBER.sub("", self.state.what), then

    @property
    def may_be_refused(self) -> bool:
        """Whether an error that names the damage is right as well: the disk has bytes that came
        later than others which it lacks, and nothing promised that it would not.
        """
        subject = self.case.subject
        is_promised = subject.sync == "always" and (
            self.then is None or subject.keeps_what_it_shows
        )
        return (self.then or self.state).is_out_of_order and not is_promised


@dataclass(frozen=True)
class Found:
    """A power cut that the package does not survive."""

    cut: Cut
    sessions: tuple[Session, ...]
    problem: Problem

    @property
    def case(self) -> Case:
        """The history."""
        return self.cut.case
