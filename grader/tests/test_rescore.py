"""Grades made anew from a record: the command, from the files to the files."""

import pytest
from typer.testing import CliRunner

from grader.batch.journal import EndLine, Journal, RunLine
from grader.cli import make_app
from grader.course import load_course
from grader.grading.model import Entry, Evidence, QualityMark, StageRun
from grader.grading.rubric_file import RubricError
from grader.report.turns import LATENT_MEANS
from grader.tests.make_outcomes import SEED, outcome, unit
from grader.tests.make_races import latent, race_outcome

SUITES = ("correctness", "concurrency", "persistence", "protocol", "correctness", "protocol")


@pytest.fixture
def out(tmp_path):
    """A folder with the record of one submission, which failed one test of each odd stage."""
    runs = []
    for stage, suite in zip(load_course().stages, SUITES, strict=True):
        number = stage.number
        status = "failed" if number % 2 else "passed"
        tests = (
            outcome(number, "a", suite, 1.0),
            outcome(number, "b", suite, 1.0, status, hidden=True),
        )
        runs.append(StageRun(number, unit(number, *tests)))
    marks = tuple(QualityMark(run.stage, "style", 1.0, 1.0) for run in runs)
    seen = Evidence(Entry("submission-01", "0a"), SEED, tuple(runs), marks, 1.0)
    with Journal(tmp_path / "out", keep=0) as journal:
        journal.write(RunLine(SEED, "digest", "bubblewrap"))
        journal.write_evidence(seen)
        journal.write(EndLine())
    return tmp_path / "out"


def rescore(*arguments):
    words = ["rescore", *map(str, arguments)]
    return CliRunner().invoke(make_app(words[:1]), words)


def test_every_file_about_the_student_and_the_class_is_written(out):
    assert rescore(out).exit_code == 0
    files = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert files == {
        "outcomes.jsonl",
        "index.html",
        "class.csv",
        "canvas.csv",
        "moodle.csv",
        "junit.xml",
        "rubric.toml",
        "submission-01/report.html",
        "submission-01/results.json",
        "submission-01/junit.xml",
        "submission-01/classroom.json",
    }


def test_a_new_rubric_changes_the_score_and_is_kept(out, tmp_path):
    rescore(out)
    rubric = tmp_path / "mine.toml"
    rubric.write_text('leave_out = ["test_b"]\n')
    result = rescore(out, "--rubric", rubric)
    assert result.exit_code == 0, result.output
    assert "submission-01   73.75   100.00" in result.output
    assert "failed → not counted" in result.output
    assert (out / "rubric.toml").read_text() == rubric.read_text()
    again = rescore(out)  # by the rubric that now lies there
    assert "1 submission unchanged" in again.output


def test_another_share_for_latent_failures_needs_no_run(out, tmp_path):
    stages = zip(load_course().stages, SUITES, strict=True)
    runs = [
        StageRun(
            stage.number,
            unit(
                stage.number,
                outcome(stage.number, "a", suite, 1.0),
                race_outcome("race", latent(), stage.number),
            ),
        )
        for stage, suite in stages
    ]
    marks = (QualityMark(1, "style", 1.0, 1.0),)
    with Journal(out, keep=0) as journal:
        journal.write(RunLine(SEED, "digest", "bubblewrap"))
        journal.write_evidence(Evidence(Entry("submission-01", "0a"), SEED, tuple(runs), marks))
        journal.write(EndLine())
    rubric = tmp_path / "mine.toml"
    suites = "correctness = 0\nconcurrency = 100\npersistence = 0\nprotocol = 0\nquality = 0"
    for share, score in (("", 50.0), ("latent = 0.8", 80.0), ("latent = 0", 0.0)):
        text = f'leave_out = ["test_a"]\n[races]\n{share}\n[suites]\n{suites}\n'
        rubric.write_text(text)
        result = rescore(out, "--rubric", rubric)
        assert result.exit_code == 0, result.output
        assert f",{score},{score}," in (out / "class.csv").read_text(encoding="utf-8-sig")
    assert "race works: failed, latent" in (out / "junit.xml").read_text(encoding="utf-8")
    assert LATENT_MEANS in (out / "submission-01/report.html").read_text(encoding="utf-8").replace(
        "&#39;", "'"
    )


def test_a_wrong_rubric_changes_nothing(out, tmp_path):
    rescore(out)
    before = (out / "class.csv").read_bytes()
    rubric = tmp_path / "mine.toml"
    rubric.write_text('leave_out = ["test_c"]\n')
    result = rescore(out, "--rubric", rubric)
    assert isinstance(result.exception, RubricError)
    assert "line 1: no test is called 'test_c'" in str(result.exception)
    assert (out / "class.csv").read_bytes() == before


def test_a_folder_without_a_record_is_said(tmp_path):
    result = rescore(tmp_path)
    assert "holds no outcomes.jsonl" in str(result.exception)
