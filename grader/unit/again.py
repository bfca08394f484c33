"""Whether what was to be run again was: a test that passes without it is no answer."""

from __future__ import annotations

from collections.abc import Sequence

from grader.course import Stage, load_course
from grader.outcome import Outcome
from grader.replay import ReplayError
from grader.testkit.rerun import Rerun


def check_rerun(rerun: Rerun, outcomes: Sequence[Outcome]) -> None:
    """Raise `ReplayError` unless it was run again, or its test failed before that."""
    if rerun.misfit is not None:
        raise rerun.misfit
    replay = rerun.replay
    test = replay.test
    if not outcomes:
        home = next((s.number for s in load_course().stages if _has_test(s, test)), None)
        where = f"it is a test of stage {home}" if home else "nor has another stage that is here"
        raise ReplayError(f"this stage has no test {test}; {where}")
    if not rerun.is_done and all(outcome.status == "passed" for outcome in outcomes):
        raise ReplayError(
            f"{test} has no {replay.WHOLE} {replay.place}, so nothing was run: search again, the"
            f" tests have changed since this {replay.ONE} was found"
        )


def _has_test(stage: Stage, test: str) -> bool:
    folders = (stage.visible_tests, stage.hidden_tests)
    files = (file for folder in folders for file in folder.glob("test_*.py"))
    return any(f"def {test}(" in file.read_text(encoding="utf-8") for file in files)
