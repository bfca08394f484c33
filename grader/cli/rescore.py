"""`python -m grader rescore OUT`: grades made anew from stored outcomes; nothing is run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from grader.batch.compare import compare, grades_before, regrade, rubric_of
from grader.batch.journal import JOURNAL_NAME, JournalError, read_journal
from grader.course import load_course
from grader.grading.rubric import load_rubric
from grader.publish import publish_class, publish_student
from grader.report.changes import changes_page
from grader.report.console import open_console, print_page
from grader.report.grades import class_page


def rescore(
    out: Annotated[Path, typer.Argument(help="The folder that grade wrote.")],
    rubric: Annotated[
        Path | None, typer.Option(help="The new rubric; without it, the one in the folder.")
    ] = None,
) -> None:
    """Make the grades in a folder anew from its outcomes, and print old against new."""
    course = load_course()
    past = read_journal(out)
    if past.run is None:
        raise JournalError(f"{out} holds no {JOURNAL_NAME}: name the folder that grade wrote")
    rules = load_rubric(rubric) if rubric is not None else rubric_of(out)
    seen = past.evidence()
    tests = {o.test for one in seen for run in one.runs for o in run.chosen.outcomes}
    rules.check_names(tests, [one.entry for one in seen])
    before = grades_before(out, course)
    grades = regrade(past, rules, course)
    for grade in grades:
        publish_student(out, course, grade)
    publish_class(out, course, grades, rules)
    console = open_console()
    print_page(console, class_page(grades))
    print_page(console, changes_page(compare(before, grades)))
