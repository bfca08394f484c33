"""A power cut on a student's page: the drawing, the list that says the same, and what is never
shown; and what a test says of how thorough it was.
"""

from __future__ import annotations

import itertools
import unicodedata
from typing import Any

import pytest
from rich.cells import cell_len

from grader.grading.model import StageRun
from grader.outcome import DiskOperation, Failure, HistoryCall, Outcome
from grader.report.cuts import STRICT_MEANS, TITLES
from grader.report.html.powercut import PowerCutView, power_cut_view
from grader.report.html.timeline import CHAR
from grader.tests.make_outcomes import graded, stage1, stage2, unit
from grader.tests.make_pages import class_page, graded_with, more, student_page
from grader.tests.make_powercuts import (
    changed,
    filled,
    killed_then_cut,
    long_history,
    power_outcome,
    snapshot_in_place,
    torn_batch,
    two_cuts,
    unsynced_folder,
    unsynced_set,
    unwritten_append,
)
from grader.tests.read_page import Page
from grader.tests.test_html_timeline import HOSTILE

CUTS = [
    unsynced_set,
    torn_batch,
    snapshot_in_place,
    unsynced_folder,
    two_cuts,
    killed_then_cut,
    unwritten_append,
]
SECRET = "s3cr3t"
NOTE = "1,500 of 4,210 states were opened."


def told(failure: Failure, name: str = "cut", **fields: Any) -> Outcome:
    return power_outcome(name, failure, 2, **{"hint": "torn", **fields})


def page_of(failure: Failure, **fields: Any) -> Page:
    return student_page(graded_with(told(failure, **fields)))


def drawn(failure: Failure) -> PowerCutView:
    assert failure.power_cut is not None
    return power_cut_view(failure.power_cut)


def test_the_parts_come_in_the_order_of_the_story() -> None:
    text = page_of(torn_batch()).text.partition("What went wrong")[2]
    parts = (
        "Half of a batch survived: its two entries were not one frame.",
        "What was called 1 returned store = Store.open(folder, sync='always')",
        "3 under way store.apply_batch([('set', 'b', b'1'), ('set', 'c', b'1')])",
        "4 never made store.close()",
        TITLES.rows,
        "write wal-0000000001.log at 62",
        "The write under way was cut after 20 of 31 bytes.",
        TITLES.files,
        "How it was opened again, and what it answered store = Store.open(folder)",
        "What it should have answered 'b' and 'c' should both be there, or neither",
        "212 different states of the disk were opened until one was wrong",
        "Make exactly this happen again; it leaves the folder on disk. Or use a debugger:",
    )
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_the_drawing_has_each_operation_with_its_fate_and_the_power_cut() -> None:
    page = page_of(torn_batch())
    assert ("rect", "class", "pill damaged") in page.attributes
    assert page.attributes.count(("g", "class", "stop")) == 1
    words = "3 store.apply_batch([('set', 'b', b'1'), ('set', 'c', b'1')])"
    assert f"{words} 5 write wal-0000000001.log at 31 31 bytes 6 write" in page.text
    assert "on disk cut 7 fsync wal-0000000001.log not made" in page.text


def test_the_list_says_the_same() -> None:
    expected = (
        "The same as a list 1 store.set('a', b'1') "
        "1 synced: write wal-0000000001.log at 0 31 bytes 2 done: fsync wal-0000000001.log "
        "→ returned 2 store.set('b', b'1') "
        "3 cut: write wal-0000000001.log at 31 cut after 12 of 31 bytes had not returned yet "
        "POWER CUT 1 OF 2 opening it again 4 on disk: truncate wal-0000000001.log to 0 "
        "5 lost: write wal-0000000001.log at 0 31 bytes "
        "POWER CUT 2 OF 2, while it was opened again 6 not made: fsync wal-0000000001.log"
    )
    assert expected in page_of(two_cuts()).text


def test_the_commands_make_the_power_cut_again() -> None:
    text = page_of(two_cuts()).text
    replay = "nox -s stage2 -- --replay test_what_was_set_is_there:7:0:c0de:3:o:41"
    assert f"{replay} {replay} --debug When it is mended, try all the others: nox -s stage2" in text


def test_the_first_step_leads_to_what_was_taken() -> None:
    expected = (
        "The power cut took this; find out what should have been synced, and before what: "
        "store.set('b', b'1'): write wal-0000000001.log at 31"
    )
    assert expected in page_of(two_cuts()).text
    assert "The power cut took this" not in page_of(unwritten_append()).text


def test_a_strict_failure_is_labelled_explained_and_costs_half() -> None:
    ours, cheap = page_of(unsynced_set()), page_of(unsynced_folder())
    assert "failed, strict · persistence · \N{MINUS SIGN}3.33" in cheap.text
    assert STRICT_MEANS in cheap.text
    assert "failed · persistence · \N{MINUS SIGN}6.67" in ours.text
    assert "POSIX" not in ours.text


def test_each_file_has_its_bytes_named() -> None:
    text = page_of(torn_batch()).text.partition(TITLES.files)[2]
    assert "LOCK" in text
    assert "wal-0000000001.log segment of the log · 82 bytes · 2 intact frames" in text
    assert "The frame at 62 should have 31 bytes, 20 are there." in text
    assert text.index("replay stopped here, at 62") < text.index(TITLES.reopened)


def test_an_empty_folder_is_told() -> None:
    assert f"{TITLES.files} {TITLES.no_files}" in page_of(unsynced_folder()).text


@pytest.mark.parametrize("make", [*CUTS, lambda: long_history(400, 300, 100)])
def test_texts_stay_in_their_boxes_and_boxes_apart(make) -> None:
    picture = drawn(make())
    assert picture.boxes
    for box in picture.boxes:
        assert box.width == picture.width
        for line in box.lines:
            assert box.x < line.x
            assert line.x + cell_len(line.text) * CHAR <= box.x + box.width
            assert box.y < line.y < box.y + box.height
        for pill in box.pills:
            assert box.y < pill.y < pill.y + pill.height <= box.y + box.height
            texts = [line for line in box.lines if line.y == pill.text_y and line.x > pill.x]
            assert all(pill.x + pill.width < line.x for line in texts)
    for above, below in itertools.pairwise(picture.boxes):
        assert above.y + above.height < below.y
    for stop in picture.stops:
        assert stop.x + stop.width < picture.width
        assert not any(box.y <= stop.y < box.y + box.height for box in picture.boxes)


def test_wide_characters_and_endless_words_are_folded() -> None:
    operations = (
        DiskOperation(0, "値" * 200, "part", "値" * 60),
        DiskOperation(1, "x" * 200, "lost", "y" * 200),
    )
    calls = (HistoryCall("値" * 200, "returned"), HistoryCall("z" * 200, "under way"))
    picture = drawn(changed(two_cuts(), operations=operations, calls=calls, cuts=(2,)))
    lines = [line for box in picture.boxes for line in box.lines]
    assert len(lines) > 20
    assert all(line.x + cell_len(line.text) * CHAR <= picture.width for line in lines)
    text = "".join(line.text for line in lines)
    assert (text.count("x"), text.count("z")) == (200, 200)


def test_a_huge_power_cut_stays_a_page() -> None:
    operations = tuple(
        DiskOperation(n % 7, "o" * 5_000, "lost", "n" * 5_000, n % 2 == 0) for n in range(10_000)
    )
    calls = (HistoryCall("c" * 5_000, "returned", "r" * 5_000),) * 1_000
    base = filled("f" * 100_000)
    failure = changed(
        unsynced_set(),
        operations=operations,
        calls=calls,
        cuts=tuple(range(0, 10_000, 5_000)),
        files=base.files * 1_000,
        reopened=base.reopened * 1_000,
        differences=base.differences * 1_000,
        diagnosis=base.diagnosis,
        what=base.what,
    )
    page = page_of(failure)
    assert len(page.html) < 600_000
    assert "operations left out" in page.text
    assert "POWER CUT 2 OF 2" in page.text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_change_nothing_but_text(text: str) -> None:
    ours, page = (
        page_of(Failure(each, power_cut=filled(each)), note=each) for each in ("harmless", text)
    )
    assert page.tags == ours.tags
    assert {(tag, name) for tag, name, _ in page.attributes} == {
        (tag, name) for tag, name, _ in ours.attributes
    }
    odd = {c for c in page.html if unicodedata.category(c) in {"Cc", "Cf", "Cs"} and c != "\n"}
    assert odd == set()


@pytest.mark.parametrize("status", ["failed", "passed", "timeout"])
def test_of_a_hidden_power_cut_a_students_page_says_nothing(status: str) -> None:
    outcome = more(
        "hidden",
        status=status,
        failure=Failure(SECRET, power_cut=filled(SECRET)),
        hidden=True,
        title=SECRET,
        note=SECRET,
    )
    page = student_page(graded_with(outcome))
    assert ("Torn tails 1 of 1" in page.text) == (status != "passed")
    assert SECRET not in page.html
    assert SECRET.encode().hex() not in page.html
    assert SECRET.encode().hex(" ") not in page.html
    assert "4711" not in page.html
    classes = [value for _, name, value in page.attributes if name == "class"]
    assert not any("disk" in value.split() for value in classes)


def test_on_the_references_earlier_files_a_power_cut_is_told_too() -> None:
    own = unit(2, *stage2("torn", "parse").outcomes, told(two_cuts()))
    better = unit(2, *stage2().outcomes, told(two_cuts()))
    grade = graded(runs=(StageRun(1, stage1("set")), StageRun(2, own, better)))
    assert grade.carried_stages == (2,)
    assert "POWER CUT 1 OF 2" in student_page(grade).text


def test_a_note_stands_beside_a_visible_test_whether_it_passed_or_not() -> None:
    failed = page_of(two_cuts(), note=NOTE)
    assert f"Note: {NOTE} An acknowledged write is gone" in failed.text
    passed = student_page(graded_with(more("seen", status="passed", note=NOTE)))
    assert f"seen works {NOTE}" in passed.text


def test_the_class_page_has_notes_of_all_tests_and_no_power_cut() -> None:
    noted = more("seen", status="passed", hidden=True, note=NOTE)
    grades = [graded_with(noted), graded_with(more("seen", status="passed", hidden=True))]
    assert f"noted in 1 of 2, such as: {NOTE}" in class_page(grades).text
    cut = told(Failure("fine", power_cut=filled(SECRET)), title="fine")
    assert SECRET not in class_page([graded_with(cut)]).html
