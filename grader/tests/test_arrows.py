"""The arrows of docs/design.md: who may import whom."""

import ast
import sys
from pathlib import Path

import pytest

from grader.course import ROOT, load_course

STAGES = load_course().stages


def imported(path):
    """Every module that a file names in an import, absolute."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level + (node.module or ""))
    return names


def files(*folders):
    return [path for folder in folders for path in sorted(Path(folder).rglob("*.py"))]


def is_standard(name):
    return name.partition(".")[0] in sys.stdlib_module_names


def strangers(paths, allowed):
    return {
        (str(path.relative_to(ROOT)), name)
        for path in paths
        for name in imported(path)
        if not (is_standard(name) or allowed(name))
    }


def test_stage_tests_import_the_test_kit_and_nothing_else():
    tests = files(*(s.visible_tests for s in STAGES), *(s.hidden_tests for s in STAGES))
    assert tests
    assert strangers(tests, lambda name: name.startswith("grader.testkit")) == set()


@pytest.mark.parametrize("folder", ["solution/kvstore", "stages/given"])
def test_the_reference_stands_on_the_standard_library(folder):
    assert strangers(files(ROOT / folder), lambda name: name.startswith(".")) == set()


def test_skeletons_stand_on_the_standard_library():
    skeletons = files(*(stage.skeleton for stage in STAGES))
    assert strangers(skeletons, lambda name: name.startswith(".")) == set()


def test_the_agent_stands_on_the_standard_library():
    assert (
        strangers(
            files(ROOT / "grader/agent"), lambda name: name.startswith((".", "grader_agent."))
        )
        == set()
    )


def test_the_oracle_knows_no_agent_and_no_session():
    own = files(ROOT / "grader/oracle")
    assert strangers(own, lambda name: name.startswith("grader.oracle")) == set()


def test_the_grader_never_imports_a_package_under_test():
    own = [path for path in files(ROOT / "grader") if "samples" not in path.parts]
    guilty = {
        (str(path.relative_to(ROOT)), name)
        for path in own
        for name in imported(path)
        if name.partition(".")[0] in ("kvstore", "solution", "stages")
    }
    assert guilty == set()


def test_a_stage_file_imports_only_files_of_earlier_stages_and_given_ones():
    given = {name.removesuffix(".py") for name in load_course().given}
    home = {file.removesuffix(".py"): s.number for s in STAGES for file in s.files}
    # Stage 4's store.py asks snapshot.py, whose skeleton answers "there is none": the one arrow
    # forward.
    forward = {("store", "snapshot")}
    for folder in (ROOT / "solution/kvstore", *(stage.skeleton for stage in STAGES)):
        for path in sorted(folder.glob("*.py")):
            if path.stem not in home:
                continue
            for name in imported(path):
                if not name.startswith(".") or name == ".":
                    continue
                target = name.lstrip(".")
                ok = target in given or home.get(target, 99) <= home[path.stem]
                assert ok or (path.stem, target) in forward, f"{path} imports {name}"


@pytest.mark.parametrize("leaf", ["attacks", "mutants", "handout"])
def test_proofs_and_hand_outs_are_leaves(leaf):
    """Nothing that grades needs them; the command line, their own tests, the attacks that are built
    on mutants and what measures may.
    """
    inside = (ROOT / "grader" / leaf, ROOT / "grader" / "cli" / f"{leaf}.py")
    outside = [
        path
        for path in files(ROOT / "grader")
        if not any(home in (path, *path.parents) for home in inside)
        and not {"tests", "checks", "attacks", "benchmarks"} & set(path.parts)
        and path.parent.name != "cli"
    ]
    users = {
        path.relative_to(ROOT).as_posix()
        for path in outside
        if any(name.startswith(f"grader.{leaf}") for name in imported(path))
    }
    assert len(outside) > 100
    assert users == set()
