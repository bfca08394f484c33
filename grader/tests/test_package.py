"""Assembling a package under test, and laying out a student's own."""

import pytest

from grader.course import REFERENCE_DIR, CourseError, load_course
from grader.unit import assemble
from grader.unit import package as package_module
from grader.work import is_untouched, lay_out

COURSE = load_course()


@pytest.fixture
def submission(tmp_path):
    """A submission that has its own version of every file, and one file of its own idea."""
    folder = tmp_path / "submission"
    folder.mkdir()
    for stage in COURSE.stages:
        for name in stage.files:
            (folder / name).write_text(f"# mine: {name}\n")
    (folder / "helpers.py").write_text("# mine\n")
    return folder


def origins(package):
    """For each file, where it came from."""
    found = {}
    for path in sorted(package.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        number = COURSE.stage_of(path.name)
        if text.startswith("# mine"):
            found[path.name] = "mine"
        elif number and text == (COURSE.stage(number).skeleton / path.name).read_text():
            found[path.name] = "skeleton"
        elif text == (REFERENCE_DIR / path.name).read_text():
            found[path.name] = "reference"
        else:
            found[path.name] = "given"
    return found


def test_own_files_up_to_the_stage_and_skeletons_after_it(submission, tmp_path):
    found = origins(assemble(COURSE, 3, submission, tmp_path / "package"))
    for stage in COURSE.stages:
        for name in stage.files:
            assert found[name] == ("mine" if stage.number <= 3 else "skeleton"), name
    assert found["helpers.py"] == "mine"
    assert {"errors.py", "__init__.py"} <= set(found)


def test_carried_takes_earlier_files_from_the_reference(submission, tmp_path):
    found = origins(assemble(COURSE, 3, submission, tmp_path / "package", carried=True))
    assert found["wal.py"] == "mine"
    assert found["memory.py"] == found["entry.py"] == "reference"
    assert found["store.py"] == found["snapshot.py"] == "skeleton"
    assert found["helpers.py"] == "mine"


def test_a_missing_file_stays_missing(submission, tmp_path):
    (submission / "wal.py").unlink()
    assert "wal.py" not in origins(assemble(COURSE, 3, submission, tmp_path / "own"))
    carried = assemble(COURSE, 3, submission, tmp_path / "carried", carried=True)
    assert "wal.py" not in origins(carried)


def test_errors_py_is_the_students_while_it_has_every_given_name(submission, tmp_path):
    given = (COURSE.given_dir / "errors.py").read_text(encoding="utf-8")
    (submission / "errors.py").write_text(given + "\nclass MyError(KVStoreError): ...\n")
    kept = assemble(COURSE, 1, submission, tmp_path / "kept")
    assert "MyError" in (kept / "errors.py").read_text()
    for broken in ("class LockError(Exception): ...\n", "class (\n", "\0"):
        (submission / "errors.py").write_text(broken)
        replaced = assemble(COURSE, 1, submission, tmp_path / f"replaced{len(broken)}")
        assert (replaced / "errors.py").read_text() == given


def test_init_py_is_never_the_students(submission, tmp_path):
    (submission / "__init__.py").write_text("import os; os._exit(0)\n")
    package = assemble(COURSE, 1, submission, tmp_path / "package")
    given = (COURSE.given_dir / "__init__.py").read_bytes()
    assert (package / "__init__.py").read_bytes() == given


def test_without_a_reference_assist_is_refused_in_one_sentence(submission, tmp_path, monkeypatch):
    monkeypatch.setattr(package_module, "REFERENCE_DIR", tmp_path / "nowhere")
    with pytest.raises(CourseError, match="there is no reference solution here"):
        assemble(COURSE, 3, submission, tmp_path / "package", carried=True)


def test_work_is_laid_out_stage_by_stage_and_never_overwritten(tmp_path):
    work = tmp_path / "kvstore"
    created = lay_out(COURSE, COURSE.stage(1), work)
    assert {path.name for path in created} == {"__init__.py", "errors.py", "rwlock.py", "memory.py"}
    assert is_untouched(COURSE.stage(1), work)
    (work / "memory.py").write_text("# my work\n")
    assert not is_untouched(COURSE.stage(1), work)
    assert lay_out(COURSE, COURSE.stage(1), work) == []
    assert (work / "memory.py").read_text() == "# my work\n"
    later = {path.name for path in lay_out(COURSE, COURSE.stage(4), work)}
    assert later == {"entry.py", "wal.py", "store.py", "snapshot.py"}
