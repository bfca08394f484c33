"""What GitHub Classroom's reporter reads: its sums, and its log."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.export.classroom import encode_classroom
from grader.grading.model import Adjustment
from grader.tests.make_exports import SECRET, adjusted, nasty, small_class
from grader.tests.make_outcomes import graded, marks, outcome, rejected, runs, stage1, unit


def read(grade):
    return json.loads(encode_classroom(grade))


def test_a_grade_word_for_word():
    found = read(small_class()[1])
    tests = found.pop("tests")
    assert found == {"version": 1, "status": "fail", "max_score": 100.0, "message": ""}
    assert [(t["name"], t["status"], t["score"], t["max_score"]) for t in tests] == [
        ("Stage 1: set works", "pass", 3.57, 3.571429),
        ("Stage 1: get works", "fail", 0.0, 7.142857),
        ("Stage 1: threads works", "pass", 25.0, 25.0),
        ("Stage 2: torn works", "pass", 20.0, 20.0),
        ("Stage 2: parse works", "pass", 7.5, 7.5),
        ("Stage 2: errors works", "pass", 7.5, 7.5),
        ("Stage 1: quality, style", "fail", 5.0, 7.5),
        ("Stage 2: quality, style", "pass", 7.5, 7.5),
        ("Stage 1: hidden tests, torn tail", "fail", 7.14, 14.285714),
        ("Adjustment: late: 1 day", "fail", -10.0, 0.0),
    ]
    assert tests[-2]["message"] == "torn tail: 1 of 2 hidden tests passed"


@given(
    worth=st.lists(st.sampled_from([0.0, 0.1, 0.5, 1.0, 3.0, 7.0]), max_size=30),
    passing=st.randoms(use_true_random=False),
    quality=st.floats(0, 1),
    late=st.integers(-50, 5),
)
def test_the_reporter_s_sum_is_the_score(worth, passing, quality, late):
    more = [
        outcome(1, f"more{i}", "correctness", points, passing.choice(["passed", "failed"]))
        for i, points in enumerate(worth)
    ]
    first = unit(1, *stage1().outcomes, *more)
    grade = graded("x", runs=tuple(runs(first)), quality=tuple(marks(quality)))
    grade = adjusted(grade, Adjustment("late", late))
    tests = read(grade)["tests"]
    assert round(sum(test["score"] for test in tests), 2) == grade.score
    assert round(sum(test["max_score"] for test in tests), 5) == 100


def test_how_thorough_a_failed_visible_test_was_is_told():
    note = "12 of 40 states of the disk were opened."
    bad = outcome(1, "bad", "persistence", 1.0, "failed", note=note)
    found = read(graded("x", runs=tuple(runs(unit(1, *stage1().outcomes, bad)))))
    (told,) = [test for test in found["tests"] if test["name"] == "Stage 1: bad works"]
    assert told["message"] == f"failed\n{note}"


def test_full_marks_are_a_pass():
    found = read(graded("x"))
    assert found["status"] == "pass"
    assert {test["status"] for test in found["tests"]} == {"pass"}


def test_a_rejected_submission_is_an_error():
    found = read(rejected("x", "no package"))
    assert (found["status"], found["message"]) == ("error", "no package")
    assert [(test["status"], test["score"]) for test in found["tests"]] == [("error", 0.0)]


def test_nothing_of_a_hidden_test_is_said():
    grade = msgspec.structs.replace(small_class()[1], problem=SECRET, flags=(SECRET,))
    assert SECRET.encode() not in encode_classroom(grade)
    assert "not your fault" in read(grade)["message"]


@pytest.mark.parametrize("forbidden", ["::", "##[", "\x1b", "\x00", "\u202e"])
def test_nothing_in_the_log_is_a_command(forbidden):
    found = read(nasty())
    texts = [
        found["message"],
        *(test[key] for test in found["tests"] for key in ("name", "message")),
    ]
    assert any("calc" in text for text in texts)
    assert [text for text in texts if forbidden in text] == []
