"""The class as Moodle imports grades: `moodle.csv`, for either of its two importers.

*Grades, Import, CSV file* maps columns by hand: "Email address" or "ID number" to the user, "Grade"
and "Feedback comments" to the assignment (`grade/import/csv/classes/load_data.php`). The
assignment's own *Upload grading worksheet* goes by the columns "Identifier", "Grade" and "Last
modified (grade)" (`mod/assign/feedback/offline/importgradeslib.php`), both in
https://github.com/moodle/moodle. Its identifier, "Participant 12345", is known from a Moodle
download. Feedback is HTML there and students read it: what comes from a submission is escaped, and
of hidden tests it says how many passed, by topic. Moodle needs no byte order mark.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from grader.export.rows import hidden_topics, make_rows, student_problem
from grader.export.table import encode_table
from grader.grading.model import Grade
from grader.report.figures import below
from grader.report.words import number, plain
from grader.students import Student, members

_HEADER = (
    "Identifier",
    "Full name",
    "ID number",
    "Email address",
    "Grade",
    "Last modified (grade)",
    "Feedback comments",
)
_PARTICIPANT = re.compile(r"Participant \d+", re.ASCII)


def encode_moodle(grades: Sequence[Grade]) -> bytes:
    """One row a student, also of a group; each gets the whole grade."""
    rows = [
        (*_who(student, grade), grade.score, "", _feedback(grade))
        for grade in grades
        for student in members(grade.entry.student)
    ]
    return encode_table(_HEADER, rows)


def _who(student: Student, grade: Grade) -> tuple[str, str, str, str]:
    name = student.name or grade.submission
    if _PARTICIPANT.fullmatch(student.id):
        return student.id, name, "", student.email
    return "", name, student.id, student.email


def _feedback(grade: Grade) -> str:
    """What the student reads: both axes, hidden tests by topic, and what a human or a date did."""
    problem = student_problem(grade)
    lines = [problem] if problem else []
    lines += [
        f"{suite}: {below(grade.suite_score(suite), weight, 2)} of {number(weight)}"
        for suite, weight in grade.weights.items()
        if weight and grade.runs
    ]
    topics = hidden_topics(make_rows(grade))
    lines += [f"stage {t.stage}, {t.said}" for t in topics if t.passed < t.total]
    lines += [f"{one.reason}: {one.points:+g}" for one in grade.adjustments]
    return "<br>".join(html.escape(plain(line)) for line in lines)
