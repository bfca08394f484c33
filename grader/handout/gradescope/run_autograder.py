#!/usr/bin/env python3
"""Gradescope runs this for each submission: grade it, and leave the result where it is looked for.

It runs with whatever Python the image has, so it uses the standard library alone and keeps to what
Python 3.8 knows; the grader runs in the environment that `setup.sh` made. Whatever goes wrong on
our side ends in a result that says so, with 0 points, and with the cause on standard output, which
only instructors see. Invariant: no score is written that the grader did not stand by.

AUTOGRADER_ROOT is for a trial outside of Gradescope.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

# Settings of this assignment.
REQUIRE_ISOLATION = False  # True: grade only behind bubblewrap or Landlock, else give no grade
JOBS = 2  # tests that run at a time; the container's cores are a good number
SECONDS_MAX = 540  # stay below the time limit of the assignment's own settings

FULL_SCORE = 100
SORRY = (
    "Your submission could not be graded. This is not your fault, and it says nothing about your"
    " work: please tell your instructor, who finds the cause in the autograder's output."
)


class AutograderError(Exception):
    """There is no grade; the message is the cause, for instructors."""


def main() -> None:
    """Grade, and write `results/results.json` whatever happens."""
    root = Path(os.environ.get("AUTOGRADER_ROOT", "/autograder"))
    try:
        with tempfile.TemporaryDirectory(prefix="kv-gradescope-") as name:
            results = grade(root, Path(name))
    except (AutograderError, OSError, shutil.Error) as problem:
        print(f"the autograder failed: {problem}")  # noqa: T201
        results = failure()
    (root / "results").mkdir(exist_ok=True)
    text = json.dumps(results, indent=2, ensure_ascii=False)
    (root / "results" / "results.json").write_text(text + "\n", encoding="utf-8")


def grade(root: Path, scratch: Path) -> dict[str, object]:
    """Return the grader's results for the submission; raises `AutograderError` or `OSError`."""
    submissions = scratch / "submissions"
    submissions.mkdir()
    lay_out(root / "submission", submissions)
    out = scratch / "results"
    command = [str(root / "venv" / "bin" / "python"), "-m", "grader", "grade", str(submissions)]
    command += ["--out", str(out), "--jobs", str(JOBS)]
    command += ["--require-isolation"] if REQUIRE_ISOLATION else []
    code = run(command, root / "source" / "course")
    if code != 0:
        raise AutograderError(f"grading ended with exit code {code}")
    found = list(out.glob("*/results.json"))
    if len(found) != 1:
        raise AutograderError(f"grading left {len(found)} results behind, not one")
    return read_results(found[0])


def lay_out(submission: Path, submissions: Path) -> None:
    """Copy what was handed in, as the only one of a class: a folder, or the zip that it holds."""
    entries = [entry for entry in submission.iterdir() if not entry.name.startswith(".")]
    if len(entries) == 1 and entries[0].suffix.lower() == ".zip" and entries[0].is_file():
        shutil.copyfile(entries[0], submissions / "submission.zip", follow_symlinks=False)
        return
    ignored = shutil.ignore_patterns(".*", "__pycache__")
    shutil.copytree(submission, submissions / "submission", symlinks=True, ignore=ignored)


def run(command: list[str], folder: Path) -> int:
    """Run the grader in `folder` and return its exit code; what it says is for instructors."""
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "100", "PYTHONUTF8": "1"}
    process = subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True)
    try:
        return process.wait(SECONDS_MAX)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise AutograderError(f"grading took more than {SECONDS_MAX} s") from None


def read_results(path: Path) -> dict[str, object]:
    """Read the grader's `results.json`; raises `AutograderError` unless it holds a score."""
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
        score = results["score"]
    except (ValueError, KeyError, TypeError) as problem:
        raise AutograderError(f"{path.name} is not what it must be: {problem!r}") from None
    if type(score) not in (int, float) or not 0 <= score <= FULL_SCORE:
        raise AutograderError(f"{path.name} holds the score {score!r}")
    return dict(results)


def failure() -> dict[str, object]:
    """A result that says that there is no grade, and why that is nobody's mark."""
    test = {"name": "The autograder", "score": 0, "max_score": FULL_SCORE, "output": SORRY}
    return {"score": 0, "output": SORRY, "tests": [test]}


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    main()
