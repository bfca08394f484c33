"""A grade as GitHub Classroom's autograding reporter reads it: `classroom.json`.

The reporter takes this JSON, in base64, from an environment variable of each of its runners; it
adds up `max_score` and the tests' `score`, prints the tests by name, and takes `status` for the
whole run's. The format is that of Exercism's test runners with scores; read from
https://github.com/classroom-resources/autograding-grading-reporter (src/main.js,
src/notify-classroom.js) and https://exercism.org/docs/building/tooling/test-runners/interface.
Students read it, so hidden tests are told by topic.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from grader.export.failures import outcome_lines
from grader.export.gradescope import mark_output
from grader.export.rows import Row, Topic, ending, hidden_topics, make_rows, student_problem
from grader.grading.model import FULL_SCORE, Grade
from grader.report.words import plain

_VERSION = 1
_CENTS = 100

Result = Literal["pass", "fail", "error"]


class ClassroomTest(msgspec.Struct, frozen=True):
    """One entry of `tests`; `message` is empty for a pass, `score` is of the 100."""

    name: str
    status: Result
    score: float
    max_score: float
    message: str = ""


class Classroom(msgspec.Struct, frozen=True):
    """The whole file; `status` is "error" when there was nothing to grade."""

    version: int
    status: Result
    max_score: float
    tests: tuple[ClassroomTest, ...]
    message: str = ""


def make_classroom(grade: Grade) -> Classroom:
    """Turn a grade into what the reporter reads; the tests' scores add up to the grade's score."""
    problem = _harmless(student_problem(grade))
    rows = make_rows(grade)
    if not rows:
        refused = ClassroomTest("The submission can be graded", "error", 0.0, FULL_SCORE, problem)
        return Classroom(_VERSION, "error", FULL_SCORE, (refused,), problem)
    tests = [_visible(row) for row in rows if not row.is_hidden]
    tests += [_hidden(topic) for topic in hidden_topics(rows)]
    tests += [
        ClassroomTest(f"Adjustment: {one.reason}", _result(one.points >= 0), one.points, 0.0)
        for one in grade.adjustments
    ]
    whole = _result(all(test.status == "pass" for test in tests))
    said = tuple(_for_a_log(test) for test in _in_cents(tests, grade))
    return Classroom(_VERSION, whole, FULL_SCORE, said, problem)


def encode_classroom(grade: Grade) -> bytes:
    """The bytes of `classroom.json`: UTF-8, indented, with a final newline."""
    return msgspec.json.format(msgspec.json.encode(make_classroom(grade)), indent=2) + b"\n"


def _visible(row: Row) -> ClassroomTest:
    name = f"Stage {row.stage}: {row.title}"
    result = _result(row.has_passed)
    return ClassroomTest(name, result, row.score, row.max_score, _message(row))


def _message(row: Row) -> str:
    if row.has_passed:
        return ""
    if row.mark is not None:
        return mark_output(row.mark)
    assert row.outcome is not None
    return "\n".join((ending(row.outcome), *outcome_lines(row.outcome)))


def _hidden(topic: Topic) -> ClassroomTest:
    name = f"Stage {topic.stage}: hidden tests, {topic.name}"
    whole = topic.passed == topic.total
    message = "" if whole else topic.said
    return ClassroomTest(name, _result(whole), topic.score, topic.max_score, message)


def _result(passed: object) -> Result:
    return "pass" if passed else "fail"


def _for_a_log(test: ClassroomTest) -> ClassroomTest:
    return msgspec.structs.replace(test, name=_harmless(test.name), message=_harmless(test.message))


def _harmless(text: str) -> str:
    """The reporter prints messages to the workflow's log, where `::` and `##[` give commands."""
    return plain(text).replace("::", ": :").replace("##[", "## [")


def _in_cents(tests: Iterable[ClassroomTest], grade: Grade) -> Iterable[ClassroomTest]:
    """Round each score to cents so that all of them add up to the grade's score to the cent."""
    listed = list(tests)
    exact, dealt = 0.0, 0
    for number, test in enumerate(listed, start=1):
        exact += test.score
        until = round((grade.score if number == len(listed) else exact) * _CENTS)
        yield msgspec.structs.replace(test, score=(until - dealt) / _CENTS)
        dealt = until
