"""The main job, from the command line to the files: the bundled samples get what they deserve."""

import json
import subprocess
import sys

import pytest

from grader.course import ROOT
from grader.samples import lay_out_samples

SEED = 20_261


def grade(out, *paths):
    """Run what `nox -s grade` runs, and return the results by submission."""
    command = [sys.executable, "-m", "grader", "grade", "--out", str(out), "--seed", str(SEED)]
    command += map(str, paths)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    return {
        path.parent.name: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(out.glob("*/results.json"))
    }


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return grade(tmp_path_factory.mktemp("grades"))


def outcomes(result):
    return {test["extra_data"].get("outcome", "passed") for test in result["tests"]}


def test_the_grader_stands_by_every_grade(results):
    assert len(results) >= 8
    assert {result["extra_data"]["problem"] for result in results.values()} == {""}
    assert "error" not in set().union(*map(outcomes, results.values()))


def test_the_reference_scores_100_twice_with_the_same_results(results, tmp_path):
    reference = lay_out_samples(tmp_path / "samples")[0]
    again = grade(tmp_path / "grades", reference)["submission-01"]
    first = results["submission-01"]
    lost = [test["name"] for test in first["tests"] if test["score"] < test["max_score"]]
    assert (first["score"], lost) == (100.0, [])
    assert without_time(first) == without_time(again)


def test_untouched_skeletons_score_nothing_in_any_suite(results):
    suites = results["submission-02"]["extra_data"]["suites"]
    assert {suite: tally["earned"] for suite, tally in suites.items()} == dict.fromkeys(suites, 0.0)
    assert results["submission-02"]["score"] == 0.0


def test_honest_work_at_four_depths_gets_four_grades(results):
    scores = [results[f"submission-0{number}"]["score"] for number in (3, 4, 5, 6)]
    assert all(1 < score < 99 for score in scores), scores
    assert len(set(scores)) == len(scores)


def test_a_hanging_submission_is_told_so_and_loses_only_what_hangs(results):
    assert "timeout" in outcomes(results["submission-07"])
    assert results["submission-07"]["extra_data"]["stages"]["stage2"]["earned"] > 0


def test_a_cheat_earns_only_what_its_code_does(results):
    """Its lock keeps nobody out, so it does let readers share; nothing else of it is true."""
    assert results["submission-08"]["score"] < 1.0


def without_time(result):
    return {key: value for key, value in result.items() if key != "execution_time"}
