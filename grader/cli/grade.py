"""`python -m grader grade PATH…`: the grades of a class."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from grader.batch import Batch
from grader.batch.cache import CACHE_DIR, Cache, grader_digest
from grader.batch.compare import compare, grade_of, grades_before
from grader.batch.journal import Past, read_journal
from grader.course import Course, load_course
from grader.grading.model import Grade
from grader.grading.rubric import Rubric, load_rubric
from grader.publish import publish_class, publish_student, without_details
from grader.remote.process import choose_isolation
from grader.report.changes import changes_page
from grader.report.console import open_console, print_page
from grader.report.grades import class_page, grade_page
from grader.report.progress import BatchProgress
from grader.report.words import count, plain
from grader.samples import lay_out_samples
from grader.sandbox import require
from grader.submission import Submission, find_submissions
from grader.unit.collect import collect_tests


def grade(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Folders or archives with a package kvstore, or folders of these."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the results go.")] = Path("grades"),
    rubric: Annotated[
        Path | None, typer.Option(help="Weights, points, lateness, manual marks (TOML).")
    ] = None,
    roster: Annotated[Path | None, typer.Option(help="Whose submission is whose (CSV).")] = None,
    seed: Annotated[
        int | None, typer.Option(help="Grade with the keys and values of a run.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Runs at a time.")] = os.cpu_count() or 1,
    cache: Annotated[
        Path, typer.Option(help="What is known of unchanged work, which need not run again.")
    ] = CACHE_DIR,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Neither use it nor add to it.")
    ] = False,
    twice: Annotated[
        bool, typer.Option("--twice", help="Run everything twice, and flag what differs.")
    ] = False,
    regrade: Annotated[
        bool, typer.Option("--regrade", help="Run all again, and print old against new.")
    ] = False,
    isolation: Annotated[
        str | None, typer.Option(help="These walls and no others, such as bubblewrap.")
    ] = None,
    require_isolation: Annotated[
        bool,
        typer.Option(
            "--require-isolation", help="Refuse to grade where code is not walled off whole."
        ),
    ] = False,
) -> None:
    """Grade submissions; without a path, the bundled samples.

    Writes a folder for each submission and the files about the class, and prints the table. A run
    that was killed goes on where it was. The exit code is 0 if every submission has a grade that
    the grader itself stands by, whatever its score.
    """
    console = open_console()
    walls = choose_isolation(isolation)
    if require_isolation:
        require(walls)
    course, rules = load_course(), load_rubric(rubric)
    before = grades_before(out, course) if regrade else []
    past = read_journal(out) if regrade else Past()
    if seed is None and past.run is not None:
        seed = past.run.seed
    with tempfile.TemporaryDirectory(prefix="kv-grade-") as name:
        scratch = Path(name)
        sources = paths or lay_out_samples(scratch / "samples")
        submissions = find_submissions(
            sources, scratch / "submissions", roster, lambda said: console.print(plain(said))
        )
        rules.check_names(_tests(course), [submission.entry for submission in submissions])
        with BatchProgress(console, len(submissions), len(_tests(course))) as progress:
            batch = Batch(
                course=course,
                out=out,
                isolation=walls.key,
                watch=progress,
                seed=seed,
                jobs=jobs,
                cache=None if no_cache else Cache(cache, grader_digest(), walls.key),
                twice=twice,
                again=regrade,
                before=past,
            )
            grades = _grades(batch, submissions, rules, progress)
    publish_class(out, course, grades, rules)
    _show(console, grades, out)
    if regrade:
        print_page(console, changes_page(compare(before, grades)))
    raise typer.Exit(1 if any(_grader_failed(one) for one in grades) else 0)


def _tests(course: Course) -> list[str]:
    return [test.test for stage in course.stages for test in collect_tests(stage.number)]


def _grades(
    batch: Batch, submissions: Sequence[Submission], rules: Rubric, progress: BatchProgress
) -> list[Grade]:
    """Grade what the batch sees as it sees it; the grades are in the submissions' order."""
    grades: dict[str, Grade] = {}
    for evidence in batch.run(submissions):
        one = grade_of(evidence, rules, batch.course)
        publish_student(batch.out, batch.course, one)
        grades[one.submission] = one if len(submissions) == 1 else without_details(one)
        progress.finished(one.submission)
    return [grades[submission.entry.name] for submission in submissions]


def _show(console: Console, grades: Sequence[Grade], out: Path) -> None:
    for one in grades if len(grades) == 1 else []:
        print_page(console, grade_page(one))
    if len(grades) > 1:
        print_page(console, class_page(grades))
    seeds = ", ".join(sorted({str(one.seed) for one in grades}))
    console.print(f"\n{count(len(grades), 'submission')} graded with --seed {seeds}")
    console.print(f"see {out / 'index.html'}")


def _grader_failed(one: Grade) -> bool:
    """Whether the problem is the grader's and not that of a rejected submission."""
    return bool(one.problem) and not one.entry.problem
