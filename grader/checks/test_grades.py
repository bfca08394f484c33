"""The main job, from the command line to the files: the bundled samples get what they deserve, also
when the grader is killed on the way.
"""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from grader.batch.journal import JOURNAL_NAME, read_journal
from grader.course import ROOT
from grader.samples import lay_out_samples

SEED = 20_261
KILLED_AFTER_LINES = 600


def command(out, *options):
    arguments = [sys.executable, "-m", "grader", "grade", "--out", out, "--seed", SEED, *options]
    return [str(argument) for argument in arguments]


def grade(out, *options):
    """Run what `nox -s grade` runs, and return the results by submission."""
    done = subprocess.run(
        command(out, *options), cwd=ROOT, capture_output=True, text=True, check=False
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    return read_results(out)


def read_results(out):
    return {
        path.parent.name: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(out.glob("*/results.json"))
    }


def begin_and_kill(out, *options):
    """Start the same, and end it by SIGKILL when it is well under way; return what it recorded."""
    running = subprocess.Popen(command(out, *options), cwd=ROOT, stdout=subprocess.DEVNULL)
    journal = out / JOURNAL_NAME
    deadline = time.monotonic() + 300
    while not journal.exists() or journal.read_bytes().count(b"\n") < KILLED_AFTER_LINES:
        assert running.poll() is None, "it was over before it could be killed"
        assert time.monotonic() < deadline, "it did not come that far"
        time.sleep(0.1)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    return read_journal(out)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("grades")


@pytest.fixture(scope="module")
def killed(folder):
    return begin_and_kill(folder / "class", "--cache", folder / "cache")


@pytest.fixture(scope="module")
def results(folder, killed):
    return grade(folder / "class", "--cache", folder / "cache")


def outcomes(result):
    return {test["extra_data"].get("outcome", "passed") for test in result["tests"]}


def test_a_killed_run_goes_on_where_it_was(folder, killed, results):
    units = {(name, *key) for name, track in killed.tracks.items() for key in track.units}
    assert units
    text = (folder / "class" / JOURNAL_NAME).read_text(encoding="utf-8")
    started = [json.loads(line) for line in text.splitlines() if line.startswith('{"type":"start"')]
    for name, stage, carried in units:
        again = [
            s
            for s in started
            if (s["submission"], s["stage"], s["carried"]) == (name, stage, carried)
        ]
        assert len(again) == 1, (name, stage, carried)


def test_the_grader_stands_by_every_grade(results):
    assert len(results) >= 8
    assert {result["extra_data"]["problem"] for result in results.values()} == {""}
    assert "error" not in set().union(*map(outcomes, results.values()))


def test_grades_made_anew_from_the_record_are_the_same(folder, results):
    words = [sys.executable, "-m", "grader", "rescore", str(folder / "class")]
    subprocess.run(words, cwd=ROOT, capture_output=True, check=True)
    assert read_results(folder / "class") == results


def test_a_second_run_of_unchanged_work_runs_nothing(folder, results):
    again = grade(folder / "again", "--cache", folder / "cache")
    assert again == results  # the seconds that it took too: they are those of the first run


def test_the_reference_scores_100_twice_with_the_same_results(results, tmp_path):
    reference = lay_out_samples(tmp_path / "samples")[0]
    again = grade(tmp_path / "grades", "--no-cache", reference)["submission-01"]
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
