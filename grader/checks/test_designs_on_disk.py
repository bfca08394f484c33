"""Correct submissions whose logs and snapshots are written in another way than the reference's pass
as it does, and lose nothing when the power goes.

Their threads are kept apart as the reference's are, and their calls are the reference's or are
tried by the tests of threads: only what lies on disk is tried here.
"""

import pytest

from grader.checks.design_kit import run, runs


@pytest.mark.parametrize(("design", "stage"), runs(on_disk=True))
def test_a_correct_design_passes(design, stage, tmp_path):
    outcomes = run(design, stage, tmp_path, lambda it: it.suite == "persistence")
    assert [(o.name, o.failure) for o in outcomes if o.status != "passed"] == []
