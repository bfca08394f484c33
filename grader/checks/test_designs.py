"""Correct submissions that are built in another way than the reference pass as it does.

`designs/NAME/` holds the files in which a design differs; all others are the reference's. What
several designs share lies beside them (`designs/engine.py` and so on) and goes with each. What a
test must not do is to demand the reference's way: these are what it is tried on.
"""

from pathlib import Path

import pytest

from grader.course import REFERENCE_DIR, load_course
from grader.unit import Unit, assemble
from grader.unit.worker import run_in_worker

COURSE = load_course()
DESIGNS = Path(__file__).parent / "designs"
# A store stands in two stages: it is written in one, and takes snapshots in the next. Where a
# design has a log of its own, the store that stands on it is looked at as well.
STAGES = {
    "rwlock.py": (1,),
    "memory.py": (1,),
    "wal.py": (3, 4, 5),
    "snapshot.py": (5,),
    "store.py": (4, 5),
}
RUNS = sorted(
    {(path.parent.name, stage) for path in DESIGNS.glob("*/*.py") for stage in STAGES[path.name]}
)
SEED = 7


def submission(design, into):
    """The reference with a design's files in the place of its own."""
    into.mkdir()
    for folder in (REFERENCE_DIR, DESIGNS, DESIGNS / design):
        for path in folder.glob("*.py"):
            (into / path.name).write_bytes(path.read_bytes())
    return into


def test_there_are_designs_of_each_kind():
    kinds = [path.name for path in DESIGNS.glob("*/*.py")]
    assert all(kinds.count(name) > 1 for name in STAGES)


@pytest.mark.parametrize(("design", "stage"), RUNS)
def test_a_correct_design_passes(design, stage, tmp_path):
    package = assemble(COURSE, stage, submission(design, tmp_path / "submission"), tmp_path / "p")
    result = run_in_worker(Unit(stage, str(package), SEED))
    assert result.problem == ""
    assert [(o.name, o.failure) for o in result.outcomes if o.status != "passed"] == []
    assert any(outcome.hidden for outcome in result.outcomes)
