"""Grades as JUnit XML, which continuous integration and editors show: `junit.xml`.

Elements and attributes are those of the schema of Jenkins's xUnit plugin (`junit-10.xsd` in
https://github.com/jenkinsci/xunit-plugin): a `testsuite` for each stage, a `testcase` for each test
and each quality mark. In the student's file hidden tests are one case for each topic; the class's
file is the instructor's and names them all, with the reason of a failure and no more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from xml.etree import ElementTree as ET

from grader.export.failures import failure_lines
from grader.export.gradescope import mark_output
from grader.export.rows import Row, Topic, ending, hidden_topics, make_rows, student_problem
from grader.grading.model import Grade
from grader.outcome import Outcome
from grader.report.words import plain

_DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'
_NO_STAGE = "intake"
# What XML 1.0 allows nowhere, written as a reference neither (W3C, XML 1.0, section 2.2).
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def encode_student_junit(grade: Grade) -> bytes:
    """The file about one submission, for its student."""
    rows = make_rows(grade)
    if not rows:
        return _document([_rejected(grade, _NO_STAGE, student_problem(grade))])
    suites = []
    for stage in _stages(rows):
        mine = [row for row in rows if row.stage == stage]
        cases = [_case(row, _told_in_full(row)) for row in mine if not row.is_hidden]
        cases += [_hidden_case(topic) for topic in hidden_topics(mine)]
        suites.append(_suite(f"stage {stage}", cases))
    return _document(suites)


def encode_class_junit(grades: Iterable[Grade]) -> bytes:
    """The file about a class, for its instructor."""
    return _document(suite for grade in grades for suite in _suites_of(grade))


def _suites_of(grade: Grade) -> Iterator[ET.Element]:
    rows = make_rows(grade)
    if not rows:
        yield _rejected(grade, f"{grade.submission}: {_NO_STAGE}", grade.problem)
    for stage in _stages(rows):
        cases = [_case(row, _reason(row)) for row in rows if row.stage == stage]
        yield _suite(f"{grade.submission}: stage {stage}", cases)


def _document(suites: Iterable[ET.Element]) -> bytes:
    """A class has many thousand cases, so each suite becomes text before the next is made."""
    lines = []
    for suite in suites:
        ET.indent(suite, level=1)
        lines.append(b"  " + ET.tostring(suite, encoding="utf-8", xml_declaration=False) + b"\n")
    return b"".join((_DECLARATION, b"<testsuites>\n", *lines, b"</testsuites>\n"))


def _stages(rows: Iterable[Row]) -> list[int]:
    return sorted({row.stage for row in rows})


def _suite(name: str, cases: Sequence[ET.Element]) -> ET.Element:
    def count(tag: str) -> str:
        return str(sum(case.find(tag) is not None for case in cases))

    suite = _element(
        "testsuite",
        name=name,
        tests=str(len(cases)),
        failures=count("failure"),
        errors=count("error"),
        skipped=count("skipped"),
        time=f"{sum(float(case.get('time', '0')) for case in cases):.3f}",
    )
    suite.extend(cases)
    return suite


def _case(row: Row, text: str) -> ET.Element:
    if row.mark is not None:
        case = _element("testcase", classname=f"stage{row.stage}.quality", name=row.title)
        if row.share < 1.0:
            _add(case, "failure", "quality", f"{row.mark.earned:.2f} of {row.points:g}", text)
        return case
    assert row.outcome is not None
    outcome = row.outcome
    kind = "hidden" if outcome.hidden else row.suite
    case = _element(
        "testcase",
        classname=f"stage{row.stage}.{kind}",
        name=outcome.name,
        time=f"{outcome.seconds:.3f}",
    )
    if outcome.status != "passed":
        tag = {"error": "error", "skipped": "skipped"}.get(outcome.status, "failure")
        _add(case, tag, outcome.status, _message(outcome), text)
    if outcome.note:
        ET.SubElement(case, "system-out").text = _allowed(outcome.note)
    return case


def _hidden_case(topic: Topic) -> ET.Element:
    case = _element("testcase", classname=f"stage{topic.stage}.hidden", name=topic.name)
    if topic.passed < topic.total:
        _add(case, "failure", "hidden", topic.said, "")
    return case


def _rejected(grade: Grade, name: str, problem: str) -> ET.Element:
    case = _element("testcase", classname=_NO_STAGE, name="The submission can be graded")
    _add(case, "failure", "rejected", problem, "")
    return _suite(name, [case])


def _message(outcome: Outcome) -> str:
    return f"{outcome.title or outcome.name}: {ending(outcome)}"


def _told_in_full(row: Row) -> str:
    if row.mark is not None:
        return mark_output(row.mark)
    failure = row.outcome.failure if row.outcome is not None else None
    return "\n".join(failure_lines(failure)) if failure is not None else ""


def _reason(row: Row) -> str:
    failure = row.outcome.failure if row.outcome is not None else None
    return failure.reason if failure is not None else ""


def _add(case: ET.Element, tag: str, kind: str, message: str, text: str) -> None:
    child = _element(tag, type=kind, message=message)
    child.text = _allowed(text)
    case.append(child)


def _element(tag: str, **attributes: str) -> ET.Element:
    return ET.Element(tag, {name: _allowed(value) for name, value in attributes.items()})


def _allowed(text: str) -> str:
    """A text with what XML forbids, or a terminal would obey, spelled out."""
    return _FORBIDDEN.sub(lambda char: char[0].encode("unicode_escape").decode(), plain(text))
