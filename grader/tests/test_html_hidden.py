"""What a student's page says of hidden tests: behaviour and count, and nothing that they hold."""

from __future__ import annotations

import pytest

from grader.grading.model import StageRun
from grader.outcome import Comparison, Failure, Frame, Status, Step
from grader.tests.make_outcomes import graded, outcome, stage1, stage2, unit
from grader.tests.make_pages import graded_with, more, student_page

SECRET = "s3cr3t"
TELLING = Failure(
    reason=f"{SECRET} reason",
    steps=(Step(f"{SECRET} step", f"{SECRET} result"),),
    comparison=Comparison(
        "==", f"{SECRET} expected", f"{SECRET} actual", SECRET.encode(), f"{SECRET}!".encode()
    ),
    unwritten=f"{SECRET}.unwritten",
    frames=(Frame(f"{SECRET}.py", 4711, f"{SECRET}_function", f"{SECRET} source"),),
    printed=f"{SECRET} printed",
)


def hidden(name: str, status: Status = "failed", hint: str = "torn", **more_fields: object):
    fields = {"title": f"{SECRET} title", "failure": TELLING, **more_fields}
    return more(f"{SECRET}_{name}", status=status, hint=hint, hidden=True, **fields)


@pytest.mark.parametrize("status", ["failed", "timeout", "crashed", "skipped", "error", "passed"])
@pytest.mark.parametrize("hint", ["torn", f"{SECRET}-hint"])
def test_no_field_of_a_hidden_test_is_on_the_page(status: Status, hint: str) -> None:
    grade = graded_with(*(hidden(name, status, hint) for name in "ab"))
    assert any(SECRET in each.test for each in grade.outcomes)
    page = student_page(grade, docs_url="https://example.org")
    assert SECRET not in page.html
    assert SECRET.encode().hex(" ") not in page.html
    assert "4711" not in page.html


def test_no_field_of_the_run_that_does_not_count_is_there_either() -> None:
    own = unit(2, *stage2("torn", "parse").outcomes, hidden("x"), problem=f"{SECRET} problem")
    carried = unit(2, *stage2().outcomes, hidden("x", "error"))
    grade = graded(runs=(StageRun(1, stage1("set")), StageRun(2, own, carried)))
    assert SECRET in grade.problem
    page = student_page(grade)
    assert SECRET not in page.html
    assert "The grader had trouble of its own" in page.text


def test_failures_are_counted_by_behaviour() -> None:
    grade = graded_with(
        *(hidden(name) for name in "ab"),
        *(hidden(name, "passed") for name in "cde"),
        hidden("f", "timeout", "sync"),
        hidden("g", "passed", "sync"),
        hidden("h", hint="no such hint"),
    )
    page = student_page(grade)
    assert "Hidden tests that did not pass Torn tails 2 of 5 Hint: Torn tails. Which?" in page.text
    assert "Syncing 1 of 2" in page.text
    assert "Other behaviour 1 of 1 stages/stage2_log/README.md" in page.text


def test_the_graders_own_errors_are_not_counted_as_failures() -> None:
    text = student_page(graded_with(hidden("a", "error"), hidden("b", "passed"))).text
    assert "Torn tails" not in text
    assert "7 of 8 tests pass. The others could not be judged, which is not your fault." in text


def test_a_behaviour_of_which_all_pass_is_not_listed() -> None:
    page = student_page(graded_with(hidden("a", "passed"), hidden("b", hint="sync")))
    assert "Syncing 1 of 1" in page.text
    assert "Torn tails" not in page.text


def test_when_only_hidden_tests_fail_the_next_step_is_a_question() -> None:
    page = student_page(graded_with(hidden("a", hint="sync"), hidden("b"), hidden("c")))
    assert "Every test that you can read passes; in stage 2, Log, hidden ones do not." in page.text
    expected = (
        "Think about this: Which? Read it up: stages/stage2_log/README.md#cut "
        "Write a test of your own for it, mend what it finds, and run the stage: nox -s stage2"
    )
    assert expected in page.text


def test_visible_tests_with_the_same_hint_are_not_counted_as_hidden() -> None:
    visible = outcome(2, "seen", "persistence", 1.0, "failed", hint="torn")
    assert "Torn tails 1 of 1" in student_page(graded_with(visible, hidden("a"))).text
