"""Gradescope's zip, and the script in it: whatever goes wrong there, nobody gets marks for it."""

import ast
import importlib.util
import io
import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from grader.course import ROOT, load_course
from grader.handout.autograder import SCRIPTS, make_autograder, write_autograder
from grader.handout.errors import HandoutError
from grader.tests.outgoing import missing_imports

SCRIPT = SCRIPTS["run_autograder"]
GRADED = {"score": 62.5, "tests": [], "extra_data": {"isolation": "landlock"}}


@pytest.fixture(scope="module")
def archive():
    with zipfile.ZipFile(io.BytesIO(make_autograder())) as opened:
        yield opened


@pytest.fixture(scope="module")
def places(archive):
    return archive.namelist()


# The zip.


def test_two_zips_are_the_same_bytes():
    assert make_autograder() == make_autograder()


def test_the_scripts_are_at_the_top_and_can_be_executed(archive, places):
    top = [place for place in places if "/" not in place]
    assert top == ["run_autograder", "setup.sh"]
    for name in top:
        assert archive.getinfo(name).external_attr >> 16 == 0o100755
        assert archive.read(name).startswith(b"#!/usr/bin/env ")
        assert b"\r" not in archive.read(name)


def test_it_holds_what_grading_takes(places):
    for stage in load_course().stages:
        for name in stage.files:
            assert f"course/solution/kvstore/{name}" in places
            assert f"course/stages/{stage.folder.name}/skeleton/{name}" in places
        for tests in (stage.visible_tests, stage.hidden_tests):
            for path in tests.glob("test_*.py"):
                assert f"course/{path.relative_to(ROOT).as_posix()}" in places


def test_it_holds_nothing_that_only_proves_the_grader_right(places):
    ours = ("checks", "tests", "mutants", "attacks", "benchmarks", "handout")
    assert [
        p for p in places if p.startswith(tuple(f"course/grader/{name}" for name in ours))
    ] == []
    assert [p for p in places if p.startswith("course/solution/tests")] == []
    samples = [p for p in places if p.startswith("course/grader/samples/")]
    assert samples in ([], ["course/grader/samples/__init__.py"])
    assert [p for p in places if "__pycache__" in p or p.endswith(".pyc")] == []


def test_all_that_it_imports_is_in_it_or_declared(archive, places):
    texts = {
        place.removeprefix("course/"): archive.read(place).decode()
        for place in places
        if place.endswith(".py")
    }
    project = tomllib.loads(archive.read("course/pyproject.toml").decode())["project"]
    declared = {name.partition(">")[0] for name in project["dependencies"]}
    modules = {"yaml" if name == "pyyaml" else name for name in declared}
    assert missing_imports(texts, modules.__contains__) == set()


def test_the_command_writes_the_zip_and_refuses_another_name(tmp_path):
    target = tmp_path / "build" / "autograder.zip"
    assert write_autograder(target) == target.stat().st_size
    assert [path.name for path in target.parent.iterdir()] == ["autograder.zip"]
    with pytest.raises(HandoutError, match=r"let it end in \.zip"):
        write_autograder(ROOT / "README.md")


def test_setup_is_a_shell_script(archive):
    done = subprocess.run(["bash", "-n"], input=archive.read("setup.sh"), check=False)
    assert done.returncode == 0


# The script.


def test_the_script_is_within_what_an_old_python_knows():
    ast.parse(SCRIPT.read_text("utf-8"), feature_version=(3, 8))


@pytest.fixture
def autograder(tmp_path):
    """A folder laid out like Gradescope's, with a student's package in it."""
    package = tmp_path / "submission" / "work" / "kvstore"
    package.mkdir(parents=True)
    (package / "memory.py").write_text("x = 1\n")
    (tmp_path / "source" / "course").mkdir(parents=True)
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def script():
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("run_autograder", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def install(autograder, body):
    """Put a stand-in for the grader in place: `arguments` are what it was called with."""
    python = autograder / "venv" / "bin" / "python"
    start = "import json, pathlib, sys, time\narguments = sys.argv[1:]\n"
    start += "out = pathlib.Path(arguments[arguments.index('--out') + 1])\n"
    start += "def leave(name, text):\n"
    start += "    (out / name).mkdir(parents=True)\n"
    start += "    (out / name / 'results.json').write_text(text)\n"
    python.write_text(f"#!{sys.executable}\n{start}{body}\n")
    python.chmod(0o755)


def run(autograder):
    done = subprocess.run(
        [sys.executable, str(SCRIPT)],
        env={**os.environ, "AUTOGRADER_ROOT": str(autograder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads((autograder / "results" / "results.json").read_text("utf-8")), done.stdout


def test_the_graders_results_go_where_gradescope_looks(autograder):
    install(autograder, f"leave('submission', {json.dumps(GRADED)!r})")
    assert run(autograder)[0] == GRADED


def test_the_submission_is_the_only_one_of_a_class(autograder):
    """A checkout has other folders beside work/: none of them is a submission of its own."""
    (autograder / "submission" / "stages").mkdir()
    (autograder / "submission" / ".git").mkdir()
    body = (
        "given = pathlib.Path(arguments[3])\n"
        "found = sorted(str(path.relative_to(given)) for path in given.rglob('*'))\n"
    )
    install(autograder, f"{body}leave('s', json.dumps({{'score': 0, 'found': found}}))")
    package = ["work", "work/kvstore", "work/kvstore/memory.py"]
    inside = ["submission", *(f"submission/{place}" for place in ["stages", *package])]
    assert run(autograder)[0]["found"] == inside


def test_a_zip_that_was_handed_in_as_such_is_graded_as_such(script, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "Work.ZIP").write_bytes(b"PK")
    (tmp_path / "class").mkdir()
    script.lay_out(tmp_path / "in", tmp_path / "class")
    assert [path.name for path in (tmp_path / "class").iterdir()] == ["submission.zip"]


WRONG = {
    "exit code 1": f"leave('s', {json.dumps(GRADED)!r}); sys.exit(1)",
    "0 results behind": "",
    "2 results behind": f"leave('s', {json.dumps(GRADED)!r}); leave('t', {json.dumps(GRADED)!r})",
    "holds the score 1000": "leave('s', '{\"score\": 1000}')",
    "holds the score nan": "leave('s', '{\"score\": NaN}')",
    "holds the score '100'": "leave('s', '{\"score\": \"100\"}')",
    "holds the score True": "leave('s', '{\"score\": true}')",
    "KeyError('score')": "leave('s', '{}')",
    "TypeError": "leave('s', '[1]')",
    "JSONDecodeError": "leave('s', '{\"score\": 10')",
}


@pytest.mark.parametrize("cause", WRONG)
def test_a_failure_of_ours_is_said_and_worth_nothing(autograder, cause):
    install(autograder, WRONG[cause])
    results, said = run(autograder)
    assert results["score"] == 0
    assert "not your fault" in results["output"]
    assert cause not in results["output"]
    assert f"{cause}" in said


def test_without_the_environment_a_failure_is_said(autograder):
    results, said = run(autograder)
    assert results["score"] == 0
    assert "the autograder failed" in said


def test_a_run_that_takes_too_long_is_ended(autograder, script, monkeypatch):
    install(autograder, "time.sleep(600)")
    monkeypatch.setattr(script, "SECONDS_MAX", 0.2)
    monkeypatch.setenv("AUTOGRADER_ROOT", str(autograder))
    script.main()
    results = json.loads((autograder / "results" / "results.json").read_text("utf-8"))
    assert results == script.failure()


@pytest.mark.parametrize("required", [True, False])
def test_isolation_can_be_required(autograder, script, monkeypatch, required):
    install(autograder, "leave('s', json.dumps({'score': 0, 'arguments': arguments}))")
    monkeypatch.setattr(script, "REQUIRE_ISOLATION", required)
    monkeypatch.setenv("AUTOGRADER_ROOT", str(autograder))
    script.main()
    results = json.loads((autograder / "results" / "results.json").read_text("utf-8"))
    assert ("--require-isolation" in results["arguments"]) is required


def test_a_submission_that_cannot_be_copied_is_a_failure_of_ours(autograder):
    install(autograder, f"leave('submission', {json.dumps(GRADED)!r})")
    os.mkfifo(autograder / "submission" / "pipe")
    results, said = run(autograder)
    assert results["score"] == 0
    assert "pipe" in said


def test_links_are_copied_as_links(script, tmp_path):
    """What they lead to is for the intake to refuse."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "secret.py").symlink_to("/etc/passwd")
    (tmp_path / "in" / "memory.py").write_text("x = 1\n")
    (tmp_path / "class").mkdir()
    script.lay_out(tmp_path / "in", tmp_path / "class")
    copied = tmp_path / "class" / "submission" / "secret.py"
    assert copied.readlink() == Path("/etc/passwd")
