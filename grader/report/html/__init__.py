"""The reports as web pages: `report.html` for a student, `index.html` for an instructor.

Each page is one file that asks the network for nothing and works without its script. All text on it
goes through one door, `render.py`, where it is made safe. Models of pages are plain data made from
grades; nothing here runs code, computes a score or knows a hidden test's values.
"""

from grader.report.html.write import write_class_report, write_student_report

__all__ = ["write_class_report", "write_student_report"]
