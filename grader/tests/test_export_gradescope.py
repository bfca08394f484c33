"""results.json as Gradescope reads it."""

import json
import textwrap

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.export.gradescope import encode_results
from grader.grading.model import Adjustment, QualityMark
from grader.outcome import Comparison, Failure, Frame, Step
from grader.tests.make_exports import adjusted
from grader.tests.make_outcomes import (
    graded,
    marks,
    outcome,
    rejected,
    runs,
    stage1,
    stage2,
    unit,
)
from grader.tests.make_powercuts import power_outcome, unsynced_folder, unsynced_set
from grader.tests.make_races import deadlock, latent, lost_update, race_outcome, torn_read

FAILURE = Failure(
    "get gave the wrong value",
    steps=(Step("store = MemoryStore()"), Step('store.get("a")', "b'2'")),
    comparison=Comparison("==", "b'1'", "b'2'"),
    frames=(Frame("memory.py", 12, "get", "return wrong"),),
    printed="debug",
)


def grade(*stage_runs, quality=None, seconds=0.0):
    return graded(
        runs=tuple(stage_runs or runs()), quality=tuple(quality or marks()), seconds=seconds
    )


def failing_with(**more):
    return runs(unit(1, *stage1().outcomes, outcome(1, "x", "correctness", 2.0, "failed", **more)))


def read(found):
    return json.loads(encode_results(found))


def test_the_fields_are_those_that_gradescope_documents():
    results = read(grade(*runs(stage1("get"))))
    assert set(results) == {"score", "execution_time", "output", "tests", "extra_data"}
    for test in results["tests"]:
        assert set(test) == {
            *("name", "score", "max_score", "status", "output", "tags", "visibility"),
            "extra_data",
        }
        assert test["status"] in {"passed", "failed"}
        assert test["visibility"] in {"visible", "hidden"}


def test_both_axes_are_in_the_extra_data():
    extra = read(grade(*runs(stage1("get"))))["extra_data"]
    assert extra["suites"]["correctness"] == {"earned": 1.0, "available": 3.0}
    assert extra["stages"]["stage2"] == {"earned": 11.0, "available": 11.0}
    assert extra["seed"] == 123
    assert extra["isolation"] == "bubblewrap"
    assert extra["grader_version"]


@given(
    worth=st.lists(st.sampled_from([0.0, 0.1, 0.5, 1.0, 3.0, 7.0]), max_size=30),
    passing=st.randoms(use_true_random=False),
    quality=st.floats(0, 1),
)
def test_scores_add_up(worth, passing, quality):
    more = [
        outcome(1, f"more{i}", "correctness", points, passing.choice(["passed", "failed"]))
        for i, points in enumerate(worth)
    ]
    found = grade(*runs(unit(1, *stage1().outcomes, *more)), quality=marks(quality))
    tests = read(found)["tests"]
    assert round(sum(test["max_score"] for test in tests), 6) == 100
    assert sum(test["score"] for test in tests) == pytest.approx(found.score, abs=0.011)
    assert all(0 <= test["score"] <= test["max_score"] for test in tests)


def test_a_visible_failure_says_what_was_done_and_what_came_back():
    test = read(grade(*failing_with(failure=FAILURE)))["tests"][3]
    assert test["name"] == "Stage 1: x works"
    assert test["tags"] == ["correctness", "stage1"]
    assert test["output"].splitlines() == [
        "x works: failed",
        "get gave the wrong value",
        "What was done:",
        "  1. store = MemoryStore()",
        "  2. store.get(\"a\") → b'2'",
        "Expected: b'1'",
        "Came back: b'2'",
        "In your code:",
        "  memory.py:12 in get: return wrong",
        "Your code printed:",
        "debug",
    ]


def test_a_hidden_failure_says_the_behaviour_only():
    data = encode_results(grade(*failing_with(failure=FAILURE, hidden=True)))
    test = json.loads(data)["tests"][3]
    assert (test["visibility"], test["output"]) == ("hidden", "x works: failed")
    assert b"wrong" not in data


def test_a_quality_mark_is_a_test_with_its_findings():
    found = grade(quality=[QualityMark(1, "type-hints", 0.75, 1.0, ("a.py:1: no",)), *marks()[1:]])
    test = next(test for test in read(found)["tests"] if "quality" in test["name"])
    assert test["name"] == "Stage 1: quality, type hints"
    assert (test["score"], test["max_score"]) == (5.625, 7.5)
    assert test["output"] == "0.75 of 1\na.py:1: no"


def test_a_carried_stage_is_said():
    results = read(grade(*runs(stage1("get"), stage2("torn"), stage2())))
    assert results["extra_data"]["carried_stages"] == [2]
    assert results["tests"][3]["tags"] == ["persistence", "stage2", "carried"]
    assert "stage 2 counts as run with the reference's earlier files" in results["output"]


def test_a_rejected_submission_is_one_failed_test():
    results = read(rejected("submission-02", "no package"))
    assert results["score"] == 0
    (test,) = results["tests"]
    assert (test["score"], test["max_score"], test["output"]) == (0.0, 100.0, "no package")


def test_times_change_nothing_but_the_execution_time():
    slow = stage1("get")
    slow = msgspec.structs.replace(
        slow, outcomes=tuple(msgspec.structs.replace(o, seconds=99.0) for o in slow.outcomes)
    )
    first = encode_results(grade(*runs(stage1("get")), seconds=1.0))
    second = encode_results(grade(*runs(slow), seconds=70.4))
    assert second == first.replace(b'"execution_time": 1,', b'"execution_time": 70,')


def test_adjustments_are_said_and_counted():
    found = adjusted(grade(), Adjustment("late: 1 day", -10.0))
    results = read(found)
    assert (results["score"], results["extra_data"]["raw_score"]) == (90.0, 100.0)
    assert results["output"].endswith("late: 1 day: -10")


def test_a_problem_of_the_grader_is_not_told_by_a_hidden_test_s_name():
    found = msgspec.structs.replace(grade(), problem="the grader itself failed in hidden/test_x")
    results = read(found)
    assert "hidden" not in results["output"]
    assert results["output"].startswith("the grader itself failed in part")
    assert "hidden/test_x" in results["extra_data"]["problem"]


@pytest.mark.parametrize("make", [lost_update, torn_read, deadlock, latent])
def test_a_race_is_told_line_by_line(make):
    first = unit(1, *stage1().outcomes, race_outcome("race", make()))
    race = make().interleaving
    (told,) = [test for test in read(grade(*runs(first)))["tests"] if "race works" in test["name"]]
    assert told["status"] == "failed"
    assert told["score"] == pytest.approx(told["max_score"] * (0.5 if race.latent else 0), abs=1e-6)
    assert ("failed, latent" in told["output"]) == race.latent
    assert race.diagnosis in told["output"]
    assert "  ! here it hurts: switch to " in told["output"]
    for wait in race.waits:
        holds = wait.holds[0]
        assert f"  holds {holds.what}, taken at store.py:{holds.place.line} in" in told["output"]


@pytest.mark.parametrize("make", [unsynced_set, unsynced_folder])
def test_a_power_cut_is_told_and_a_strict_one_is_cheaper(make):
    first = unit(1, *stage1().outcomes, power_outcome("cut", make(), 1))
    (told,) = [test for test in read(grade(*runs(first)))["tests"] if "cut works" in test["name"]]
    is_strict = make().power_cut.model == "strict"
    assert told["status"] == "failed"
    assert told["score"] == pytest.approx(told["max_score"] * (0.5 if is_strict else 0), abs=1e-6)
    assert ("failed, strict" in told["output"]) == is_strict


NOTE = "1,500 of 4,210 states of the disk were opened: that is the most that a test opens."


@pytest.mark.parametrize("status", ["passed", "failed"])
def test_how_thorough_a_visible_test_was_is_told(status):
    tests = [
        outcome(1, name, "persistence", 1.0, status, note=NOTE, hidden=name == "hidden")
        for name in ("shown", "hidden")
    ]
    told = read(grade(*runs(unit(1, *stage1().outcomes, *tests))))["tests"]
    outputs = {test["name"]: test["output"].splitlines() for test in told}
    assert outputs["Stage 1: shown works"] == [f"shown works: {status}", NOTE]
    assert outputs["Stage 1: hidden works"] == [f"hidden works: {status}"]


def test_the_lines_of_a_lost_update_word_for_word():
    first = unit(1, *stage1().outcomes, race_outcome("race", lost_update()))
    (told,) = [test for test in read(grade(*runs(first)))["tests"] if "race works" in test["name"]]
    assert told["output"] == textwrap.dedent("""\
        race works: failed
        two increments of 41 left 42
        Both threads read 41 before either wrote: incr is not atomic.
        37 schedules were tried until one failed. Cut down to what the failure needs:
          before: store.set('n', b'41')
          A  store.incr('n')
          A  memory.py:83  number = int(self._items.get(key, b'0')) + by
          A  saw number = 42
          ! here it hurts: switch to B
          B  store.incr('n')
          B  memory.py:83  number = int(self._items.get(key, b'0')) + by
          B  saw number = 42
          B  memory.py:86  self._items[key] = b'%d' % number
          B  → 42
          ! here it hurts: switch to A
          A  memory.py:86  self._items[key] = b'%d' % number
          A  → 42
          (! marks a switch between threads without which nothing goes wrong.)
          after: store.get('n')  → b'42'
        Expected: b'43'
        Came back: b'42'""")
