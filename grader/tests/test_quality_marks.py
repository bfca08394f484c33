"""The marks of whole packages, stage by stage."""

import msgspec
import pytest

from grader.course import load_course
from grader.quality.marks import FINDINGS_MAX, measure_quality
from grader.quality.settings import QualityError, load_settings

COURSE = load_course()
GOOD = '''"""Values by key."""


def get(key: str) -> str:
    """Look up."""
    return key


get("key")
'''
BARE = "def get(key):\n    return key\n\n\nget(1)\n"
CHECKS = ("style", "complexity", "type-hints", "docstrings")


@pytest.fixture
def marks(package):
    """The marks of a package by stage and check; a file of the course is good unless given."""

    def marks(only=False, **modules):
        files = {f.removesuffix(".py"): GOOD for stage in COURSE.stages for f in stage.files}
        found = measure_quality(package(**({} if only else files) | modules), COURSE)
        assert len(found) == len(COURSE.stages) * len(CHECKS)
        return {(mark.stage, mark.check): mark for mark in found}

    return marks


def earned(found, stage):
    return [round(found[stage, check].earned, 3) for check in CHECKS]


def test_a_good_package_earns_everything(marks):
    found = marks()
    assert all(mark.earned == mark.available == 1.0 for mark in found.values())
    assert not any(mark.findings for mark in found.values())


def test_a_stage_is_the_mean_of_its_files(marks):
    found = marks(memory=BARE)
    assert earned(found, 1) == [1, 1, 0.5, 0.5]
    assert earned(found, 2) == [1, 1, 1, 1]
    assert found[1, "docstrings"].findings == (
        "memory.py:1: it has no docstring",
        "memory.py:1: get has no docstring",
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x = 1\n",
        '"""Docs."""\n',
        "def f(:\n",
        GOOD + "raise NotImplementedError('stage 3: x')\n",
    ],
)
def test_a_file_that_counts_for_nothing_earns_nothing(marks, text):
    found = marks(wal=text)
    assert earned(found, 3) == [0, 0, 0, 0]
    assert len(found[3, "style"].findings) == 1


def test_an_empty_submission_earns_nothing(marks):
    found = marks(only=True)
    assert not any(mark.earned for mark in found.values())
    assert found[2, "style"].findings == ("entry.py is missing",)


def test_the_skeletons_earn_nothing_where_something_is_unwritten(package):
    modules = {
        path.stem: path.read_text(encoding="utf-8")
        for stage in COURSE.stages
        for path in stage.skeleton.glob("*.py")
        if "NotImplementedError" in path.read_text(encoding="utf-8")
    }
    found = {(m.stage, m.check): m for m in measure_quality(package(**modules), COURSE)}
    assert not any(mark.earned for mark in found.values())


def test_code_moved_elsewhere_is_measured_where_it_is_used_first(marks):
    found = marks(
        memory=GOOD + "\n\nfrom .more import get\n", more="from . import last\n", last=BARE
    )
    assert found[1, "type-hints"].earned == pytest.approx((1 + 2 / 4) / 2)
    assert "last.py:1: get has no type for what it returns" in found[1, "type-hints"].findings
    assert earned(found, 2)[2:] == [1, 1]


def test_a_given_file_counts_once_it_was_changed(marks):
    uses = GOOD + "\n\nfrom .errors import KVStoreError\n"
    assert earned(marks(memory=uses), 1)[2] == 1.0
    assert earned(marks(memory=uses, errors=BARE), 1)[2] == 0.75


def test_an_own_file_that_nobody_imports_is_left_aside(marks):
    assert earned(marks(lonely=BARE), 1) == [1, 1, 1, 1]


def test_too_many_own_files_are_not_measured(marks, monkeypatch):
    monkeypatch.setattr("grader.quality.marks.OWN_FILES_MAX", 1)
    found = marks(entry=GOOD + "\nfrom . import one\n", one=GOOD, two=GOOD)
    assert earned(found, 2) == [0, 0, 0, 0]
    assert found[2, "style"].findings == (
        "there are more than 1 files that the course does not know",
    )


def test_only_the_first_findings_are_listed(marks):
    findings = marks(wal="\n".join(f"def f{n}(): ...\nf{n}()" for n in range(30)))[
        3, "docstrings"
    ].findings
    assert len(findings) == FINDINGS_MAX + 1
    assert findings[-1] == "and 21 more"


def test_points_come_from_the_settings(package):
    settings = load_settings()
    settings = msgspec.structs.replace(settings, points={**settings.points, "style": 4.0})
    found = measure_quality(package(entry=GOOD), COURSE, settings)
    assert found[4].earned == found[4].available == 4.0


def test_settings_that_name_other_checks_are_refused(package):
    settings = msgspec.structs.replace(load_settings(), points={"beauty": 1.0})
    with pytest.raises(QualityError, match="style, complexity"):
        measure_quality(package(), COURSE, settings)


def test_the_same_package_gets_the_same_marks(marks):
    assert marks(memory=BARE, wal="def f(:") == marks(memory=BARE, wal="def f(:")
