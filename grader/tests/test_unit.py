"""A unit from outside: every collected test has an outcome, whatever the package does."""

from grader.course import REFERENCE_DIR, load_course
from grader.unit import Unit, assemble, run_unit
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
