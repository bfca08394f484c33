"""Grades for other programs to read: learning platforms, spreadsheets, and what shows test results.

One file a format, each of them pure functions from grades to bytes; only `write.py` touches the
disk. What a student may see says of hidden tests how many passed, by topic, and nothing else.
"""

from grader.export.write import write_class_exports, write_student_exports

__all__ = ["write_class_exports", "write_student_exports"]
