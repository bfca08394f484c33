"""From outcomes to a grade, and the weights behind it."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.export.rows import make_rows
from grader.grading.model import GradingError, StageRun, Tally
from grader.grading.score import make_grade
from grader.publish import without_details
from grader.tests.make_outcomes import (
    SEED,
    WEIGHTS,
    a_rubric,
    evidence,
    marks,
    outcome,
    rejected,
    runs,
    stage1,
    stage2,
    unit,
)
from grader.tests.make_powercuts import power_outcome, unsynced_folder, unsynced_set
from grader.tests.make_races import latent, lost_update, race_outcome


def grade(*stage_runs, quality=None, weights=WEIGHTS, stages=(1, 2)):
    seen = evidence(
        runs=tuple(stage_runs or runs()), quality=tuple(marks() if quality is None else quality)
    )
    return make_grade(seen, a_rubric(weights=weights), stages)


def test_all_points_are_a_hundred():
    found = grade()
    assert found.score == 100.0
    assert found.suites["concurrency"] == Tally(5.0, 5.0)
    assert found.stages == {"stage1": Tally(9.0, 9.0), "stage2": Tally(11.0, 11.0)}
    assert (found.seed, found.isolation, found.problem) == (SEED, "bubblewrap", "")


def test_a_suite_is_its_share_times_its_weight():
    found = grade(*runs(stage1("get")))
    assert found.suites["correctness"] == Tally(1.0, 3.0)
    assert found.suite_score("correctness") == pytest.approx(25 / 3)
    # Quality of stage 1 counts for 6/8, so 1.75 of 2.
    assert found.score == round(25 / 3 + 25 + 20 + 15 + 15 * 1.75 / 2, 2)


def test_both_axes_count_each_point_once():
    found = grade(*runs(stage1("threads"), stage2("parse")), quality=marks(0.5, 0.8))
    for side in ("earned", "available"):
        suites = math.fsum(getattr(tally, side) for tally in found.suites.values())
        stages = math.fsum(getattr(tally, side) for tally in found.stages.values())
        assert suites == pytest.approx(stages)


@pytest.mark.parametrize("status", ["failed", "timeout", "crashed", "skipped", "error"])
def test_only_passed_earns(status):
    assert grade(*runs(stage1("get", status=status))).suites["correctness"] == Tally(1.0, 3.0)


def test_the_better_run_counts_whole():
    own, carried = stage2("parse", "errors"), stage2("torn")
    found = grade(*runs(stage1("get"), own, carried))
    assert found.runs[1].uses_carried
    assert found.suites["persistence"] == Tally(0.0, 4.0)
    assert found.suites["protocol"] == Tally(6.0, 6.0)


def test_a_tie_keeps_the_own_run():
    run = StageRun(2, stage2("parse"), stage2("errors"))
    assert not run.uses_carried
    assert run.chosen is run.own


def test_a_test_that_one_run_lost_is_an_error_and_no_pass():
    whole = stage2("torn", "parse", "errors")
    partial = msgspec.structs.replace(stage2(), outcomes=stage2().outcomes[:2])
    found = grade(*runs(stage1("get"), whole, partial))
    assert found.suites["protocol"] == Tally(3.0, 6.0)
    assert [o.status for o in found.runs[1].chosen.outcomes] == ["passed", "passed", "error"]
    assert "1 test (first: stage2/tests/test_all.py::test_errors)" in found.problem


def test_quality_counts_only_as_far_as_the_code_works():
    found = grade(*runs(stage1("set", "get", "threads")), quality=marks(1.0, 0.8))
    assert [mark.earned for mark in found.quality] == [0.0, 0.8]
    assert found.quality[0].findings == (
        "measured 1.00 of 1, scaled by the 0 of 8 test points that the stage earned",
    )


def test_nothing_earned_is_zero():
    found = grade(*runs(stage1("set", "get", "threads"), stage2("torn", "parse", "errors")))
    assert found.score == 0.0


def test_almost_everything_is_not_a_hundred():
    assert grade(quality=marks(1.0, 0.9999)).score == 99.99


def test_a_suite_without_points_is_an_error():
    with pytest.raises(GradingError, match="no points can be earned in quality"):
        grade(quality=[])


def test_a_suite_without_a_weight_is_an_error():
    weights = {suite: weight for suite, weight in WEIGHTS.items() if suite != "protocol"}
    with pytest.raises(GradingError, match="no weight for protocol"):
        grade(weights=weights)


def test_a_stage_without_tests_is_an_error():
    with pytest.raises(GradingError, match="stage 2: no test of it was collected"):
        grade(*runs(None, unit(2)))


def test_a_stage_that_did_not_run_is_an_error():
    with pytest.raises(GradingError, match=r"expected one run of each stage \[1, 2\], got \[1\]"):
        grade(runs()[0])


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (unit(2, outcome(1, "x", "protocol", 1.0)), "belongs to stage 1"),
        (unit(2, outcome(2, "x", "protocol", math.nan)), "worth nan"),
        (unit(2, outcome(2, "x", "protocol", -1.0)), "worth -1"),
        (unit(2, outcome(2, "x", "speed", 1.0)), "unknown suite 'speed'"),
        (unit(2, *[outcome(2, "x", "protocol", 1.0)] * 2), "two outcomes"),
        (unit(2, outcome(2, "x", "protocol", 1.0), seed=9), "different seeds"),
    ],
)
def test_contradictions_are_errors(second, said):
    with pytest.raises(GradingError, match=said):
        grade(*runs(None, second))


def test_two_runs_of_a_test_must_agree_on_its_worth():
    cheap = unit(2, outcome(2, "torn", "persistence", 1.0))
    with pytest.raises(GradingError, match="disagree"):
        grade(*runs(None, stage2(), cheap))


def test_a_broken_unit_is_said():
    broken = msgspec.structs.replace(stage1("set"), problem="no isolation")
    assert grade(*runs(broken)).problem == "stage 1: no isolation"


def test_an_error_in_the_run_that_does_not_count_is_said_too():
    found = grade(*runs(stage1("get"), stage2("torn", status="error"), stage2()))
    assert found.suites["persistence"].is_full
    assert found.problem.startswith("the grader itself failed in 1 test (first: stage2/")


def test_a_rejected_submission_is_graded_zero():
    found = rejected("submission-02", "no package")
    assert (found.score, found.problem, found.outcomes) == (0.0, "no package", ())
    assert found.suite_score("protocol") == 0.0
    assert list(found.stages) == ["stage1", "stage2"]


def test_a_grade_survives_json():
    found = grade(*runs(stage1("get")))
    assert msgspec.json.decode(msgspec.json.encode(found), type=type(found)) == found


@given(
    failing=st.sets(st.sampled_from(["set", "get", "threads", "torn", "parse", "errors"])),
    quality=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_the_score_is_a_hundred_only_if_everything_is_earned(failing, quality):
    found = grade(*runs(stage1(*failing), stage2(*failing)), quality=marks(*quality))
    assert 0.0 <= found.score <= 100.0
    assert (found.score == 100.0) == (not failing and quality == (1.0, 1.0))
    assert round(found.score, 2) == found.score


@given(st.sets(st.sampled_from(["torn", "parse", "errors"])))
def test_a_carried_run_never_lowers_the_score(failing):
    alone = grade(*runs(stage1("get"), stage2("parse")))
    carried = grade(*runs(stage1("get"), stage2("parse"), stage2(*failing)))
    assert carried.score >= alone.score


def raced(failure, *more, points=2.0):
    """Stage 1 with a test of 2 points that failed so, and further outcomes."""
    race = msgspec.structs.replace(race_outcome("race", failure), points=points)
    return unit(1, *stage1().outcomes, race, *more)


def test_a_latent_failure_earns_its_share_on_both_axes_and_scales_quality():
    found = grade(*runs(raced(latent())), quality=marks(1.0, 1.0))
    assert found.suites["concurrency"] == Tally(6.0, 7.0)
    assert found.stages["stage1"] == Tally(8 + 1 + 0.9, 11)
    assert found.quality[0].findings == (
        "measured 1.00 of 1, scaled by the 9 of 10 test points that the stage earned",
    )
    assert grade(*runs(raced(lost_update()))).suites["concurrency"] == Tally(5.0, 7.0)


@pytest.mark.parametrize("status", ["timeout", "crashed", "skipped", "error"])
def test_only_a_failed_test_can_be_latent(status):
    race = msgspec.structs.replace(race_outcome("race", latent()), status=status)
    assert (race.is_latent, race.earned, race.lost) == (False, 0.0, 2.0)


def test_a_latent_failure_is_no_pass_even_if_it_costs_nothing():
    whole = make_grade(
        evidence(runs=tuple(runs(raced(latent())))), a_rubric(latent_share=1.0), (1, 2)
    )
    assert whole.score == 100.0
    (row,) = [row for row in make_rows(whole) if row.outcome and row.outcome.name == "test_race"]
    assert (row.share, row.has_passed, row.score) == (1.0, False, row.max_score)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_the_rows_of_every_export_add_up_to_the_score(share):
    seen = evidence(runs=tuple(runs(raced(latent(), points=3.0))))
    found = make_grade(seen, a_rubric(latent_share=share), (1, 2))
    assert math.fsum(row.score for row in make_rows(found)) == pytest.approx(found.score, abs=0.01)
    assert make_rows(without_details(found)) != make_rows(found)  # no moments in the one
    assert [row.score for row in make_rows(without_details(found))] == [
        row.score for row in make_rows(found)
    ]


def test_the_better_run_is_chosen_by_what_latent_failures_earn():
    own = unit(2, *stage2("errors").outcomes, race_outcome("race", lost_update(), 2))
    carried = unit(2, *stage2("errors").outcomes, race_outcome("race", latent(), 2))
    seen = evidence(runs=tuple(runs(stage1("get"), own, carried)))
    for share, is_better in ((0.5, True), (0.0, False)):
        found = make_grade(seen, a_rubric(latent_share=share), (1, 2))
        assert found.runs[1].uses_carried == is_better


def cut(failure, *more, points=2.0):
    """Stage 2 with a test of 2 points of persistence that failed so, and further outcomes."""
    lost = msgspec.structs.replace(power_outcome("cut", failure, 2), points=points)
    return unit(2, *stage2().outcomes, lost, *more)


def test_a_strict_failure_earns_its_share_on_both_axes_and_scales_quality():
    found = grade(*runs(second=cut(unsynced_folder())), quality=marks(1.0, 1.0))
    assert found.suites["persistence"] == Tally(5.0, 6.0)
    assert found.stages["stage2"] == Tally(10 + 1 + 11 / 12, 13)
    ordered = grade(*runs(second=cut(unsynced_set())))
    assert ordered.suites["persistence"] == Tally(4.0, 6.0)


@pytest.mark.parametrize("status", ["timeout", "crashed", "skipped", "error"])
def test_only_a_failed_test_can_be_strict(status):
    lost = msgspec.structs.replace(power_outcome("cut", unsynced_folder()), status=status)
    assert (lost.is_strict, lost.earned, lost.lost) == (False, 0.0, 2.0)


def test_latent_and_strict_have_shares_of_their_own():
    shares = {"latent_share": 0.25, "strict_share": 0.75}
    race = msgspec.structs.replace(race_outcome("race", latent()), **shares)
    lost = msgspec.structs.replace(power_outcome("cut", unsynced_folder()), **shares)
    assert (race.is_latent, race.is_strict, race.share) == (True, False, 0.25)
    assert (lost.is_latent, lost.is_strict, lost.share) == (False, True, 0.75)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_the_rows_add_up_with_strict_failures_too(share):
    seen = evidence(runs=tuple(runs(second=cut(unsynced_folder(), points=3.0))))
    found = make_grade(seen, a_rubric(strict_share=share), (1, 2))
    rows = make_rows(found)
    assert math.fsum(row.score for row in rows) == pytest.approx(found.score, abs=0.01)
    light = make_rows(without_details(found))
    assert light != rows  # no files in the one
    assert [row.score for row in light] == [row.score for row in rows]
    (row,) = [row for row in light if row.outcome and row.outcome.is_strict]
    assert (row.share, row.has_passed) == (share, False)
