"""What is wrong with how a state of the disk was opened again, if anything is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from grader.powercuts.answers import Answer, Session
from grader.powercuts.subject import Contents, Subject
from grader.races.program import Invocation

Kind = Literal["lost", "invented", "mixed", "refused", "ended", "later"]
_NAMES_SHOWN = 3


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    `kind` is "lost" (what must be there is not), "invented" (there is what nobody may have left),
    "mixed" (both, or a change that is there in part), "refused" (it cannot be opened), "ended" (the
    process died or hung), "later" (it opens, but loses what is written afterwards). `differences`
    tells it a line a name.
    """

    kind: Kind
    sentence: str
    differences: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """The calls with which a state is opened, and opened once more."""

    subject: Subject

    def sessions(self) -> list[list[Invocation]]:
        """The first looks, writes once more and closes, the second looks again."""
        subject = self.subject
        first = [*subject.open(), *subject.look(), *subject.write_more()]
        return [first, [*subject.open(), *subject.look()]]

    def looked(self, session: Session) -> Sequence[Answer]:
        """What the calls that look gave."""
        begin = len(self.subject.open())
        return session.answers[begin : begin + len(self.subject.look())]

    @property
    def look_ends(self) -> int:
        """The number of the call after those that look."""
        return len(self.subject.open()) + len(self.subject.look())


def judge(
    subject: Subject,
    allowed: Sequence[Contents],
    sessions: Sequence[Session],
    *,
    may_refuse: bool = False,
) -> Problem | None:
    """Return what is wrong; `allowed` is what may be there, first what would be there if nothing
    was lost. `may_refuse` says that an error which names the damage is right as well.
    """
    plan = Plan(subject)
    first = sessions[0]
    problem = _ended(first, "opening it again")
    if problem is not None:
        return problem
    if first.refusal is not None and len(first.answers) <= plan.look_ends:
        if may_refuse and subject.is_declared(first.refusal):
            return None
        return Problem("refused", f"opening it again raised {first.refusal}")
    contents = _seen(subject, plan.looked(first))
    if isinstance(contents, Problem):
        return contents
    if contents not in allowed:
        return _wrong_contents(subject, allowed, contents)
    return _judge_later(subject, plan, contents, sessions)


def _judge_later(
    subject: Subject, plan: Plan, contents: Contents, sessions: Sequence[Session]
) -> Problem | None:
    """What became of the write after the recovery."""
    first = sessions[0]
    if first.refusal is not None:
        return Problem("later", f"after it was opened again, a write raised {first.refusal}")
    if len(sessions) < 2:
        return Problem("later", "after it was opened again, a write never ended")
    problem = _ended(sessions[1], "opening it once more")
    if problem is not None:
        return problem
    if sessions[1].refusal is not None:
        sentence = "it was opened again and written to; then opening it once more raised"
        return Problem("later", f"{sentence} {sessions[1].refusal}")
    wanted, found = subject.once_more(contents), _seen(subject, plan.looked(sessions[1]))
    if isinstance(found, Problem):
        return found
    if found == wanted:
        return None
    lines = differences(subject, wanted, found)
    sentence = "what was there after opening it again, or was written then, is gone the next time"
    return Problem("later", f"{sentence}: {_first(lines)}", lines)


def _ended(session: Session, doing: str) -> Problem | None:
    if session.end == "timeout":
        return Problem("ended", f"{doing} never ended")
    if session.end == "crashed":
        return Problem("ended", f"{doing} ended the process")
    return None


def _seen(subject: Subject, answers: Sequence[Answer]) -> Contents | Problem:
    try:
        return subject.seen(answers)
    except (ValueError, TypeError, LookupError, AttributeError):
        return Problem("mixed", "what it answered after opening it again is nothing of the kind")


def _wrong_contents(subject: Subject, allowed: Sequence[Contents], contents: Contents) -> Problem:
    nearest = min(allowed, key=lambda one: len(_changed(one, contents)))
    changed = _changed(nearest, contents)
    kinds = {
        "lost" if name not in contents else "invented" if name not in nearest else "mixed"
        for name in changed
    }
    kind: Kind = kinds.pop() if len(kinds) == 1 else "mixed"  # type: ignore[assignment]
    words = {
        "lost": "what was promised to be there is gone",
        "invented": "there is what should not be there",
        "mixed": "what is there was never there before",
    }
    lines = differences(subject, nearest, contents)
    return Problem(kind, f"{words[kind]}: {_first(lines)}", lines)


def differences(subject: Subject, wanted: Contents, found: Contents) -> tuple[str, ...]:
    """A line for each name that is not as it should be."""

    def said(contents: Contents, name: str) -> str:
        return subject.said(contents, name) if name in contents else "nothing"

    return tuple(
        f"{name}: expected {said(wanted, name)}, found {said(found, name)}"
        for name in _changed(wanted, found)
    )


def _changed(one: Contents, other: Contents) -> list[str]:
    names = [*one, *(name for name in other if name not in one)]
    return [
        name for name in names if name not in one or name not in other or one[name] != other[name]
    ]


def _first(lines: Sequence[str]) -> str:
    shown = "; ".join(lines[:_NAMES_SHOWN])
    return shown if len(lines) <= _NAMES_SHOWN else f"{shown}; {len(lines) - _NAMES_SHOWN} more"
