"""A unit from outside: every collected test has an outcome, whatever the package does."""

import os
from pathlib import Path

from grader.course import REFERENCE_DIR, load_course
from grader.unit import Unit, assemble, plugin, run_unit
from grader.unit.bench import Bench
from grader.unit.collect import collect_tests
from grader.unit.worker import run_in_worker


def mutant_of(tmp_path, file, old, new):
    """The reference with one change, assembled for stage 1."""
    submission = tmp_path / "submission"
    submission.mkdir()
    for path in REFERENCE_DIR.glob("*.py"):
        (submission / path.name).write_bytes(path.read_bytes())
    source = (submission / file).read_text(encoding="utf-8")
    assert old in source
    (submission / file).write_text(source.replace(old, new), encoding="utf-8")
    return assemble(load_course(), 1, submission, tmp_path / "package")


def test_a_text_that_is_not_utf_8_does_not_cost_the_tests_after_it(tmp_path):
    old = "    try:\n        size = len(key.encode"
    package = mutant_of(
        tmp_path, "memory.py", old, '    if key == "\\ud800": raise TypeError(key)\n' + old
    )
    names = [o.name for o in collect_tests(1) if "keys_and_values" in o.test]
    result = run_in_worker(Unit(1, str(package), seed=1, only=tuple(names)))
    assert result.problem == ""
    assert {outcome.name for outcome in result.outcomes} == set(names)
    assert "error" not in {outcome.status for outcome in result.outcomes}


def test_only_the_named_tests_run_and_each_has_an_outcome(tmp_path):
    names = tuple(o.name for o in collect_tests(2)[:3])
    package = assemble(load_course(), 2, REFERENCE_DIR, tmp_path / "package")
    told = []
    result = run_unit(Unit(2, str(package), seed=1, only=names), told.append)
    assert [outcome.name for outcome in result.outcomes] == list(names)
    assert {outcome.status for outcome in result.outcomes} == {"passed"}
    assert list(result.outcomes) == told


def test_a_worker_that_cannot_run_says_why_in_one_sentence(tmp_path):
    result = run_in_worker(Unit(99, str(tmp_path), seed=1))
    assert result.outcomes == ()
    assert "there is no stage 99" in result.problem


def test_of_what_an_agent_leaves_in_its_folder_only_the_data_stays(package):
    bench = Bench(package(memory="x = 1"), None)
    with bench.slot() as slot:
        folder = Path(slot.work_dir)
        for name in ("data/kept", "hidden/deeper/gone"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(b"x")
        (folder / "link").symlink_to(folder / "data")
        os.utime(folder, ns=(12345, 12345))
        bench.start(slot.work_dir)
        left = sorted(path.relative_to(folder) for path in folder.rglob("*"))
        assert left == [Path("data"), Path("data/kept")]
        assert folder.stat().st_mtime_ns != 12345
    bench.close()


def test_a_package_that_drags_on_everywhere_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(plugin, "WASTED_SECONDS_MAX", 0.0001)
    submission = tmp_path / "submission"
    submission.mkdir()
    (submission / "memory.py").write_text("class MemoryStore:\n    def __init__(self): 1 / 0\n")
    package = assemble(load_course(), 1, submission, tmp_path / "package")
    result = run_unit(Unit(1, str(package), seed=1, select="test_memory_races"))
    first, *others = result.outcomes
    assert first.status == "failed"
    assert {outcome.status for outcome in others} == {"skipped"}
    assert "failed or were slow" in others[0].failure.reason
