"""The class as Canvas's gradebook imports it: `canvas.csv`.

Columns, their order and the row "Points Possible" as Canvas itself reads them
(`lib/gradebook_importer.rb` in https://github.com/instructure/canvas-lms). It looks a student up by
ID (its own, unknown here), then by SIS User ID, by SIS Login ID, and by name. A byte order mark
would be a part of the first header, so there is none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from grader.export.table import encode_table
from grader.grading.model import FULL_SCORE, Grade
from grader.students import members

_HEADER = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
_POINTS_POSSIBLE = "Points Possible"


def encode_canvas(grades: Sequence[Grade], assignment: str) -> bytes:
    """One row a student, also of a group; `assignment` is the column's name in the gradebook."""
    rows = [
        (_name(student.name or grade.submission), "", student.id, student.email, "", grade.score)
        for grade in grades
        for student in members(grade.entry.student)
    ]
    possible = (f"    {_POINTS_POSSIBLE}", "", "", "", "", FULL_SCORE)
    return encode_table((*_HEADER, assignment), [possible, *rows])


def _name(name: str) -> str:
    """A student may not be called as the row that says how much there is to earn."""
    return re.sub("Points (?=Possible)", "Points_", name)
