"""The files of a class, on disk."""

import json

import pytest

from grader.export import write_class_exports, write_student_exports
from grader.tests.make_exports import small_class


def test_the_files_about_a_submission(tmp_path):
    write_student_exports(tmp_path / "alice", small_class()[0])
    files = sorted(path.name for path in (tmp_path / "alice").iterdir())
    assert files == ["classroom.json", "junit.xml", "results.json"]
    assert json.loads((tmp_path / "alice/results.json").read_bytes())["score"] == 100.0


def test_the_files_about_a_class_are_the_same_every_time(tmp_path):
    write_class_exports(tmp_path, small_class())
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sorted(files) == ["canvas.csv", "class.csv", "junit.xml", "moodle.csv"]
    write_class_exports(tmp_path, small_class())
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == files


def test_a_format_that_fails_leaves_no_other(tmp_path, monkeypatch):
    monkeypatch.setattr("grader.export.write.encode_class_junit", lambda grades: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_class_exports(tmp_path, small_class())
    assert list(tmp_path.iterdir()) == []
