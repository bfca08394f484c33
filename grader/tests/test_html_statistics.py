"""The statistics of a class: exact numbers, and the classes that have none."""

from __future__ import annotations

import itertools
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.grading.model import Grade
from grader.outcome import Failure
from grader.report.html.class_statistics import (
    Spread,
    StageCounts,
    count_stage,
    histogram,
    pass_rates,
    point_biserial,
    spread,
)
from grader.tests.make_outcomes import graded, marks, rejected, runs, stage1, stage2, unit
from grader.tests.make_races import latent, lost_update, race_outcome

PERFECT = graded("ann")
NO_SET = graded("bob", runs=tuple(runs(stage1("set"))))
NOTHING = graded(
    "cy", runs=tuple(runs(stage1("set", "get", "threads"), stage2("torn", "parse", "errors")))
)
REJECTED = rejected("dan", "no package")


def test_an_empty_class_has_no_spread() -> None:
    assert spread([]) is None
    assert histogram([]) == [0] * 10
    assert count_stage([], 1) == StageCounts(0, 0, 0)
    assert pass_rates([]) == []


def test_one_submission_is_all_of_its_spread() -> None:
    assert spread([42.0]) == Spread(42.0, 42.0, 42.0, 42.0, 42.0, 42.0)


def test_quartiles_are_interpolated() -> None:
    assert spread([100.0, 10.0, 30.0, 20.0]) == Spread(40.0, 25.0, 17.5, 47.5, 10.0, 100.0)
    assert spread([1.0, 2.0, 3.0, 4.0, 5.0]) == Spread(3.0, 3.0, 2.0, 4.0, 1.0, 5.0)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=50))
def test_a_spread_is_in_order(scores: list[float]) -> None:
    found = spread(scores)
    assert found is not None
    ordered = [found.lowest, found.lower_quartile, found.median]
    ordered += [found.upper_quartile, found.highest]
    for low, high in itertools.pairwise(ordered):
        assert low <= high or math.isclose(low, high)
    assert sum(histogram(scores)) == len(scores)


def test_a_bin_begins_with_its_lower_end_and_the_last_has_both() -> None:
    assert histogram([0.0, 9.99, 10.0, 89.99, 90.0, 99.99, 100.0]) == [2, 1, 0, 0, 0, 0, 0, 0, 1, 3]


def test_stages_are_counted_by_their_tests() -> None:
    class_of_four = [PERFECT, NO_SET, NOTHING, REJECTED]
    assert count_stage(class_of_four, 1) == StageCounts(passed=1, partly=1, none=2)
    assert count_stage(class_of_four, 2) == StageCounts(passed=2, partly=0, none=2)
    assert count_stage(class_of_four, 1).total == 4


def test_the_rate_of_a_test_leaves_rejected_submissions_out() -> None:
    rates = {rate.outcome.name: rate for rate in pass_rates([PERFECT, NO_SET, NOTHING, REJECTED])}
    assert list(rates) == [
        *("test_set", "test_get", "test_threads"),
        *("test_torn", "test_parse", "test_errors"),
    ]
    assert (rates["test_set"].passed, rates["test_set"].ran) == (1, 3)
    assert rates["test_get"].share == pytest.approx(2 / 3)
    assert rates["test_get"].mean_seconds == 1.0
    # Bob did as well as Ann in all but `set`, so who passes `get` does well in the rest.
    assert rates["test_get"].separation == pytest.approx(0.98, abs=0.02)


def test_equal_submissions_separate_nothing() -> None:
    assert {rate.separation for rate in pass_rates([NO_SET, NO_SET])} == {None}
    assert {rate.separation for rate in pass_rates([PERFECT])} == {None}


def test_the_own_points_of_a_test_do_not_count() -> None:
    no_marks = tuple(marks(0.0, 0.0))
    first = graded("ann", quality=no_marks)
    second = graded("bob", quality=no_marks, runs=tuple(runs(stage1("threads"))))
    assert first.score > second.score
    threads = next(r for r in pass_rates([first, second]) if r.outcome.name == "test_threads")
    assert (threads.share, threads.separation) == (0.5, None)


@pytest.mark.parametrize(
    ("passed", "scores", "expected"),
    [
        ([True, True, False, False], [9.0, 9.0, 1.0, 1.0], 1.0),
        ([True, True, False, False], [1.0, 1.0, 9.0, 9.0], -1.0),
        ([True, False, True, False], [1.0, 1.0, 9.0, 9.0], 0.0),
        ([True, False, False], [3.0, 2.0, 1.0], math.sqrt(3) / 2),
        ([True, True], [1.0, 2.0], None),
        ([False, False], [1.0, 2.0], None),
        ([True, False], [5.0, 5.0], None),
        ([], [], None),
    ],
)
def test_the_point_biserial_correlation(
    passed: list[bool], scores: list[float], expected: float | None
) -> None:
    assert point_biserial(passed, scores) == (None if expected is None else pytest.approx(expected))


def test_what_a_latent_failure_earned_is_its_own_points_too() -> None:
    no_marks = tuple(marks(0.0, 0.0))

    def racing(name: str, failure: Failure | None) -> Grade:
        race = race_outcome("race", failure or Failure(""))
        if failure is None:
            race = msgspec.structs.replace(race, status="passed", failure=None)
        first = unit(1, *stage1().outcomes, race)
        return graded(name, quality=no_marks, runs=tuple(runs(first)))

    grades = [racing("one", None), racing("two", latent()), racing("three", lost_update())]
    assert grades[0].score > grades[1].score > grades[2].score
    race = next(rate for rate in pass_rates(grades) if rate.outcome.name == "test_race")
    assert (race.passed, race.separation) == (1, None)
