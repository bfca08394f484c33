"""Assemble the package under test for one stage, from files of different origin.

For stage N: the submission's files of stages 1…N (with `carried`, the reference's for stages before
N), the skeletons of later stages, so that a broken later file cannot sink this one, and whatever
other files the submission brings along. `errors.py` and `__init__.py` are given: the submission's
own `errors.py` counts as long as it still defines every given name. Files are read as text and
copied; nothing is imported.
"""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

from grader.course import REFERENCE_DIR, Course, CourseError


def assemble(
    course: Course, stage: int, submission: Path, into: Path, *, carried: bool = False
) -> Path:
    """Write the package for `stage` to the new folder `into/kvstore` and return that folder.

    A file that the submission lacks is left out: tests that need it will say so. Raises
    `CourseError` when `carried` is asked for where there is no reference, as in a hand-out.
    """
    package = into / "kvstore"
    package.mkdir(parents=True)
    for folder in (into, package):
        folder.chmod(0o755)  # the agent may run as another user
    if carried:
        _copy_reference(package)
    for path in sorted(submission.glob("*.py")):
        if course.stage_of(path.name) is None and not (package / path.name).exists():
            _copy(path, package)
    for entry in course.stages:
        origin = _origin(entry.number, stage, submission, entry.skeleton, carried=carried)
        for name in entry.files:
            if origin is not None and (origin / name).is_file():
                _copy(origin / name, package)
            elif origin is not None:
                (package / name).unlink(missing_ok=True)
    if not carried:
        _lay_given(course, submission, package)
    return package


def _origin(
    number: int, stage: int, submission: Path, skeleton: Path, *, carried: bool
) -> Path | None:
    """Where the files of stage `number` come from; None leaves the reference's in place."""
    if number > stage:
        return skeleton
    if number < stage and carried:
        return None
    return submission


def _copy_reference(package: Path) -> None:
    if not REFERENCE_DIR.is_dir():
        raise CourseError(
            "there is no reference solution here, so earlier stages cannot come from it"
        )
    for path in REFERENCE_DIR.glob("*.py"):
        _copy(path, package)


def _lay_given(course: Course, submission: Path, package: Path) -> None:
    for name in course.given:
        own, given = submission / name, course.given_dir / name
        keeps = name == "errors.py" and own.is_file() and _defines(own) >= _defines(given)
        _copy(own if keeps else given, package)


def _defines(path: Path) -> set[str]:
    """The classes that a file defines at its top, by reading it; none when it is not Python."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return set()
    return {node.name for node in tree.body if isinstance(node, ast.ClassDef)}


def _copy(source: Path, package: Path) -> None:
    shutil.copyfile(source, package / source.name)
    (package / source.name).chmod(0o644)
