"""Outcomes and units for the tests of grading; what a test does not care about is filled in."""

import dataclasses
from typing import Any

from grader.grading.model import Entry, Evidence, Grade, QualityMark, StageRun
from grader.grading.rubric import Rubric, load_rubric
from grader.grading.score import make_grade
from grader.outcome import Outcome, Status, Suite, UnitResult

WEIGHTS: dict[Suite, float] = {
    "correctness": 25.0,
    "concurrency": 25.0,
    "persistence": 20.0,
    "protocol": 15.0,
    "quality": 15.0,
}
SEED = 123


def outcome(
    stage: int, name: str, suite: Suite, points: float, status: Status = "passed", **more: Any
) -> Outcome:
    """One outcome."""
    fields: dict[str, Any] = {
        "title": f"{name} works",
        "hint": "h",
        "hidden": False,
        "seconds": 1.0,
    }
    return Outcome(
        test=f"stage{stage}/tests/test_all.py::test_{name}",
        stage=stage,
        suite=suite,
        points=points,
        status=status,
        **(fields | more),
    )


def unit(stage: int, *outcomes: Outcome, **more: Any) -> UnitResult:
    """One unit's result."""
    fields: dict[str, Any] = {"seed": SEED, "isolation": "bubblewrap"}
    return UnitResult(stage=stage, outcomes=outcomes, **(fields | more))


def stage1(*failing: str, status: Status = "failed") -> UnitResult:
    """Stage 1 with 3 points of correctness and 5 of concurrency."""
    points: list[tuple[str, Suite, float]] = [
        ("set", "correctness", 1.0),
        ("get", "correctness", 2.0),
        ("threads", "concurrency", 5.0),
    ]
    return unit(1, *_outcomes(1, points, failing, status))


def stage2(*failing: str, status: Status = "failed") -> UnitResult:
    """Stage 2 with 4 points of persistence and 6 of protocol."""
    points: list[tuple[str, Suite, float]] = [
        ("torn", "persistence", 4.0),
        ("parse", "protocol", 3.0),
        ("errors", "protocol", 3.0),
    ]
    return unit(2, *_outcomes(2, points, failing, status))


def marks(stage1: float = 1.0, stage2: float = 1.0) -> list[QualityMark]:
    """One quality mark for each of the two stages, of 1."""
    return [QualityMark(1, "style", stage1, 1.0), QualityMark(2, "style", stage2, 1.0)]


def runs(
    first: UnitResult | None = None,
    second: UnitResult | None = None,
    carried: UnitResult | None = None,
) -> list[StageRun]:
    """Both stages, perfect unless told otherwise."""
    return [StageRun(1, first or stage1()), StageRun(2, second or stage2(), carried)]


def a_rubric(**fields: Any) -> Rubric:
    """The bundled rubric, some of it changed."""
    return dataclasses.replace(load_rubric(), **fields)


def evidence(name: str = "submission-01", **fields: Any) -> Evidence:
    """What a perfect run of both stages showed."""
    fields = {"runs": tuple(runs()), "quality": tuple(marks()), "seed": SEED, **fields}
    return Evidence(**({"entry": Entry(name, digest="0a")} | fields))


def graded(name: str = "submission-01", rubric: Rubric | None = None, **fields: Any) -> Grade:
    """The grade of a perfect run of both stages, some of its evidence changed."""
    return make_grade(evidence(name, **fields), rubric or load_rubric(), (1, 2))


def rejected(name: str, problem: str) -> Grade:
    """The grade of a submission in which there was nothing to run."""
    nothing = Evidence(Entry(name, problem=problem), SEED)
    return make_grade(nothing, load_rubric(), (1, 2))


def _outcomes(
    stage: int, points: list[tuple[str, Suite, float]], failing: tuple[str, ...], status: Status
) -> list[Outcome]:
    return [
        outcome(stage, name, suite, worth, status if name in failing else "passed")
        for name, suite, worth in points
    ]
