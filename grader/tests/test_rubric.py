"""What a rubric changes, and what is said of one that is wrong."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from grader.grading.model import Adjustment, Entry, Student, Tally
from grader.grading.rubric import RUBRIC_FILE, Late, ManualMark, load_rubric
from grader.grading.rubric_file import RubricError
from grader.outcome import LATENT_SHARE, STRICT_SHARE, SUITES
from grader.tests.make_outcomes import (
    WEIGHTS,
    a_rubric,
    evidence,
    graded,
    marks,
    runs,
    stage1,
    stage2,
    unit,
)
from grader.tests.make_powercuts import power_outcome, unsynced_folder
from grader.tests.make_races import latent, race_outcome

DUE = datetime(2026, 11, 20, 23, 59, tzinfo=UTC)
LATE = Late(DUE, grace=timedelta(minutes=15), per_day=10, cap=25)
TESTS = [o.test for run in evidence().runs for o in run.chosen.outcomes]


@pytest.fixture
def rubric_of(tmp_path):
    def write(text):
        path = tmp_path / "rubric.toml"
        path.write_text(text, encoding="utf-8")
        return load_rubric(path)

    return write


def suites(**changed):
    return "[suites]\n" + "\n".join(
        f"{suite} = {changed.get(suite, WEIGHTS[suite])}" for suite in SUITES
    )


def test_the_bundled_weights_add_up():
    weights = load_rubric().weights
    assert tuple(weights) == SUITES
    assert math.fsum(weights.values()) == 100
    assert weights == WEIGHTS


def test_what_a_rubric_leaves_out_is_as_in_the_bundled_one(rubric_of):
    rubric = rubric_of('leave_out = ["test_get"]')
    assert rubric.weights == WEIGHTS
    assert (rubric.late, rubric.marks, rubric.leave_out) == (None, (), ("test_get",))


def test_the_bundled_share_of_a_latent_failure_is_the_one_of_a_stage_page():
    assert load_rubric().latent_share == LATENT_SHARE == 0.5
    assert "latent = 0.5" in RUBRIC_FILE.read_text(encoding="utf-8")


@pytest.mark.parametrize(("text", "share"), [("", 0.5), ("latent = 0", 0), ("latent = 1", 1)])
def test_a_rubric_says_what_a_latent_failure_earns(rubric_of, text, share):
    race = race_outcome("race", latent())
    first = unit(1, *stage1().outcomes, race)
    found = graded(rubric=rubric_of(f"[races]\n{text}"), runs=tuple(runs(first)))
    assert found.suites["concurrency"] == Tally(5 + 2 * share, 7)


def test_the_bundled_share_of_a_strict_failure_is_the_one_of_a_stage_page():
    assert load_rubric().strict_share == STRICT_SHARE == 0.5
    assert "strict = 0.5" in RUBRIC_FILE.read_text(encoding="utf-8")


@pytest.mark.parametrize(("text", "share"), [("", 0.5), ("strict = 0", 0), ("strict = 1", 1)])
def test_a_rubric_says_what_a_strict_failure_earns(rubric_of, text, share):
    second = unit(2, *stage2().outcomes, power_outcome("cut", unsynced_folder(), 2))
    rubric = rubric_of(f"[powercuts]\n{text}")
    found = graded(rubric=rubric, runs=tuple(runs(second=second)))
    assert found.suites["persistence"] == Tally(4 + 2 * share, 6)
    assert rubric.latent_share == 0.5


def test_points_replace_those_of_the_test(rubric_of):
    rubric = rubric_of('[points]\ntest_get = 7\n"stage1/tests/test_all.py::test_set" = 0.5')
    found = graded(rubric=rubric, runs=tuple(runs(stage1("get"))))
    assert found.suites["correctness"].earned == 0.5
    assert found.suites["correctness"].available == 7.5


@pytest.mark.parametrize("name", ["test_get", "stage1/tests/test_all.py::test_get"])
def test_a_test_that_is_left_out_counts_nowhere(rubric_of, name):
    found = graded(rubric=rubric_of(f'leave_out = ["{name}"]'), runs=tuple(runs(stage1("get"))))
    assert found.score == 100.0
    assert [o.name for o in found.runs[0].chosen.outcomes] == ["test_set", "test_threads"]


@pytest.mark.parametrize("name", ["stage2", "stage2/tests", "stage2/tests/test_all.py"])
def test_a_stage_that_is_left_out_has_no_quality_either(rubric_of, name):
    text = f'leave_out = ["{name}"]\n' + suites(
        persistence=0, protocol=0, correctness=40, concurrency=45
    )
    found = graded(rubric=rubric_of(text), quality=tuple(marks(0.5, 0.0)))
    assert list(found.stages) == ["stage1"]
    assert found.score == 100 - 15 / 2
    assert [mark.stage for mark in found.quality] == [1]


def test_manual_marks_are_added_and_told():
    adjusting = a_rubric(marks=(ManualMark("s1", -2.5, "untidy"), ManualMark("other", 9, "no")))
    found = graded(rubric=adjusting, entry=Entry("submission-01", "0a", Student(id="s1")))
    assert (found.raw_score, found.score) == (100.0, 97.5)
    assert found.adjustments == (Adjustment("untidy", -2.5),)


@pytest.mark.parametrize(("points", "score"), [(-100, 0.0), (50, 100.0)])
def test_a_score_stays_between_0_and_100(points, score):
    adjusting = a_rubric(marks=(ManualMark("submission-01", points, "so"),))
    stage_runs = tuple(runs(stage1("get")))
    assert graded(rubric=adjusting, runs=stage_runs).score == score


@pytest.mark.parametrize(
    ("after", "lost"),
    [
        (timedelta(minutes=-1), None),
        (timedelta(minutes=15), None),
        (timedelta(minutes=16), -10),
        (timedelta(days=1), -10),
        (timedelta(days=1, seconds=1), -20),
        (timedelta(days=30), -25),
    ],
)
def test_lateness_costs_by_the_day_begun(after, lost):
    adjustment = LATE.adjustment(DUE + after)
    assert (adjustment and adjustment.points) == lost


def test_lateness_is_told_with_its_reason():
    entry = Entry("submission-01", "0a", submitted=DUE + timedelta(days=2))
    found = graded(rubric=a_rubric(late=LATE), entry=entry)
    assert (found.raw_score, found.score) == (100.0, 80.0)
    assert found.adjustments[0].reason == "late: 2 days begun after 2026-11-20 23:59 UTC"


def test_without_a_time_no_lateness_is_counted_and_the_instructor_is_told():
    found = graded(rubric=a_rubric(late=LATE))
    assert found.score == 100.0
    assert found.flags == ("nothing says when it was handed in, so no lateness is counted",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[suites\nx = 1", r"rubric\.toml cannot be read: .*line 1"),
        ("weights = 1", r"line 1: 'weights' means nothing; known: suites"),
        ("\n[suites]\nspeed = 100", r"line 3: 'speed' means nothing in \[suites\]"),
        ("[suites]\ncorrectness = 100", r"line 1: no weight for concurrency"),
        (suites(quality=14), r"line 1: the weights add up to 99"),
        (suites(quality="true"), r"line 6: quality must be a number from 0 to 100"),
        (suites(quality="nan"), r"line 6: quality must be"),
        (suites(quality='"15"'), r"line 6: quality must be"),
        ("# test_get = 1\n[points]\ntest_get = -1", r"line 3: test_get must be a number from 0"),
        ("points = 3", r"line 1: points must be a table"),
        ("leave_out = 3", r"line 1: leave_out must be a list of names"),
        ("races = 0.5", r"line 1: races must be a table"),
        ("[races]\n\nlatent = 1.01", r"line 3: latent must be a number from 0 to 1$"),
        ("[races]\nlatent = -0.1", r"line 2: latent must be a number from 0 to 1$"),
        ("[races]\nlatent = nan", r"line 2: latent must be a number"),
        ('[races]\nlatent = "half"', r"line 2: latent must be a number"),
        ("[races]\nlatent = true", r"line 2: latent must be a number"),
        ("[powercuts]\nstrict = 2", r"line 2: strict must be a number from 0 to 1$"),
        ("[powercuts]\nlatent = 1", r"'latent' means nothing in \[powercuts\]; known: strict"),
        ("[races]\nlate = 0.5", r"line 2: 'late' means nothing in \[races\]; known: latent"),
        ("[late]\nper_day = 1", r"due must be a moment"),
        ("[late]\ndue = 2026-11-20T23:59:00\nper_day = 1", r"line 2: due must be a moment with"),
        ("[late]\ndue = 2026-11-20T23:59:00Z", r"per_day must be a number"),
        ("[late]\nper_week = 3", r"line 2: 'per_week' means nothing in \[late\]"),
        ('[[mark]]\nsubmission = "a"\npoints = 1', r"comment must be a text"),
        ('[mark]\nsubmission = "a"', r"line 1: mark must be tables"),
    ],
)
def test_a_wrong_rubric_is_one_sentence_with_its_line(rubric_of, text, said):
    with pytest.raises(RubricError, match=said) as error:
        rubric_of(text)
    assert "\n" not in str(error.value)


def test_a_missing_rubric_is_said(tmp_path):
    with pytest.raises(RubricError, match=r"rubric\.toml cannot be read"):
        load_rubric(tmp_path / "rubric.toml")


def test_an_unknown_test_is_said_with_its_line_and_what_was_meant(rubric_of):
    rubric = rubric_of("\n[points]\ntest_gat = 3")
    with pytest.raises(RubricError, match=r"line 3: no test is called 'test_gat'; did you mean 't"):
        rubric.check_names(TESTS, [])


def test_an_unknown_submission_is_said_with_its_line(rubric_of):
    rubric = rubric_of('[[mark]]\nsubmission = "submision-01"\npoints = 1\ncomment = "x"')
    with pytest.raises(RubricError, match=r"line 2: no submission is called .*'submission-01'\?"):
        rubric.check_names(TESTS, [Entry("submission-01")])


def test_known_names_are_accepted(rubric_of):
    text = 'leave_out = ["stage2", "test_get"]\n[[mark]]\nsubmission = "a@b.c"\npoints = 1\n'
    rubric = rubric_of(f'{text}comment = "x"')
    rubric.check_names(TESTS, [Entry("x", student=Student(email="a@b.c"))])
