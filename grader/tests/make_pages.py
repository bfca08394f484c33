"""A small course with hints, and its pages made of grades, for the tests of the HTML reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grader.course import Course, Stage
from grader.grading.model import Grade, StageRun
from grader.hints import Hint
from grader.outcome import Outcome, Suite
from grader.report.html.instructor import class_view
from grader.report.html.links import Docs
from grader.report.html.render import render_class, render_student
from grader.report.html.student import student_view
from grader.tests.make_outcomes import graded, outcome, stage1, stage2, unit
from grader.tests.read_page import Page

STAGES = Path("stages")
COURSE = Course(
    "A course",
    ("errors.py",),
    (
        Stage(1, "Foundation", STAGES / "stage1_base", {"memory.py": ("MemoryStore",)}, (), 1),
        Stage(2, "Log", STAGES / "stage2_log", {"wal.py": ("WAL",), "frame.py": ("Frame",)}, (), 1),
    ),
)
HINTS = {
    "torn": Hint(
        "torn", "stage2_log", "Torn `tails`", "Which?", "An idea", "Do it", "README.md#cut"
    ),
    "sync": Hint("sync", "stage2_log", "Syncing", "When?", "Another idea", "Do that"),
}


def more(name: str, suite: Suite = "persistence", stage: int = 2, **fields: Any) -> Outcome:
    """A further test that failed, unless told otherwise."""
    fields = {"status": "failed", "hint": "torn", **fields}
    return outcome(stage, name, suite, fields.pop("points", 1.0), **fields)


def graded_with(*outcomes: Outcome, carried: bool = False, **fields: Any) -> Grade:
    """The grade of a perfect run with further outcomes in stage 2."""
    second = StageRun(2, unit(2, *stage2().outcomes, *outcomes))
    if carried:
        second = StageRun(2, stage2("torn", "parse"), second.own)
    return graded(**{"runs": (StageRun(1, stage1()), second), **fields})


def student_page(
    grade: Grade, hints: Mapping[str, Hint] = HINTS, *, docs_url: str = "", path: str = "/x/r.html"
) -> Page:
    """A student's page, read."""
    return Page(render_student(student_view(COURSE, grade, hints, Docs(docs_url, Path(path)))))


def class_page(grades: Sequence[Grade]) -> Page:
    """The instructor's page, read."""
    return Page(render_class(class_view(COURSE, grades)))
