"""Whose submission it is: one student, or a group as one `Student`, with "; " between its members.

A submission has one grade whoever wrote it, so it has one `Student`; every table and report shows
the whole group without knowing of groups, and a gradebook takes it apart again with `members`.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest

from grader.grading.model import Student

__all__ = ["Student", "group", "members"]

_BETWEEN = "; "


def group(students: Iterable[Student]) -> Student:
    """Return the students as one; nobody is a `Student` without anything."""
    listed = [
        Student(_whole(student.id), _whole(student.email), _whole(student.name))
        for student in students
    ]
    if len(listed) <= 1:
        return listed[0] if listed else Student()
    return Student(
        id=_BETWEEN.join(student.id for student in listed),
        email=_BETWEEN.join(student.email for student in listed),
        name=_BETWEEN.join(student.name for student in listed),
    )


def members(student: Student) -> list[Student]:
    """Return the members of a group one by one; a single student is a group of one."""
    fields = (student.id, student.email, student.name)
    columns = (text.split(_BETWEEN) for text in fields)
    return [Student(*row) for row in zip_longest(*columns, fillvalue="")]


def _whole(text: str) -> str:
    """A name must not look like two; white space within it is one blank."""
    return " ".join(text.replace(";", ",").split())
