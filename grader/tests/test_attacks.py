"""The attacks' data is well formed; whether they are beaten is `grader/checks/test_attacks.py`."""

import ast
import zipfile

import pytest

from grader.attacks.catalog import CODE_DIR, MARK, AttackError, choose_attacks, load_attacks
from grader.attacks.layout import lay_out, package_files
from grader.course import load_course
from grader.submission import find_submissions

ATTACKS = load_attacks()
NAMES = [attack.name for attack in ATTACKS]
UNPARSABLE = {"compiler-bomb"}  # on purpose


def points_by_test(stage):
    """The points of every test of a stage, read from the sources."""
    points = {}
    for folder in (stage.visible_tests, stage.hidden_tests):
        for path in folder.glob("test_*.py"):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.FunctionDef):
                    for mark in node.decorator_list:
                        if isinstance(mark, ast.Call) and getattr(mark.func, "id", "") == "points":
                            points[node.name] = float(mark.args[0].value)
    return points


POINTS = {stage.number: points_by_test(stage) for stage in load_course().stages}


def test_there_are_enough_of_them():
    assert len(ATTACKS) >= 50
    assert len({attack.group for attack in ATTACKS}) >= 6


@pytest.mark.parametrize("attack", ATTACKS, ids=NAMES)
def test_an_attack_aims_at_tests_that_there_are(attack):
    known = POINTS[attack.stage]
    assert set(attack.only) <= set(known)
    assert bool(attack.only) != bool(attack.twin)
    worth = sum(known[name] for name in attack.only)
    assert 0 <= attack.honest <= worth


@pytest.mark.parametrize("attack", ATTACKS, ids=NAMES)
def test_an_attack_says_what_it_does_in_a_sentence(attack):
    assert attack.technique.endswith(".")
    assert attack.technique[0].isupper()
    assert 0 < attack.seconds <= 200


@pytest.mark.parametrize("attack", ATTACKS, ids=NAMES)
def test_an_attack_is_python_and_its_defect_a_mutant(attack):
    if attack.name in UNPARSABLE:
        return
    for place, text in package_files(attack).items():
        if place.endswith(".py") and place.isascii() and attack.name != "two-packages":
            ast.parse(text)
    for text in attack.twin.values():
        ast.parse(text)


def test_every_shared_code_is_used():
    used = {f"{name}.txt" for attack in ATTACKS for name in attack.code.values()}
    assert {path.name for path in CODE_DIR.iterdir()} == used


@pytest.mark.parametrize("attack", ATTACKS, ids=NAMES)
def test_an_attack_can_be_laid_out_and_taken_in(attack, tmp_path):
    path = lay_out(attack, tmp_path / "submissions", "kvmark1")
    (submission,) = find_submissions([path], tmp_path / "copies")
    if submission.package_dir is None:
        assert submission.problem
        assert attack.group in ("intake", "shown")
    else:
        sources = [file.read_bytes() for file in submission.package_dir.iterdir()]
        assert not any(MARK.encode() in source for source in sources)


def test_an_attack_may_have_anything_in_its_zip(tmp_path):
    attack = choose_attacks(["zip-slip"])[0]
    with zipfile.ZipFile(lay_out(attack, tmp_path, "kvmark1")) as archive:
        names = [info.orig_filename for info in archive.infolist()]
    assert "../../../kvmark1.py" in names


def test_an_unknown_name_is_refused():
    with pytest.raises(AttackError, match="no attack and no group 'nobody'"):
        choose_attacks(["nobody"])


def test_a_group_is_all_of_its_attacks():
    group = choose_attacks(["values"])
    assert len(group) > 1
    assert {attack.group for attack in group} == {"values"}
