"""Every job by name, such as `nox -s stage3`; `nox -l` lists them.

All sessions share one virtual environment, `.nox/env`, made once and reused until `pyproject.toml`
changes: a student who runs `nox -s stage1` fifty times a day waits for the tests and for nothing
else.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import nox

ROOT = Path(__file__).parent
ENV = ROOT / ".nox" / "env"
PYTHON = ENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")

nox.options.sessions = ["stage1"]
nox.options.default_venv_backend = "none"
nox.options.error_on_external_run = False


def prepare(session: nox.Session, *groups: str) -> None:
    """Make the shared environment, or add dependency groups to it, unless that was done for this
    pyproject.toml.
    """
    state = (ROOT / "pyproject.toml").read_bytes() + sys.version.encode()
    stamp = hashlib.sha256(state).hexdigest()
    if not PYTHON.exists():
        session.log("making the environment, which takes a minute the first time")
        session.run(sys.executable, "-m", "virtualenv", "--quiet", str(ENV), silent=True)
    for group in ("", *groups):
        done = ENV / f"installed-{group or 'course'}"
        if done.exists() and done.read_text() == stamp:
            continue
        what = ["--group", group] if group else ["--editable", "."]
        upgrade = ["--upgrade", "pip>=25.1"] if not group else []
        if upgrade:
            session.run(str(PYTHON), "-m", "pip", "install", "--quiet", *upgrade, silent=True)
        session.run(str(PYTHON), "-m", "pip", "install", "--quiet", *what)
        done.write_text(stamp)


def grader(session: nox.Session, *arguments: str) -> None:
    """Run `python -m grader` in the shared environment; it has time to end well after Ctrl-C."""
    command = (str(PYTHON), "-m", "grader", *arguments, *session.posargs)
    session.run(*command, interrupt_timeout=5, terminate_timeout=5)


@nox.session
def stage1(session: nox.Session) -> None:
    """Foundation: rwlock.py, memory.py."""
    prepare(session)
    grader(session, "stage", "1")


@nox.session
def stage2(session: nox.Session) -> None:
    """Entry encoding: entry.py."""
    prepare(session)
    grader(session, "stage", "2")


@nox.session
def stage3(session: nox.Session) -> None:
    """Write-ahead log: wal.py."""
    prepare(session)
    grader(session, "stage", "3")


@nox.session
def stage4(session: nox.Session) -> None:
    """Integration: store.py."""
    prepare(session)
    grader(session, "stage", "4")


@nox.session
def stage5(session: nox.Session) -> None:
    """Snapshots: snapshot.py."""
    prepare(session)
    grader(session, "stage", "5")


@nox.session
def stage6(session: nox.Session) -> None:
    """Polish: protocol.py, commands.py, server.py, __main__.py."""
    prepare(session)
    grader(session, "stage", "6")


@nox.session
def race(session: nox.Session) -> None:
    """Look for races for longer: nox -s race -- [STAGE] [--seconds 60]; Ctrl-C ends it."""
    prepare(session)
    grader(session, "race")


@nox.session
def inspect(session: nox.Session) -> None:
    """The bytes of a segment or snapshot, field by field: nox -s inspect -- FILE."""
    prepare(session)
    grader(session, "inspect")


@nox.session
def hint(session: nox.Session) -> None:
    """One rung of a hint's ladder: nox -s hint -- torn-tail 2."""
    prepare(session)
    grader(session, "hint")


# A hand-out's noxfile ends here; below are the jobs of those who teach the course.

nox.options.sessions = ["grade"]


@nox.session
def grade(session: nox.Session) -> None:
    """Grade submissions: nox -s grade -- PATH…; without a path, the bundled samples."""
    prepare(session)
    grader(session, "grade")


@nox.session
def handout(session: nox.Session) -> None:
    """Write the student's repository: nox -s handout -- [FOLDER]; default build/handout."""
    prepare(session)
    grader(session, "handout")


@nox.session
def gradescope(session: nox.Session) -> None:
    """Write Gradescope's autograder: nox -s gradescope -- [FILE]; default build/autograder.zip."""
    prepare(session)
    grader(session, "gradescope")


@nox.session
def tests(session: nox.Session) -> None:
    """The fast tests of the reference and of the grader."""
    prepare(session, "test")
    session.run(str(PYTHON), "-m", "pytest", *session.posargs)


@nox.session
def check(session: nox.Session) -> None:
    """The slow proofs: the reference scores 100, skeletons 0, and every mutant is caught."""
    prepare(session, "test")
    # They start thousands of processes, each of which would compile the grader anew.
    env = {"PYTHONDONTWRITEBYTECODE": ""}
    # A file keeps its fixtures to itself, and much of its time is waiting for what hangs.
    at_once = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
    options = (*at_once, "--timeout=900", *session.posargs)
    session.run(str(PYTHON), "-m", "pytest", "grader/checks", *options, env=env)
    session.run(str(PYTHON), "-m", "grader", "mutants", env=env)


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff and mypy, strict."""
    prepare(session, "lint")
    session.run(str(PYTHON), "-m", "ruff", "check", ".")
    session.run(str(PYTHON), "-m", "ruff", "format", "--check", ".")
    session.run(str(PYTHON), "-m", "mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site into site/, strictly; nox -s docs -- serve shows it while you write."""
    prepare(session, "docs")
    session.run(str(PYTHON), "-m", "mkdocs", *(session.posargs or ["build", "--strict"]))
