"""Correct submissions that are built in another way than the reference, and how they are run.

`designs/NAME/` holds the files in which a design differs; all others are the reference's. What
several designs share lies beside them (`designs/engine.py` and so on) and goes with each.
"""

from pathlib import Path

import msgspec

from grader.course import REFERENCE_DIR, load_course
from grader.unit import Unit, assemble, run_unit
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
SEED = 7


def runs(*, on_disk):
    """Each design with each of its stages: those that differ in the log, or all others."""
    logs = {path.parent.name for path in DESIGNS.glob("*/wal.py")}
    return sorted(
        {
            (path.parent.name, stage)
            for path in DESIGNS.glob("*/*.py")
            for stage in STAGES[path.name]
            if (path.parent.name in logs) == on_disk
        }
    )


def submission(design, into):
    """The reference with a design's files in the place of its own."""
    into.mkdir()
    for folder in (REFERENCE_DIR, DESIGNS, DESIGNS / design):
        for path in folder.glob("*.py"):
            (into / path.name).write_bytes(path.read_bytes())
    return into


def run(design, stage, tmp_path, wanted):
    """The outcomes of those tests of a stage that are `wanted`, at least one of them hidden."""
    package = assemble(COURSE, stage, submission(design, tmp_path / "submission"), tmp_path / "p")
    unit = Unit(stage, str(package), SEED)
    every = run_unit(msgspec.structs.replace(unit, collect_only=True)).outcomes
    only = tuple(outcome.name for outcome in every if wanted(outcome))
    result = run_in_worker(msgspec.structs.replace(unit, only=only))
    assert result.problem == ""
    assert len(result.outcomes) == len(only)
    assert any(outcome.hidden for outcome in result.outcomes)
    return result.outcomes
