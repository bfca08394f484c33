"""What can be wrong with a run, before anybody asks how it came about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from grader.oracle.history import Call
from grader.oracle.linearizable import Verdict
from grader.oracle.workload import Workload
from grader.races.explorer import Run
from grader.races.program import Program
from grader.remote.failures import RemoteError

NO_ORDER = "no order of these calls explains what came back"
Kind = Literal["deadlock", "livelock", "exception", "thread", "order", "state"]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, in a sentence.

    `kind` is "deadlock", "livelock", "exception" (a call raised what it may not), "thread" (a
    thread of the package's own died), "order" (no order of the calls explains what came back) or
    "state" (what is there afterwards does not fit). `calls` are those that matter, if not all do.
    """

    kind: Kind
    sentence: str
    calls: tuple[Call, ...] = ()
    verdict: Verdict[Any] | None = None

    @property
    def sort(self) -> tuple[str, str]:
        """What a shorter program must show to be the same failure: the kind, and for an exception
        its class.
        """
        is_raised = self.kind == "exception" and self.calls and self.calls[0].errors
        return self.kind, self.calls[0].errors[0] if is_raised else ""


class Subject(Protocol):
    """What a program is about: how to make it, what to do with it in the end, and what is right."""

    def program(self, workload: Workload) -> Program:
        """The whole program around the calls of a workload."""

    def judge(self, workload: Workload, run: Run) -> Problem | None:
        """What is wrong with a run that came to its end; None if nothing is."""


class UnknownVerdictError(RuntimeError):
    """The oracle gave up: the workload is too large for it, which is the grader's fault."""


def judge(subject: Subject, workload: Workload, run: Run) -> Problem | None:
    """Return what is wrong with a run; raises `RemoteError` when the set-up itself raised."""
    if run.end == "setup":
        failed = run.setup[-1]
        raised = run.raised[failed.invoked]
        raise RemoteError(failed.errors, raised.message, raised.frames)
    if run.end == "deadlock":
        return Problem("deadlock", "nobody can go on: each thread waits for another one")
    if run.end == "livelock":
        return Problem("livelock", "the threads run on for ever, and no call returns")
    if run.errors:
        name, kind = run.errors[0]
        return Problem("thread", f"{name}, a thread of the package's own, died of {kind}")
    return subject.judge(workload, run)


def explained(verdict: Verdict[Any]) -> Problem | None:
    """Return the problem that an oracle's verdict on a history is; None when all is well."""
    if verdict.kind == "ok":
        return None
    if verdict.kind == "unknown":
        raise UnknownVerdictError("a history was too long to be judged")
    unexpected = [call for call in verdict.unplaced if call.errors]
    if unexpected:
        first = unexpected[0]
        return Problem("exception", f"{first.name} raised {first.errors[0]}", (first,), verdict)
    return Problem("order", NO_ORDER, (), verdict)
