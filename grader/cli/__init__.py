"""The command line: `python -m grader COMMAND`, one file a command.

A command's file holds its options, its exit code and what it prints; the work is done elsewhere. A
mistake in the caller's input or in the course's own data is one sentence on standard error and exit
code 2, never a traceback.
"""

from __future__ import annotations

import sys

import typer

from grader.cli import grade, hint, mutants, stage
from grader.course import CourseError
from grader.grading.score import GradingError
from grader.grading.weights import WeightsError
from grader.hints import HintError
from grader.mutants.catalog import MutantError
from grader.quality.settings import QualityError
from grader.submission import SubmissionError

_MISTAKES = (
    OSError,
    CourseError,
    GradingError,
    HintError,
    MutantError,
    QualityError,
    SubmissionError,
    WeightsError,
)

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
app.command()(stage.stage)
app.command()(hint.hint)
app.command()(grade.grade)
app.command()(mutants.mutants)


def main() -> None:
    """Run the command line."""
    try:
        app()
    except _MISTAKES as problem:
        print(f"grader: {problem}", file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)  # noqa: T201
        raise SystemExit(130) from None
