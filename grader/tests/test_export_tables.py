"""The class as CSV: for spreadsheets, for Canvas and for Moodle."""

import codecs
import csv
import io

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.export.canvas import encode_canvas
from grader.export.class_table import encode_class_table
from grader.export.moodle import encode_moodle
from grader.export.table import encode_table
from grader.grading.model import Entry, Student
from grader.tests.make_exports import NASTY, SECRET, nasty, small_class
from grader.tests.make_outcomes import graded, runs, stage1, unit

ENCODERS = {
    "class": encode_class_table,
    "canvas": lambda grades: encode_canvas(grades, NASTY),
    "moodle": encode_moodle,
}


def read(data):
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))


def columns(data, *names):
    header, *rows = read(data)
    return [tuple(row[header.index(name)] for name in names) for row in rows]


def test_the_class_table_word_for_word():
    data = encode_class_table(small_class())
    assert data.startswith(codecs.BOM_UTF8)
    assert read(data) == [
        [
            *("submission", "student_id", "email", "name", "submitted", "score", "raw_score"),
            *("correctness", "concurrency", "persistence", "protocol", "quality"),
            *("stage1_percent", "stage2_percent"),
            *("passed", "failed", "timeout", "crashed", "skipped", "error"),
            *("adjustment", "adjustments", "flags", "problem", "ignored", "carried_stages"),
            *("seed", "isolation", "seconds", "digest", "grader_version"),
        ],
        [
            *("alice", "100", "alice@example.edu", "Alice A", "2026-11-20T12:00:00+00:00"),
            *("100.0", "100.0", "25.0", "25.0", "20.0", "15.0", "15.0", "100.0", "100.0"),
            *("6", "0", "0", "0", "0", "0", "0.0", "", "", "", "", ""),
            *("123", "bubblewrap", "61.3", "0a", "0.1.0"),
        ],
        [
            *("bob", "101; 102", "bob@example.edu; carol@example.edu", "Bob B; Carol C", ""),
            *("73.21", "83.21", "10.71", "25.0", "20.0", "15.0", "12.5", "66.67", "100.0"),
            *("6", "2", "0", "0", "0", "0", "-10.0", "late: 1 day (-10)", "", "", "", ""),
            *("123", "bubblewrap", "0.0", "0b", "0.1.0"),
        ],
        [
            *("dave", "", "", "", "", "0.0", "0.0"),
            *("0.0", "0.0", "0.0", "0.0", "0.0", "0.0", "0.0"),
            *("0", "0", "0", "0", "0", "0", "0.0", "", "", "no package in <it>", "", ""),
            *("123", "nothing ran", "0.0", "", "0.1.0"),
        ],
    ]


def test_canvas_word_for_word():
    assert encode_canvas(small_class(), "Key-value store").decode() == (
        "Student,ID,SIS User ID,SIS Login ID,Section,Key-value store\r\n"
        "    Points Possible,,,,,100.0\r\n"
        "Alice A,,100,alice@example.edu,,100.0\r\n"
        "Bob B,,101,bob@example.edu,,73.21\r\n"
        "Carol C,,102,carol@example.edu,,73.21\r\n"
        "dave,,,,,0.0\r\n"
    )


def test_nobody_is_called_points_possible():
    """Canvas takes any row whose first cell holds these words for the one that says the maximum."""
    grade = graded("x", entry=Entry("x", student=Student(name="Mr Points Possible")))
    rows = read(encode_canvas([grade], "A"))
    assert [row[0] for row in rows if "Points Possible" in row[0]] == ["    Points Possible"]


def test_moodle_word_for_word():
    suites = "concurrency: 25.00 of 25<br>persistence: 20.00 of 20<br>protocol: 15.00 of 15"
    full = f"correctness: 25.00 of 25<br>{suites}<br>quality: 15.00 of 15"
    short = f"correctness: 10.71 of 25<br>{suites}<br>quality: 12.50 of 15"
    hidden = "<br>stage 1, torn tail: 1 of 2 hidden tests passed<br>late: 1 day: -10"
    assert encode_moodle(small_class()).decode() == (
        "Identifier,Full name,ID number,Email address,Grade,Last modified (grade),"
        "Feedback comments\r\n"
        f",Alice A,100,alice@example.edu,100.0,,{full}\r\n"
        f',Bob B,101,bob@example.edu,73.21,,"{short}{hidden}"\r\n'
        f',Carol C,102,carol@example.edu,73.21,,"{short}{hidden}"\r\n'
        ",dave,,,0.0,,no package in &lt;it&gt;\r\n"
    )


def test_moodle_s_participant_is_its_identifier():
    student = Student("Participant 12", "", "Alice A")
    grade = graded("x", entry=Entry("x", student=student))
    assert columns(encode_moodle([grade]), "Identifier", "ID number") == [("Participant 12", "")]


def test_students_read_nothing_of_a_hidden_test():
    assert SECRET not in encode_moodle(small_class()).decode()


def test_the_instructor_s_problem_is_not_the_student_s():
    grade = msgspec.structs.replace(graded("x"), problem=f"failed in {SECRET}")
    assert SECRET not in encode_moodle([grade]).decode()
    assert "not your fault" in encode_moodle([grade]).decode()
    assert SECRET in encode_class_table([grade]).decode()


def test_less_than_all_is_never_shown_as_all():
    outcomes = stage1("get").outcomes
    nearly = tuple(
        msgspec.structs.replace(o, points=1e-4 if o.status == "failed" else o.points)
        for o in outcomes
    )
    table = encode_class_table([graded("x", runs=tuple(runs(unit(1, *nearly))))])
    assert columns(table, "correctness", "stage1_percent") == [("24.99", "99.99")]


@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_class_of_nobody_is_a_table(encoder):
    assert len(read(ENCODERS[encoder]([]))) == (2 if encoder == "canvas" else 1)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_hostile_text_stays_in_its_cell_and_is_no_formula(encoder):
    data = ENCODERS[encoder]([nasty()])
    rows = read(data)
    assert len({len(row) for row in rows}) == 1
    assert data.count(b"\r\n") == data.count(b"\n") == len(rows)
    assert all(byte >= 0x20 or byte in b"\r\n" for byte in data)
    assert "\u202e" not in data.decode()
    cells = [cell for row in rows for cell in row]
    assert any("cmd|" in cell for cell in cells)
    assert [cell for cell in cells if cell.lstrip()[:1] in tuple("=+@")] == []


def test_moodle_s_feedback_is_html_and_holds_no_other():
    ((feedback,),) = columns(encode_moodle([nasty()]), "Feedback comments")
    assert "<" not in feedback.replace("<br>", "")


@pytest.mark.parametrize("sign", list("=+-@\uff1d\uff0b\uff0d\uff20"))
@pytest.mark.parametrize("before", ["", " ", ";", "a; ", "a,"])
def test_a_sign_where_a_cell_may_begin_gets_an_apostrophe(sign, before):
    ((cell,),) = read(encode_table([f"{before}{sign}1"], []))
    assert cell == f"{before}'{sign}1"


def test_numbers_stay_numbers():
    assert encode_table(["n"], [[-1.5], [3], ["-1.5"]]) == b"n\r\n-1.5\r\n3\r\n'-1.5\r\n"


@given(st.lists(st.text(), min_size=1, max_size=3))
def test_any_text_is_one_row_that_reads_back(cells):
    ((*read_back,),) = read(encode_table(cells, []))
    assert len(read_back) == len(cells)
    assert all(cell.isprintable() or "\x00" not in cell for cell in read_back)
