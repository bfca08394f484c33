"""The autograder in a folder laid out like Gradescope's: its two scripts, run as they are there."""

import json
import os
import shutil
import subprocess
import zipfile

import pytest

from grader.course import REFERENCE_DIR
from grader.handout.autograder import write_autograder

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder after `setup.sh`: what Gradescope keeps as an image."""
    root = tmp_path_factory.mktemp("gradescope") / "autograder"
    for name in ("source", "submission", "results"):
        (root / name).mkdir(parents=True)
    archive = root.parent / "autograder.zip"
    write_autograder(archive)
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            (root / "source" / info.filename).parent.mkdir(parents=True, exist_ok=True)
            opened.extract(info, root / "source")
            (root / "source" / info.filename).chmod(info.external_attr >> 16 & 0o777)
    shutil.copy2(root / "source" / "run_autograder", root / "run_autograder")
    execute(root / "source" / "setup.sh", root)
    return root


@pytest.fixture
def root(built):
    """The same with nothing handed in yet."""
    for name in ("submission", "results"):
        shutil.rmtree(built / name)
        (built / name).mkdir()
    return built


def execute(script, root, **environment):
    done = subprocess.run(
        [str(script)],
        cwd=root,
        env={**os.environ, "AUTOGRADER_ROOT": str(root), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout, done.stderr)
    assert done.returncode == 0


def results(root, **environment):
    execute(root / "run_autograder", root, **environment)
    return json.loads((root / "results" / "results.json").read_text("utf-8"))


def hand_in(folder, *names):
    folder.mkdir(parents=True)
    for name in names or [path.name for path in REFERENCE_DIR.glob("*.py")]:
        shutil.copyfile(REFERENCE_DIR / name, folder / name)


def test_the_reference_in_a_checkout_gets_100(root):
    hand_in(root / "submission" / "work" / "kvstore")
    (root / "submission" / "stages").mkdir()
    (root / "submission" / "stages" / "README.md").write_text("# The course\n")
    graded = results(root)
    lost = [test["name"] for test in graded["tests"] if test["score"] < test["max_score"]]
    assert (graded["score"], lost) == (100.0, [])


def test_a_broken_zip_gets_0_and_a_sentence(root):
    (root / "submission" / "work.zip").write_bytes(b"PK\x03\x04 and no more")
    graded = results(root)
    assert graded["score"] == 0
    assert "not a zip file, or it is damaged" in graded["output"]


def test_nothing_handed_in_gets_0_and_a_sentence(root):
    graded = results(root)
    assert graded["score"] == 0
    assert "it holds no files" in graded["output"]


def test_where_bubblewrap_may_not_run_the_next_best_is_used_and_said(root, tmp_path):
    """As in a container without privileges: the program is there and refuses."""
    refusing = tmp_path / "bwrap"
    refusing.write_text("#!/bin/sh\nexit 1\n")
    refusing.chmod(0o755)
    hand_in(root / "submission" / "kvstore", "entry.py")
    graded = results(root, PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert graded["extra_data"]["isolation"] not in ("", "bubblewrap")
    assert graded["extra_data"]["stages"]["stage2"]["earned"] > 0
