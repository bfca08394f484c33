"""Correct submissions whose threads are kept apart in another way than the reference's pass as it
does. What a test must not do is to demand the reference's way: these are what it is tried on.

Their logs and snapshots are the reference's, so nothing is tried on those again.
"""

import pytest

from grader.checks.design_kit import DESIGNS, STAGES, run, runs


def test_there_are_designs_of_each_kind():
    kinds = [path.name for path in DESIGNS.glob("*/*.py")]
    assert all(kinds.count(name) > 1 for name in STAGES)


@pytest.mark.parametrize(("design", "stage"), runs(on_disk=False))
def test_a_correct_design_passes(design, stage, tmp_path):
    outcomes = run(design, stage, tmp_path, lambda it: it.suite != "persistence")
    assert [(o.name, o.failure) for o in outcomes if o.status != "passed"] == []
