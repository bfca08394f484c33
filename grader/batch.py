"""Grade many submissions, one after the other, each with several units at a time.

Each unit gets a freshly assembled package in a folder of its own, and a worker process of its own:
whatever a submission does to either, the next unit and the next submission start clean.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from grader.course import load_course
from grader.grading.grade import Grading
from grader.grading.results import write_results
from grader.grading.score import Grade
from grader.grading.weights import load_weights
from grader.outcome import Outcome, UnitResult
from grader.submission import Submission
from grader.unit import Unit, assemble
from grader.unit.collect import collect_tests
from grader.unit.worker import run_in_worker


def grade_all(
    submissions: Iterable[Submission],
    out: Path,
    *,
    seed: int,
    jobs: int,
    report: Callable[[Outcome], None] = lambda outcome: None,
) -> Iterator[Grade]:
    """Grade each submission and write `out/NAME/results.json`; yield each grade as it is ready.

    `report` is told each outcome as it comes, from several threads.
    """
    course = load_course()

    def run(stage: int, submission: Submission, *, carried: bool) -> UnitResult:
        assert submission.package_dir is not None
        with tempfile.TemporaryDirectory(prefix="kv-unit-") as name:
            package = assemble(course, stage, submission.package_dir, Path(name), carried=carried)
            return run_in_worker(Unit(stage, str(package), seed), report)

    grading = Grading(
        course=course,
        weights=load_weights(),
        seed=seed,
        run=run,
        collect=collect_tests,
        jobs=jobs,
    )
    for submission in submissions:
        grade = grading.grade(submission)
        write_results(out / submission.name / "results.json", grade)
        yield grade
