"""Correct submissions whose logs and snapshots are written in another way than the reference's pass
as it does, and lose nothing when the power goes.

Their threads are kept apart as the reference's are, so races are not looked for again.
"""

import pytest

from grader.checks.design_kit import run, runs


@pytest.mark.parametrize(("design", "stage"), runs(on_disk=True))
def test_a_correct_design_passes(design, stage, tmp_path):
    outcomes = run(design, stage, tmp_path, lambda it: it.suite != "concurrency")
    assert [(o.name, o.failure) for o in outcomes if o.status != "passed"] == []
