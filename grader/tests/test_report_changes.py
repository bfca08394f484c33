"""The page that compares two gradings."""

from grader.batch.compare import compare
from grader.report.changes import changes_page
from grader.tests.draw_page import drawn
from grader.tests.make_outcomes import a_rubric, graded, runs, stage1, stage2


def test_scores_and_the_tests_behind_them_are_told():
    failing = tuple(runs(stage1("get")))
    before = [graded("a", runs=failing), graded("b", runs=failing), graded("c")]
    page = drawn(changes_page(compare(before, [graded("a"), graded("b"), graded("c")])))
    assert "1 submission unchanged" in page
    assert "\na      81.46   100.00   +18.54       1\n" in page
    assert "failed → passed  stage1/tests/test_all.py::test_get\n    a, b\n" in page


def test_many_names_become_a_few():
    names = [f"submission-{number:02}" for number in range(9)]
    torn = tuple(runs(None, stage2("torn")))
    page = drawn(
        changes_page(compare([graded(n) for n in names], [graded(n, runs=torn) for n in names]))
    )
    assert "submission-00, submission-01, submission-02, submission-03 and 5 more" in page
    assert "submission-04," not in page


def test_a_test_that_is_left_out_is_not_called_gone():
    without = a_rubric(leave_out=("test_get",))
    page = drawn(changes_page(compare([graded("a")], [graded("a", rubric=without)])))
    assert "passed → not counted  stage1/tests/test_all.py::test_get" in page


def test_nothing_changed_is_one_line():
    page = drawn(changes_page(compare([graded("a")], [graded("a")])))
    assert page.strip().count("\n") == 0


def test_what_a_name_would_do_to_a_terminal_is_spelled_out():
    page = drawn(changes_page(compare([], [graded("x\x1b[2J")])))
    assert "\x1b[2J" not in page
    assert "x\\x1b[2J" in page
