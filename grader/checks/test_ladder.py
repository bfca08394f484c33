"""One file, one stage: a stage needs its own files and earlier ones, and nothing else."""

import pytest

from grader.course import REFERENCE_DIR, load_course
from grader.unit import Unit, assemble
from grader.unit.worker import run_in_worker

COURSE = load_course()
SEED = 7


def submission_up_to(number, into):
    """The reference's files of stages 1…number, and no others."""
    into.mkdir()
    for stage in COURSE.stages[:number]:
        for name in stage.files:
            (into / name).write_bytes((REFERENCE_DIR / name).read_bytes())
    return into


def run(stage, submission, tmp_path):
    package = assemble(COURSE, stage.number, submission, tmp_path / "package")
    return run_in_worker(Unit(stage.number, str(package), SEED))


@pytest.mark.parametrize("stage", COURSE.stages, ids=lambda stage: stage.name)
def test_a_stage_passes_without_later_files(stage, tmp_path):
    result = run(stage, submission_up_to(stage.number, tmp_path / "submission"), tmp_path)
    assert result.problem == ""
    assert [o.test for o in result.outcomes if o.status != "passed"] == []
    assert any(outcome.hidden for outcome in result.outcomes)


@pytest.mark.parametrize("stage", COURSE.stages, ids=lambda stage: stage.name)
def test_with_its_skeleton_every_test_of_a_stage_fails(stage, tmp_path):
    submission = submission_up_to(stage.number, tmp_path / "submission")
    for name in stage.files:
        (submission / name).write_bytes((stage.skeleton / name).read_bytes())
    result = run(stage, submission, tmp_path)
    assert result.problem == ""
    assert [o.test for o in result.outcomes if o.status not in ("failed", "skipped")] == []
