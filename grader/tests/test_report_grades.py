"""The pages of grades: one submission, and a class."""

from __future__ import annotations

import textwrap

import msgspec

from grader.grading.model import Grade, StageRun
from grader.report.grades import class_page, grade_page
from grader.tests.draw_page import drawn
from grader.tests.make_outcomes import graded, rejected, runs, stage1, stage2, unit
from grader.tests.make_races import latent, race_outcome


def grade(name: str, stage_runs: list[StageRun] | None = None) -> Grade:
    return graded(name, runs=tuple(stage_runs or runs()), seconds=2.5)


REJECTED = rejected("carol", "no package `kvstore` was found")
PERFECT = grade("ann")
CARRIED = grade("bob", runs(stage1("set"), stage2("torn"), stage2()))


def test_one_submission() -> None:
    expected = f"""\
        ── bob ──────────────────────────────────────────────────────────── 90.73 of 100
        seed 123 · isolation bubblewrap · grader {CARRIED.grader_version} · 2.5 s

        suite         points   of   score   weight
        correctness        2    3   16.67       25
        concurrency        5    5   25.00       25
        persistence        4    4   20.00       20
        protocol           6    6   15.00       15
        quality         1.88    2   14.06       15
        total                       90.73      100

        stages   1: 87 % · 2: 100 %*
        * graded on the reference's earlier files: an earlier error is not charged twice

        ── Where points of the 100 were lost ──────────────────────────── the most first
           -8.33  stage 1, correctness: set works (failed)
           -0.94  stage 1, quality: style: measured 1.00 of 1, scaled by the 7 of 8 test
        """
    assert drawn(grade_page(CARRIED)).startswith(textwrap.dedent(expected))


def test_a_perfect_grade_has_lost_nothing() -> None:
    text = drawn(grade_page(PERFECT))
    assert "100.00 of 100" in text
    assert "lost" not in text


def test_a_rejected_submission_is_its_problem() -> None:
    text = drawn(grade_page(REJECTED))
    assert text.splitlines()[1:] == ["no package `kvstore` was found"]
    assert "0.00 of 100" in text


def test_a_class_is_one_table_with_remarks_below() -> None:
    expected = """\
                          corr conc pers prot qual
        name   total   1    2  /25  /25  /20  /15  /15 s
        """
    text = drawn(class_page([PERFECT, CARRIED, REJECTED]))
    assert [line.split() for line in text.splitlines()[:5]] == [
        *(line.split() for line in textwrap.dedent(expected).splitlines()),
        ["ann", "100.00", "100", "100", "25.0", "25.0", "20.0", "15.0", "15.0", "2"],
        ["bob", "90.73", "87", "100*", "16.7", "25.0", "20.0", "15.0", "14.1", "2"],
        ["carol", "0.00", "0", "0", "0.0", "0.0", "0.0", "0.0", "0.0", "0"],
    ]
    assert "\ncarol: no package `kvstore` was found\n" in text
    assert text.endswith("3 submissions, mean 63.58\n")


def test_an_empty_class_is_an_empty_table() -> None:
    assert "name" in drawn(class_page([]))


def test_only_full_marks_read_as_full_marks() -> None:
    nearly = grade("dan", runs(stage1(), stage2()))
    tally = nearly.suites["protocol"]
    suites = {**nearly.suites, "protocol": type(tally)(5.9999, 6.0)}
    stages = {**nearly.stages, "stage2": type(tally)(10.9999, 11.0)}
    nearly = msgspec.structs.replace(nearly, suites=suites, stages=stages, score=99.99)
    text = drawn(grade_page(nearly))
    assert "14.99       15" in text
    assert "2: 99 %" in text


def test_a_name_is_shown_and_not_obeyed() -> None:
    named = rejected("[red]\x1bx", "no")
    assert r"[red]\x1bx" in drawn(grade_page(named))
    assert r"[red]\x1bx" in drawn(class_page([named]))


def test_a_latent_failure_is_labelled_and_costs_its_part() -> None:
    first = unit(1, *stage1().outcomes, race_outcome("race", latent()))
    text = drawn(grade_page(grade("submission-01", runs(first))))
    assert "-3.57  stage 1, concurrency: race works (failed, latent)" in text
