"""Which functions of a stage are not written yet, in the order in which to write them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

from grader.course import Course, Stage
from grader.outcome import Outcome


@dataclass(frozen=True)
class Unwritten:
    """A function that still is the skeleton's.

    `name` is such as "WAL.append"; `file` is empty if it cannot be told; `stage` is the stage that
    the file belongs to; `tests` are those that wait for it.
    """

    name: str
    file: str
    stage: int
    tests: tuple[Outcome, ...]


def unwritten_functions(
    course: Course, stage: Stage, outcomes: Iterable[Outcome]
) -> list[Unwritten]:
    """Return them in the order of the course's files, those of one file as tests came upon them."""
    waiting: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.failure and outcome.failure.unwritten:
            waiting.setdefault(outcome.failure.unwritten, []).append(outcome)
    found = []
    for name, tests in waiting.items():
        file = _file_of(course, stage, name, tests[0])
        found.append(Unwritten(name, file, course.stage_of(file) or stage.number, tuple(tests)))
    files = [file for each in course.stages for file in each.files]
    return sorted(found, key=lambda todo: files.index(todo.file) if todo.file else len(files))


def _file_of(course: Course, stage: Stage, name: str, outcome: Outcome) -> str:
    """Where it raised, else as the course says, else the stage's only file."""
    frames = outcome.failure.frames if outcome.failure else ()
    raised_in = PurePath(frames[-1].file).name if frames else ""
    if course.stage_of(raised_in):
        return raised_in
    head = name.partition(".")[0]
    module = course.module_of(head) or head
    if course.stage_of(f"{module}.py"):
        return f"{module}.py"
    return next(iter(stage.files)) if len(stage.files) == 1 else ""
