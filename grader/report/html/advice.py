"""What to say first to a student, and the three steps to take next.

The first step leads to what costs most in the earliest stage that fell short: later stages stand on
it. Hidden tests come after visible ones, and quality after all tests, since it is scaled by them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from grader.grading.model import QualityMark
from grader.outcome import Frame
from grader.report.html.context import Context
from grader.report.html.failures import FailureView
from grader.report.html.hidden import Topic
from grader.report.html.links import Link
from grader.report.html.stages import NotRun, StageView, UnwrittenView
from grader.report.words import count


@dataclass(frozen=True)
class NextStep:
    """One thing to do: words of ours, then what they are about, then code or a command."""

    words: str
    about: str = ""
    link: Link | None = None
    code: str = ""


@dataclass(frozen=True)
class Advice:
    """`lead` is the most useful sentence of the page; `steps` are empty when nothing is left."""

    lead: str
    steps: tuple[NextStep, ...]


def advise(context: Context, stages: Sequence[StageView]) -> Advice:
    """Say where to go on."""
    if not stages:
        return _rejected(context)
    passed, total = sum(s.passed for s in stages), sum(s.total for s in stages)
    start = f"{passed:,} of {count(total, 'test')} pass."
    for stage in stages:
        if first := _dearest(start, stage):
            return first
    for stage in stages:
        if stage.topics:
            return _hidden(start, stage, max(stage.topics, key=lambda topic: topic.failed))
    if passed < total:
        return Advice(f"{start} The others could not be judged, which is not your fault.", ())
    return _polish(context)


def _dearest(start: str, stage: StageView) -> Advice | None:
    """What costs most of the tests that a student can read; None if all of them pass."""
    advice: list[tuple[float, Advice]] = []
    failures = [each for each in stage.failures if each.status != "error"]
    if stage.unwritten:
        cost = sum(todo.cost for todo in stage.unwritten)
        advice.append((cost, _write(start, stage, stage.unwritten[0])))
    # After too many timeouts a stage is not run to its end: then they are the cause.
    if stage.not_run and not any(each.status == "timeout" for each in failures):
        blocker = max(stage.not_run, key=lambda each: each.cost)
        advice.append((blocker.cost, _unblock(start, stage, blocker)))
    if failures:
        advice.append((failures[0].cost, _mend(start, stage, failures[0])))
    return max(advice, key=lambda pair: pair[0])[1] if advice else None


def _mend(start: str, stage: StageView, failure: FailureView) -> Advice:
    there = Link(f"failure {failure.number}", f"#{failure.anchor}")
    read = NextStep("Read what went wrong:", failure.title, there)
    look = NextStep("Open this, and follow the steps of the test:", code=_about(stage, failure))
    where = _open(failure.frames) or _stopped(failure) or _taken(failure) or look
    steps = (read, where, _run(failure.command))
    return Advice(_go_on(start, stage), steps)


def _unblock(start: str, stage: StageView, blocker: NotRun) -> Advice:
    mend = NextStep(
        f"Mend what kept {count(blocker.tests, 'test')} from running:", code=blocker.reason
    )
    look = NextStep(
        "It is in a file of this stage, or of an earlier one:", code=_listed(stage.files)
    )
    steps = (mend, _open(blocker.frames) or look, _run(f"nox -s stage{stage.number}"))
    return Advice(_go_on(start, stage), steps)


def _go_on(start: str, stage: StageView) -> str:
    return (
        f"{start} Go on in stage {stage.number}, {stage.name}, "
        f"where {stage.lost:.2f} of the 100 are still to be had."
    )


def _open(frames: Sequence[Frame]) -> NextStep | None:
    """The step that opens the line where an error came out; None if that is not known."""
    if not frames:
        return None
    where = f"kvstore/{frames[-1].file}:{frames[-1].line} in {frames[-1].function}"
    return NextStep(f"Open {where}:", code=frames[-1].source.strip())


def _stopped(failure: FailureView) -> NextStep | None:
    """The step that leads to where a thread stood when the turn went to another at a bad moment."""
    if failure.timeline is None or not failure.timeline.hurt_place:
        return None
    return NextStep(
        "A thread stood here when the switch hurt; find out what another may change meanwhile:",
        code=f"kvstore/{failure.timeline.hurt_place}",
    )


def _taken(failure: FailureView) -> NextStep | None:
    """The step that leads to what a power cut took, and to the call that did not sync it."""
    if failure.power_cut is None or not failure.power_cut.taken:
        return None
    return NextStep(
        "The power cut took this; find out what should have been synced, and before what:",
        code=failure.power_cut.taken,
    )


def _write(start: str, stage: StageView, todo: UnwrittenView) -> Advice:
    waiting = f"{count(todo.tests, 'test')} {'waits' if todo.tests == 1 else 'wait'} for it"
    lead = f"{start} Next is stage {stage.number}, {stage.name}: it is not all written yet."
    return Advice(
        lead,
        (
            NextStep("Read the brief of the stage:", link=stage.docs),
            NextStep(
                f"Write the first function that is missing; {waiting}:",
                code=f"{todo.name} in {_listed([todo.file] if todo.file else stage.files)}",
            ),
            _run(f"nox -s stage{stage.number}"),
        ),
    )


def _hidden(start: str, stage: StageView, topic: Topic) -> Advice:
    lead = (
        f"{start} Every test that you can read passes; "
        f"in stage {stage.number}, {stage.name}, hidden ones do not."
    )
    asked = topic.hint.nudge if topic.hint else topic.title
    return Advice(
        lead,
        (
            NextStep("Think about this:", asked),
            NextStep("Read it up:", link=(topic.hint and topic.hint.read) or stage.docs),
            NextStep(
                "Write a test of your own for it, mend what it finds, and run the stage:",
                code=f"nox -s stage{stage.number}",
            ),
        ),
    )


def _polish(context: Context) -> Advice:
    grade = context.grade
    short = [mark for mark in grade.quality if mark.earned < mark.available]
    if not short:
        return Advice("Everything passes: there is nothing left to mend.", ())
    lost = grade.cost("quality", sum(mark.available - mark.earned for mark in short))
    most = max(short, key=_loss)
    return Advice(
        f"Every test passes. What is left is quality, worth {lost:.2f} of the 100.",
        (
            NextStep(
                f"Begin with stage {most.stage}, {most.check.replace('-', ' ')}:",
                link=Link("all findings", "#quality"),
            ),
            NextStep("Mend this first:", code=most.findings[0] if most.findings else ""),
            NextStep("See that the stage stays green:", code=f"nox -s stage{most.stage}"),
        ),
    )


def _rejected(context: Context) -> Advice:
    files = ", ".join(file for stage in context.course.stages for file in stage.files)
    return Advice(
        "Nothing could be graded.",
        (
            NextStep("Mend this:", code=context.grade.problem),
            NextStep(
                "Hand in a folder kvstore, or a zip with one, that holds these files:", code=files
            ),
            NextStep("See that its tests can be run:", code="nox -s stage1"),
        ),
    )


def _run(command: str) -> NextStep:
    return NextStep("Run:", code=command)


def _about(stage: StageView, failure: FailureView) -> str:
    """The files of the stage that the test's file is named after, or all of them."""
    tests = failure.place.partition("::")[0]
    return _listed([f for f in stage.files if PurePath(f).stem in tests] or stage.files)


def _listed(files: Sequence[str]) -> str:
    return ", ".join(f"kvstore/{file}" for file in files)


def _loss(mark: QualityMark) -> float:
    return mark.available - mark.earned
