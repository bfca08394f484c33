"""The command line: `python -m grader COMMAND`, one file a command.

A command's file holds its options, its exit code and what it prints; the work is done elsewhere. A
mistake in the caller's input or in the course's own data is one sentence on standard error and exit
code 2, never a traceback. A hand-out holds fewer commands than the course: one whose file is absent
is not there. Only the command that was asked for is imported: a student's run waits for no other.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import typer

from grader.mistake import MistakeError

# In the order in which `--help` lists them; each is a function in the module of its name.
COMMANDS = (
    "stage",
    "hint",
    "inspect",
    "race",
    "grade",
    "rescore",
    "attacks",
    "mutants",
    "handout",
    "gradescope",
)


def main() -> None:
    """Run the command line."""
    try:
        make_app(sys.argv[1:2])()
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)  # noqa: T201
        raise SystemExit(130) from None
    except (OSError, MistakeError) as problem:
        print(f"grader: {problem}", file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None


def make_app(asked: list[str]) -> typer.Typer:
    """Return the command line with the one command in `asked`, or with all that are here."""
    app = typer.Typer(
        help="Run the course's tests, and grade what comes of them.",
        callback=lambda: None,  # keeps the command's name in the usage when there is only one
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    here = [name for name in COMMANDS if (Path(__file__).parent / f"{name}.py").is_file()]
    for name in [name for name in here if name in asked] or here:
        app.command()(getattr(importlib.import_module(f"{__name__}.{name}"), name))
    return app
