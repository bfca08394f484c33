"""Writes what comes of grades into the folder of a batch: a folder for each student, and the files
about the class.

    OUT/NAME/  report.html  results.json (Gradescope)  junit.xml  classroom.json (GitHub Classroom)
    OUT/       index.html  class.csv  canvas.csv  moodle.csv  junit.xml  rubric.toml

Every file is written whole, and the same grades give the same files.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from grader.batch.compare import RUBRIC_NAME
from grader.course import STAGES_DIR, Course
from grader.export import write_class_exports, write_student_exports
from grader.files import write_whole
from grader.grading.model import Grade, StageRun
from grader.grading.rubric import Rubric
from grader.hints import load_hints
from grader.outcome import Failure, UnitResult
from grader.report.html import write_class_report, write_student_report


def publish_student(out: Path, course: Course, grade: Grade) -> None:
    """Write the folder of one submission. Raises `OSError`."""
    folder = out / grade.submission
    page, hints = folder / "report.html", load_hints(STAGES_DIR)
    write_student_report(page, course, grade, hints, docs_url=course.docs_url)
    write_student_exports(folder, grade)


def publish_class(out: Path, course: Course, grades: Sequence[Grade], rubric: Rubric) -> None:
    """Write the files about the class, in the order of the names. Raises `OSError`."""
    grades = sorted(grades, key=lambda grade: grade.submission)
    write_class_report(out / "index.html", course, grades)
    write_class_exports(out, grades)
    write_whole(out / RUBRIC_NAME, rubric.file.text.encode())


def without_details(grade: Grade) -> Grade:
    """The same grade, of each failure only its reason and whether it is latent or strict: a class
    of 300 then fits into memory.
    """
    return msgspec.structs.replace(
        grade,
        runs=tuple(
            StageRun(run.stage, _lighter(run.own), run.carried and _lighter(run.carried))
            for run in grade.runs
        ),
    )


def _lighter(unit: UnitResult) -> UnitResult:
    outcomes = tuple(
        msgspec.structs.replace(outcome, failure=_short(outcome.failure))
        if outcome.failure is not None
        else outcome
        for outcome in unit.outcomes
    )
    return msgspec.structs.replace(unit, outcomes=outcomes)


def _short(failure: Failure) -> Failure:
    race = failure.interleaving
    if race is not None:
        race = msgspec.structs.replace(race, before=(), moments=(), after=(), waits=())
    cut = failure.power_cut
    if cut is not None:
        cut = msgspec.structs.replace(
            cut, calls=(), operations=(), files=(), reopened=(), differences=()
        )
    return Failure(failure.reason, interleaving=race, power_cut=cut)
