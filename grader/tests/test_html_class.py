"""The instructor's page: sums over a class, what to look at, and sizes that stay small."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from grader.grading.model import Adjustment, Entry, Student
from grader.report.html import write_class_report
from grader.tests.make_outcomes import graded, rejected, runs, stage1, stage2
from grader.tests.make_pages import COURSE, class_page, graded_with, more
from grader.tests.read_page import Page

ANN = graded("ann", entry=Entry("ann", student=Student("s1", "ann@example.org", "Ann A.")))
BOB = graded("bob", runs=tuple(runs(stage1("set"), stage2("torn"), stage2())), seconds=9.0)
CAROL = rejected("carol", "no package was found")
CLASS = [ANN, BOB, CAROL]


def test_a_class_in_figures() -> None:
    page = class_page(CLASS)
    assert "<title>A course: 3 submissions</title>" in page.html
    assert "3 submissions 63.58 mean" in page.text
    expected = "Lowest 0.00 Lower quartile 45.37 Median 90.73 Upper quartile 95.37 Highest 100.00"
    assert expected in page.text
    assert "1 from 0 to 10, 0 from 10 to 20," in page.text
    assert "2 from 90 to 100." in page.text


def test_the_stages_are_a_funnel() -> None:
    assert "1 Foundation 1 1 1 2 Log 2 0 1" in class_page(CLASS).text


def test_the_table_links_to_each_report() -> None:
    page = class_page([graded("a b#c?<é>"), *CLASS])
    assert "./a%20b%23c%3F%3C%C3%A9%3E/report.html" in page.links
    assert "./ann/report.html" in page.links
    assert "Ann A. ann · s1 · ann@example.org 100.00 100 100 25.0 25.0 20.0 15.0 15.0" in page.text
    assert "bob 90.73 87 100* 16.7 25.0 20.0 15.0 14.1 5 1 9.0" in page.text
    assert "carol 0.00 — — 0.0 0.0 0.0 0.0 0.0 0 0 0.0 rejected" in page.text


def test_numbers_are_sorted_as_numbers() -> None:
    orders = [float(v) for _, name, v in class_page(CLASS).attributes if name == "data-order"]
    assert 90.73 in orders
    assert orders.count(-1.0) == 2  # carol's two stages come last


def test_the_raw_score_is_shown_when_it_differs() -> None:
    assert "Raw" not in class_page([ANN]).text
    late = (Adjustment("late", -10.0),)
    adjusted = msgspec.structs.replace(BOB, adjustments=late, score=80.73)
    assert "bob 80.73 90.73 87" in class_page([ANN, adjusted]).text


def test_what_to_look_at_comes_with_its_sentences() -> None:
    flagged = msgspec.structs.replace(BOB, flags=("two runs differ", "left 3 files aside"))
    failed = graded_with(more("x", status="error"))
    text = class_page([ANN, flagged, failed, CAROL]).text
    assert "Rejected: 1 carol no package was found" in text
    assert "Flagged: 2 bob two runs differ left 3 files aside submission-01 the grader" in text
    assert "To look at" not in class_page([ANN]).text


def test_tests_are_judged_by_what_they_tell() -> None:
    all_lost = graded("low", runs=tuple(runs(stage1("set", "get", "threads"), stage2("torn"))))
    text = class_page([ANN, BOB, all_lost]).text
    assert "get works tests/test_all.py::test_get correctness 2 67" in text
    assert "separates" in text
    assert (
        "parse works tests/test_all.py::test_parse protocol 3 100 — 1.00 everybody passes" in text
    )
    nobody = class_page([graded_with(more("x", hidden=True))]).text
    assert "Nobody passes: 1" in nobody
    assert (
        "x works tests/test_all.py::test_x · hidden persistence 1 0 — 1.00 nobody passes" in nobody
    )


def test_the_slowest_come_last_on_the_page() -> None:
    assert "Slowest Submissions Name Seconds bob 9.0" in class_page(CLASS).text


@pytest.mark.parametrize("grades", [[], [ANN], [CAROL], [ANN, ANN]])
def test_small_classes_are_pages_too(grades: list) -> None:
    page = class_page(grades)
    assert page.headings[0] == f"{len(grades)} submission" + ("" if len(grades) == 1 else "s")
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


def test_every_header_of_a_table_says_what_it_heads() -> None:
    page = class_page(CLASS)
    headers = page.html.count("<th")
    assert page.html.count("<th scope=") + page.html.count("<thead>") == headers


def test_the_page_grows_by_sums_and_not_by_outcomes() -> None:
    few = len(class_page([graded(f"s{n}") for n in range(10)]).html)
    many = len(class_page([graded(f"s{n}") for n in range(20)]).html)
    assert many - few < 10 * 1_000


def test_the_file_is_written(tmp_path: Path) -> None:
    write_class_report(tmp_path / "out" / "index.html", COURSE, CLASS)
    page = Page((tmp_path / "out" / "index.html").read_text(encoding="utf-8"))
    assert page.headings[0] == "3 submissions"
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["index.html"]
