"""JUnit XML: well-formed whatever the texts, and silent about hidden tests to students."""

from xml.etree import ElementTree as ET

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from grader.export.junit import encode_class_junit, encode_student_junit
from grader.tests.make_exports import SECRET, failure, nasty, small_class
from grader.tests.make_outcomes import graded, outcome, rejected, runs, stage1, unit


def test_the_student_s_file_word_for_word():
    assert (
        encode_student_junit(small_class()[1]).decode()
        == """\
<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="stage 1" tests="5" failures="3" errors="0" skipped="0" time="3.000">
    <testcase classname="stage1.correctness" name="test_set" time="1.000" />
    <testcase classname="stage1.correctness" name="test_get" time="1.000">
      <failure type="failed" message="get works: failed" />
    </testcase>
    <testcase classname="stage1.concurrency" name="test_threads" time="1.000" />
    <testcase classname="stage1.quality" name="quality, style">
      <failure type="quality" message="0.67 of 1">0.67 of 1
measured 1.00 of 1, scaled by the 8 of 12 test points that the stage earned</failure>
    </testcase>
    <testcase classname="stage1.hidden" name="torn tail">
      <failure type="hidden" message="torn tail: 1 of 2 hidden tests passed" />
    </testcase>
  </testsuite>
  <testsuite name="stage 2" tests="4" failures="0" errors="0" skipped="0" time="3.000">
    <testcase classname="stage2.persistence" name="test_torn" time="1.000" />
    <testcase classname="stage2.protocol" name="test_parse" time="1.000" />
    <testcase classname="stage2.protocol" name="test_errors" time="1.000" />
    <testcase classname="stage2.quality" name="quality, style" />
  </testsuite>
</testsuites>
"""
    )


def test_the_class_s_file_has_a_suite_for_each_submission_and_stage():
    root = ET.fromstring(encode_class_junit(small_class()))
    names = [(suite.get("name"), suite.get("tests"), suite.get("failures")) for suite in root]
    assert names == [
        ("alice: stage 1", "4", "0"),
        ("alice: stage 2", "4", "0"),
        ("bob: stage 1", "6", "3"),
        ("bob: stage 2", "4", "0"),
        ("dave: intake", "1", "1"),
    ]
    assert root.find(".//testcase[@classname='stage1.hidden']/failure").text == SECRET


def test_every_status_is_told_apart():
    statuses = ["failed", "timeout", "crashed", "skipped", "error"]
    more = [outcome(1, status, "correctness", 1.0, status) for status in statuses]
    grade = graded("x", runs=tuple(runs(unit(1, *stage1().outcomes, *more))))
    suite = ET.fromstring(encode_class_junit([grade]))[0]
    told = [(child.tag, child.get("type")) for case in suite for child in case]
    assert told == [
        ("failure", "failed"),
        ("failure", "timeout"),
        ("failure", "crashed"),
        ("skipped", "skipped"),
        ("error", "error"),
        ("failure", "quality"),
    ]
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "9", "failures": "4", "errors": "1", "skipped": "1"}


def test_how_thorough_a_test_was_is_told_and_to_students_of_visible_ones_only():
    note = "all \x1b\ufffe of 41 states were opened."
    tests = [
        outcome(1, name, "persistence", 1.0, status, note=note, hidden=name == "hidden")
        for name, status in (("good", "passed"), ("bad", "failed"), ("hidden", "passed"))
    ]
    found = graded("x", runs=tuple(runs(unit(1, *stage1().outcomes, *tests))))
    for encoded, names in (
        (encode_student_junit(found), ["test_good", "test_bad"]),
        (encode_class_junit([found]), ["test_good", "test_bad", "test_hidden"]),
    ):
        told = ET.fromstring(encoded).findall(".//testcase[system-out]")
        assert [case.get("name") for case in told] == names
        for case in told:
            assert case.findtext("system-out") == "all \\x1b\\ufffe of 41 states were opened."


def test_a_visible_failure_is_told_in_full_to_its_student():
    bad = outcome(1, "bad", "correctness", 1.0, "failed", failure=failure("told"))
    grade = graded("x", runs=tuple(runs(unit(1, *stage1().outcomes, bad))))
    text = ET.fromstring(encode_student_junit(grade)).find(".//failure[@type='failed']").text
    assert text.splitlines() == [
        "told",
        "What was done:",
        "  1. told → told",
        "  2. told",
        "Expected: told told",
        "Came back: told",
        "In your code:",
        "  told:1 in told: told",
        "Your code printed:",
        "told",
    ]


def test_the_student_s_file_says_nothing_of_a_hidden_test():
    grade = msgspec.structs.replace(small_class()[1], problem=SECRET, flags=(SECRET,))
    assert SECRET.encode() not in encode_student_junit(grade)


def test_a_rejected_submission_is_one_failed_case():
    (suite,) = ET.fromstring(encode_student_junit(rejected("x", "no package")))
    assert suite[0][0].get("message") == "no package"


def test_hostile_text_makes_no_elements():
    for data in (encode_student_junit(nasty()), encode_class_junit([nasty()])):
        tags = {element.tag for element in ET.fromstring(data).iter()}
        assert tags == {"testsuites", "testsuite", "testcase", "failure"}
        assert all(byte >= 0x20 or byte in b"\n\t" for byte in data)
        assert rb"\x00\x1b[2J\u202e" in data


@given(st.text())
def test_any_text_is_xml(text):
    grade = rejected("x", text)
    (suite,) = ET.fromstring(encode_student_junit(grade))
    assert suite[0][0].get("message") is not None


def test_no_submission_is_no_suite():
    assert len(ET.fromstring(encode_class_junit([]))) == 0
