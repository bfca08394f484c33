"""Writes the exports of a grade and of a class: all of them, or none that was not there before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from grader.course import load_course
from grader.export.canvas import encode_canvas
from grader.export.class_table import encode_class_table
from grader.export.classroom import encode_classroom
from grader.export.gradescope import encode_results
from grader.export.junit import encode_class_junit, encode_student_junit
from grader.export.moodle import encode_moodle
from grader.files import write_whole
from grader.grading.model import Grade


def write_student_exports(folder: Path, grade: Grade) -> None:
    """Write what is about one submission into its folder. Raises `OSError`."""
    files = {
        "results.json": encode_results(grade),
        "junit.xml": encode_student_junit(grade),
        "classroom.json": encode_classroom(grade),
    }
    _write(folder, files)


def write_class_exports(out: Path, grades: Sequence[Grade]) -> None:
    """Write what is about the class, in the order given. Raises `OSError`."""
    files = {
        "class.csv": encode_class_table(grades),
        "canvas.csv": encode_canvas(grades, load_course().title),
        "moodle.csv": encode_moodle(grades),
        "junit.xml": encode_class_junit(grades),
    }
    _write(out, files)


def _write(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        write_whole(folder / name, data)
