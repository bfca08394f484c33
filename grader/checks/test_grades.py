"""The ends of the scale: the reference scores 100, twice the same, untouched skeletons 0."""

import json
import os
import subprocess
import sys

import pytest

from grader.batch import grade_all
from grader.course import REFERENCE_DIR, ROOT, load_course
from grader.grading.results import encode_results
from grader.submission import find_submissions

SEED = 20_261


def grades_of(paths, tmp_path):
    submissions = find_submissions(paths, tmp_path / "copies")
    jobs = os.cpu_count() or 1
    return list(grade_all(submissions, tmp_path / "out", seed=SEED, jobs=jobs))


@pytest.fixture
def skeletons(tmp_path):
    folder = tmp_path / "skeletons" / "kvstore"
    folder.mkdir(parents=True)
    course = load_course()
    for stage in course.stages:
        for name in stage.files:
            (folder / name).write_bytes((stage.skeleton / name).read_bytes())
    return folder


def test_the_reference_scores_100_twice_with_the_same_results(tmp_path):
    [first] = grades_of([REFERENCE_DIR], tmp_path / "first")
    [second] = grades_of([REFERENCE_DIR], tmp_path / "second")
    lost = [outcome.test for outcome in first.outcomes if outcome.status != "passed"]
    lost += [f"quality of {m.stage}: {m.findings}" for m in first.quality if m.earned < m.available]
    assert (first.score, lost) == (100.0, [])
    assert without_time(encode_results(first)) == without_time(encode_results(second))


def test_untouched_skeletons_score_nothing_in_any_suite(tmp_path, skeletons):
    [grade] = grades_of([skeletons], tmp_path)
    assert {suite: tally.earned for suite, tally in grade.suites.items()} == dict.fromkeys(
        grade.suites, 0.0
    )
    assert grade.score == 0.0
    assert {outcome.status for outcome in grade.outcomes} <= {"failed", "skipped"}


def test_the_main_job_gives_the_bundled_samples_the_grades_they_deserve(tmp_path):
    """What `nox -s grade` does, from the command line to the files."""
    command = [sys.executable, "-m", "grader", "grade", "--out", str(tmp_path), "--seed", str(SEED)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    results = {
        path.parent.name: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(tmp_path.glob("*/results.json"))
    }
    scores = {name: result["score"] for name, result in results.items()}
    assert len(scores) >= 8
    assert all(result["extra_data"]["problem"] == "" for result in results.values())
    assert scores["submission-01"] == 100.0
    assert scores["submission-02"] == 0.0
    middle = [scores[f"submission-0{number}"] for number in (3, 4, 5, 6)]
    assert all(1 < score < 99 for score in middle), middle
    assert len(set(middle)) == len(middle)
    outcomes = {test["extra_data"].get("outcome") for test in results["submission-07"]["tests"]}
    assert "timeout" in outcomes
    # The cheat's lock keeps nobody out, so it honestly lets readers share; that is all it earns.
    assert scores["submission-08"] < 1.0


def without_time(results):
    return [line for line in results.splitlines() if b"execution_time" not in line]
