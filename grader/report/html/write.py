"""Writes the two pages, each whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from grader.course import Course
from grader.files import write_whole
from grader.grading.model import Grade
from grader.hints import Hint
from grader.report.html.instructor import class_view
from grader.report.html.links import Docs
from grader.report.html.render import render_class, render_student
from grader.report.html.student import student_view


def write_student_report(
    path: Path, course: Course, grade: Grade, hints: Mapping[str, Hint], *, docs_url: str = ""
) -> None:
    """Write a student's `report.html`.

    `docs_url` is where the course's site is, such as "https://example.org/course/"; without one the
    page links to the stages' README files if it lies in the course's own folder, and names them
    otherwise. Raises `OSError`, and `ValueError` for a `docs_url` that is not of the web.
    """
    page = render_student(student_view(course, grade, hints, Docs(docs_url, path)))
    write_whole(path, page.encode())


def write_class_report(path: Path, course: Course, grades: Sequence[Grade]) -> None:
    """Write the instructor's page, which expects each student's at `NAME/report.html` beside it.

    Raises `OSError`.
    """
    write_whole(path, render_class(class_view(course, grades)).encode())
