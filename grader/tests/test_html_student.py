"""A student's page: what it says, in which order, and what a failure looks like on it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from grader.course import load_course
from grader.grading.model import Adjustment, Entry, Grade, QualityMark, Student
from grader.outcome import Comparison, Failure, Frame, Status, Step
from grader.report.html import write_student_report
from grader.report.html.links import Docs, Link
from grader.testkit import formats
from grader.tests.make_outcomes import graded, outcome, rejected, runs, stage1, stage2, unit
from grader.tests.make_pages import COURSE, HINTS, graded_with, more, student_page
from grader.tests.read_page import Page

FAILURE = Failure(
    "raised CorruptLogError: bad checksum",
    steps=(Step("wal = WAL('wal-1.log')", "wal"), Step("3 bytes are cut off wal-1.log")),
    frames=(Frame("wal.py", 57, "replay", '    raise CorruptLogError("bad checksum")'),),
    printed="frame 0 ok\nframe 1 bad\n",
)
ENTRY = formats.entry(formats.SET, 1_700_000_000_000_000_000, "user:1", b"hello world")


def failing(failure: Failure, status: Status = "failed") -> Page:
    return student_page(graded_with(more("cut", failure=failure, status=status)))


def next_steps(page: Page) -> str:
    """The text of the part that says what to do next."""
    return page.text.partition("What to do next")[2].partition("Score")[0].strip()


def test_the_score_stands_beside_the_name() -> None:
    grade = graded(entry=Entry("sub-1", student=Student("s123", "ada@example.org", "Ada L.")))
    page = student_page(grade)
    assert page.headings[0] == "Ada L."
    assert "A course Ada L. 100.00 of 100 s123 · ada@example.org Everything passes" in page.text
    assert "<title>sub-1: 100.00 of 100</title>" in page.html
    assert "What went wrong" not in page.text
    assert "What to do next" not in page.text


def test_both_axes_are_tables_with_bars() -> None:
    page = student_page(graded(runs=tuple(runs(stage1("set")))))
    assert "Correctness 16.67 of 25 2 of 3" in page.text
    assert "Concurrency 25.00 of 25 5 of 5" in page.text
    assert "1 Foundation 87 % 7.88 of 9" in page.text
    assert "2 Log 100 % 11 of 11" in page.text
    assert ("rect", "width", "66.67") in page.attributes


def test_only_full_marks_read_as_full_marks() -> None:
    grade = graded(runs=tuple(runs(stage1("set"))))
    suites = {**grade.suites, "correctness": type(grade.suites["correctness"])(2.9999, 3.0)}
    text = student_page(msgspec.structs.replace(grade, suites=suites)).text
    assert "Correctness 24.99 of 25 2.99 of 3" in text


def test_adjustments_come_with_their_reasons() -> None:
    late = (Adjustment("late: 1 day", -10.0), Adjustment("well named", 2.5))
    grade = msgspec.structs.replace(graded(), adjustments=late, score=92.5)
    expected = (
        "Tests and quality 100.00 late: 1 day \N{MINUS SIGN}10.00 well named +2.50 Score 92.50"
    )
    assert expected in student_page(grade).text


def test_a_failure_is_told_from_what_was_done_to_what_helps() -> None:
    text = failing(FAILURE).text
    expected = (
        "1. cut works failed · persistence · \N{MINUS SIGN}4.00 "
        "Raised CorruptLogError: bad checksum "
        "What was done wal = WAL('wal-1.log') →gave wal 3 bytes are cut off wal-1.log "
        'In your code kvstore/wal.py:57 in replay raise CorruptLogError("bad checksum") '
        "What your code printed frame 0 ok frame 1 bad "
        "Hint: Torn tails. Which? If that is not enough An idea Almost the answer Do it "
        "Read on: stages/stage2_log/README.md#cut "
        "Run it alone: nox -s stage2 -- -k test_cut --seed 123 "
        "tests/test_all.py::test_cut"
    )
    assert expected in text


def test_the_next_steps_lead_to_the_line_and_the_command() -> None:
    page = failing(FAILURE)
    assert "6 of 7 tests pass. Go on in stage 2, Log, where 4.00 of the 100" in page.text
    assert next_steps(page) == (
        "Read what went wrong: cut works failure 1 "
        'Open kvstore/wal.py:57 in replay: raise CorruptLogError("bad checksum") '
        "Run: nox -s stage2 -- -k test_cut --seed 123"
    )
    assert "#failure-1" in page.links
    assert "failure-1" in page.ids


def test_the_earliest_stage_comes_first_and_in_it_the_dearest() -> None:
    first = unit(
        1,
        *stage1().outcomes,
        more("cheap", "correctness", 1, failure=Failure("a")),
        more("dear", "correctness", 1, failure=Failure("b"), points=2.0),
    )
    grade = graded(runs=tuple(runs(first, stage2("torn"))))
    page = student_page(grade)
    assert next_steps(page).startswith("Read what went wrong: dear works failure 1 Open this")
    titles = [title for title in page.headings if "works" in title]
    assert titles == ["1. dear works", "2. cheap works", "3. torn works"]


def test_without_frames_the_file_is_the_one_that_the_tests_are_named_after() -> None:
    lost = more("x", failure=Failure("no"))
    lost = msgspec.structs.replace(lost, test="stage2_log/tests/test_wal.py::test_x")
    assert "kvstore/wal.py Run:" in next_steps(student_page(graded_with(lost)))
    lost = msgspec.structs.replace(lost, test="stage2_log/tests/test_both.py::test_x")
    assert "kvstore/wal.py, kvstore/frame.py Run:" in next_steps(student_page(graded_with(lost)))


def test_expected_and_got_stand_side_by_side() -> None:
    page = failing(Failure("", comparison=Comparison("==", "b'1'", "b'2'")))
    assert "Expected b'1' Came back b'2'" in page.text
    assert {("div", "class", "want"), ("div", "class", "got")} <= set(page.attributes)


def test_bytes_are_dumped_around_their_first_difference() -> None:
    actual = ENTRY[:13] + b"\x03" + ENTRY[14:]
    comparison = Comparison("==", repr(ENTRY), repr(actual), ENTRY, actual)
    html = failing(Failure("", comparison=comparison)).html
    assert "first difference at byte 13, in key_len of the entry at 0" in html
    assert (
        '<span class="label">want</span>    8  fe 36 2a 00 00 <span class="want">00</span> 00 00'
        in html
    )
    assert (
        '<span class="label">got </span>    8  fe 36 2a 00 00 <span class="got">03</span> 00 00'
        in html
    )
    assert f'{" " * 26}<span class="caret">^^</span>' in html
    assert "Came back" not in html


@pytest.mark.parametrize(
    ("status", "words"), [("timeout", "It was stopped"), ("crashed", "was gone before")]
)
def test_a_timeout_and_a_crash_are_explained(status: Status, words: str) -> None:
    assert words in failing(Failure("set did not return"), status).text


def test_failures_with_one_cause_are_told_once() -> None:
    page = student_page(graded_with(more("a", failure=FAILURE), more("b", failure=FAILURE)))
    assert page.text.count("Raised CorruptLogError") == 1
    assert "The same in 1 more: test_b" in page.text
    # Of the 6 points of the suite, worth 20, both together are 2.
    assert "\N{MINUS SIGN}6.67" in page.text


def test_unwritten_functions_are_a_list_and_come_next() -> None:
    todo = Failure("not written yet: WAL.append", unwritten="WAL.append")
    grade = graded_with(more("a", failure=todo), more("b", failure=todo))
    page = student_page(grade)
    assert "Not written yet WAL.append in wal.py 2 tests wait for it, worth 6.67" in page.text
    assert "1. a works" not in page.text
    assert "WAL.append in kvstore/wal.py" in next_steps(page)
    assert next_steps(page).endswith("Run: nox -s stage2")


def test_tests_that_did_not_run_are_counted_by_reason() -> None:
    skipped = [
        more(name, status="skipped", failure=Failure("kvstore.wal cannot be imported"))
        for name in ("a", "b")
    ]
    assert (
        "Not run 2 tests: kvstore.wal cannot be imported"
        in student_page(graded_with(*skipped)).text
    )


def test_a_module_that_cannot_be_imported_is_the_first_thing_to_mend() -> None:
    reason = "kvstore/wal.py cannot be imported: no module named 'x'"
    frames = (Frame("wal.py", 7, "<module>", "import x"),)
    stuck = [
        more("a", status="skipped", failure=Failure(reason, frames=frames)),
        more("b", status="skipped", failure=Failure(reason)),
        more("c", failure=Failure("no")),
    ]
    assert next_steps(student_page(graded_with(*stuck))) == (
        f"Mend what kept 2 tests from running: {reason} "
        "Open kvstore/wal.py:7 in <module>: import x Run: nox -s stage2"
    )
    late = more("d", status="timeout", failure=Failure("set did not return"))
    assert next_steps(student_page(graded_with(*stuck, late))).startswith("Read what went wrong:")


def test_the_graders_own_errors_are_not_the_students_fault() -> None:
    grade = graded_with(more("secret", status="error", hidden=True, failure=Failure("boom")))
    assert "test_secret" in grade.problem
    text = student_page(grade).text
    assert "1 test could not be judged" in text
    assert "not your fault" in text
    assert "secret" not in text
    assert "boom" not in text


def test_a_rejected_submission_is_told_why_and_what_to_hand_in() -> None:
    page = student_page(rejected("eve", "no package was found"))
    assert "0.00 of 100 Nothing could be graded." in page.text
    assert "Mend this: no package was found" in page.text
    assert "memory.py, wal.py, frame.py" in page.text
    assert "By suite" not in page.text


def test_a_carried_stage_is_explained_and_shows_nothing_of_the_reference() -> None:
    frames = (Frame("memory.py", 9, "set", "REFERENCE SOURCE"), Frame("wal.py", 3, "f", "own()"))
    grade = graded_with(more("x", failure=Failure("no", frames=frames)), carried=True)
    assert grade.carried_stages == (2,)
    text = student_page(grade).text
    assert "2 Log* " in text
    assert "* Graded on the reference's files for the earlier stages" in text
    assert "kvstore/wal.py:3 in f own()" in text
    assert "REFERENCE" not in text


def test_quality_is_a_table_with_its_findings() -> None:
    marks = (
        QualityMark(1, "type-hints", 0.5, 1.0, ("memory.py:3: no type",)),
        QualityMark(2, "style", 1.0, 1.0),
    )
    page = student_page(graded(quality=marks))
    assert "type hints: memory.py:3: no type" in page.text
    assert "0.50 of 1 — 2 Log — 1.00 of 1" in page.text
    assert "What is left is quality, worth 3.75 of the 100" in page.text
    assert "Begin with stage 1, type hints" in next_steps(page)


def test_what_passed_is_a_list_and_what_was_left_aside_another() -> None:
    extra = outcome(2, "hid", "persistence", 1.0, hidden=True)
    grade = graded_with(extra, entry=Entry("x", ignored=("notes.txt: not Python",)))
    text = student_page(grade).text
    assert "Stage 2: Log 4 of 4 torn works parse works errors works and 1 hidden test" in text
    assert "Left aside notes.txt: not Python" in text


def test_the_foot_says_how_the_grade_came_about() -> None:
    grade = msgspec.structs.replace(graded(), seconds=12.34)
    text = student_page(grade).text
    facts = f"Seed 123 Isolation bubblewrap Grader {grade.grader_version} Time 12.3 s"
    assert text.endswith(facts)


def test_flags_are_for_the_instructor_alone() -> None:
    grade = msgspec.structs.replace(graded(), flags=("two runs differ",))
    assert "two runs differ" not in student_page(grade).text


def test_ids_are_unique_and_every_link_on_the_page_leads_somewhere() -> None:
    page = failing(FAILURE)
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


def test_with_an_address_the_docs_are_linked() -> None:
    grade = graded_with(more("cut", failure=FAILURE))
    page = student_page(grade, docs_url="https://example.org/course")
    assert "https://example.org/course/stages/stage2/#cut" in page.links
    assert "https://example.org/course/stages/stage2/" in page.links
    with pytest.raises(ValueError, match="begin it with https://"):
        student_page(grade, docs_url="javascript:alert(1)")


def test_in_the_courses_own_folder_the_readme_is_linked() -> None:
    stage = load_course().stage(3)
    here = stage.folder.parent.parent / "grades" / "ann" / "report.html"
    expected = "../../stages/stage3_wal/README.md#the-format"
    assert Docs("", here).read_on(stage, "README.md#the-format").target == expected
    assert Docs("", Path("/elsewhere/report.html")).stage(stage) == Link(
        "stages/stage3_wal/README.md"
    )
    assert Docs("", here).read_on(stage, "a good book") == Link("a good book")


def test_the_file_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "ann" / "report.html"
    write_student_report(path, COURSE, graded("ann"), HINTS)
    before = path.read_bytes()
    assert b"<h1><bdi>ann</bdi></h1>" in before
    with pytest.raises(ValueError, match="web address"):
        write_student_report(path, COURSE, graded("bob"), HINTS, docs_url="ftp://x")
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["report.html"]


def test_the_same_grade_gives_the_same_page() -> None:
    def page(of: Grade) -> str:
        return student_page(of).html

    assert page(graded_with(more("a", failure=FAILURE))) == page(
        graded_with(more("a", failure=FAILURE))
    )
