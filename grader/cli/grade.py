"""`python -m grader grade PATH…`: the grades of a class."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from grader.batch import grade_all
from grader.grading.score import Grade
from grader.outcome import Outcome
from grader.report.console import open_console, print_page
from grader.report.grades import class_page, grade_page
from grader.report.words import count
from grader.samples import lay_out_samples
from grader.submission import Submission, find_submissions
from grader.unit.run import new_seed


def grade(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Folders or zips with a package kvstore, or folders of these."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the results go.")] = Path("grades"),
    seed: Annotated[
        int | None, typer.Option(help="Grade with the keys and values of a run.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Runs at a time.")] = os.cpu_count() or 1,
) -> None:
    """Grade submissions; without a path, the bundled samples.

    Writes OUT/NAME/results.json, as Gradescope reads it, and prints the table. The exit code is 0
    if every submission has a grade that the grader itself stands by, whatever its score.
    """
    console = open_console()
    seed = new_seed() if seed is None else seed
    with tempfile.TemporaryDirectory(prefix="kv-grade-") as name:
        scratch = Path(name)
        sources = paths or lay_out_samples(scratch / "samples")
        submissions = find_submissions(sources, scratch / "submissions")
        grades = _grade(submissions, out, seed, jobs)
    for one in grades if len(grades) == 1 else []:
        print_page(console, grade_page(one))
    if len(grades) > 1:
        print_page(console, class_page(grades))
    console.print(f"\n{count(len(grades), 'submission')} graded with --seed {seed}; see {out}/")
    rejected = {s.name for s in submissions if s.package_dir is None}
    grader_failed = any(one.problem and one.submission not in rejected for one in grades)
    raise typer.Exit(1 if grader_failed else 0)


def _grade(submissions: list[Submission], out: Path, seed: int, jobs: int) -> list[Grade]:
    """Grade behind a progress bar that counts submissions and names the test just done."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=open_console(), transient=True) as progress:
        task = progress.add_task("grading", total=len(submissions))

        def report(outcome: Outcome) -> None:
            done = int(progress.tasks[0].completed)
            name = submissions[min(done, len(submissions) - 1)].name
            progress.update(task, description=f"{name}: stage {outcome.stage}")

        grades = []
        for one in grade_all(submissions, out, seed=seed, jobs=jobs, report=report):
            grades.append(one)
            progress.advance(task)
        return grades
