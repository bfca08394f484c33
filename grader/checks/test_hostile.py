"""Submissions that misbehave get outcomes with a clear reason, within limits, and harm nothing."""

import time

import pytest

from grader.course import load_course
from grader.unit import Unit, assemble
from grader.unit.collect import collect_tests
from grader.unit.worker import run_in_worker

COURSE = load_course()
STAGE = COURSE.stage(1)
TESTS = 14  # enough to run out of patience
SECONDS_MAX = 60

HOSTILE = {
    "exits-at-import": ("import os\nos._exit(0)", "ended the process with exit code 0"),
    "exits-politely-at-import": ("import sys\nsys.exit(0)", "SystemExit"),
    "loops-at-import": ("while True: pass", "did not return within"),
    "loops-in-a-method": (
        "class MemoryStore:\n    def __init__(self, clock=None):\n        while True: pass",
        "did not return within",
    ),
    "prints-without-end": (
        (
            "class MemoryStore:\n"
            "    def __init__(self, clock=None):\n"
            "        while True: print('spam' * 1000)"
        ),
        "printed more than",
    ),
    "allocates-without-end": (
        (
            "class MemoryStore:\n"
            "    def __init__(self, clock=None):\n"
            "        self.hoard = []\n"
            "        while True: self.hoard.append(bytearray(100_000_000))"
        ),
        "MemoryError",
    ),
    "forks-without-end": (
        (
            "import os\n"
            "class MemoryStore:\n"
            "    def __init__(self, clock=None):\n"
            "        while True:\n"
            "            try: os.fork()\n"
            "            except OSError: pass"
        ),
        "",
    ),
    "deletes-its-own-files": (
        (
            "import os\nfor name in os.listdir(os.path.dirname(__file__)):\n"
            "    os.unlink(os.path.join(os.path.dirname(__file__), name))"
        ),
        "",
    ),
    "kills-its-parent": (
        "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nos.kill(-1, signal.SIGKILL)",
        "",
    ),
    "raises-at-import": ("1 / 0", "ZeroDivisionError"),
    "is-not-python": ("def set(:", "line 1: "),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_submission_gets_outcomes_with_a_reason(name, tmp_path):
    source, reason = HOSTILE[name]
    submission = tmp_path / "submission"
    submission.mkdir()
    for file in STAGE.files:
        (submission / file).write_text(source + "\n")
    package = assemble(COURSE, 1, submission, tmp_path / "package")
    started = time.monotonic()
    only = tuple(outcome.name for outcome in collect_tests(1)[:TESTS])
    result = run_in_worker(Unit(1, str(package), seed=1, only=only))
    assert time.monotonic() - started < SECONDS_MAX
    assert result.problem == ""
    assert len(result.outcomes) == TESTS
    statuses = {outcome.status for outcome in result.outcomes}
    assert statuses <= {"failed", "timeout", "crashed", "skipped"}, statuses
    reasons = [outcome.failure.reason for outcome in result.outcomes]
    assert all(reasons)
    assert any(reason in said for said in reasons), set(reasons)
    assert (submission / "memory.py").read_text() == source + "\n"
