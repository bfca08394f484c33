"""The student's own package: `work/kvstore`, laid out from the skeletons stage by stage and never
overwritten, or a folder that they name.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from grader.course import ROOT, Course, CourseError, Stage

WORK_DIR = ROOT / "work" / "kvstore"


def lay_out(course: Course, stage: Stage, package: Path) -> list[Path]:
    """Create what is missing in `package` up to `stage`, and return the files that were created."""
    wanted = [course.given_dir / name for name in course.given]
    for entry in course.stages[: stage.number]:
        wanted += [entry.skeleton / name for name in entry.files]
        for name in entry.also_lays:
            home = course.stage(course.stage_of(name) or entry.number)
            wanted.append(home.skeleton / name)
    package.mkdir(parents=True, exist_ok=True)
    created = []
    for source in wanted:
        target = package / source.name
        if not target.exists():
            shutil.copyfile(source, target)
            created.append(target)
    return created


def find_package(target: Path) -> Path:
    """Return the folder called kvstore at or below `target`; raises `CourseError`."""
    for folder in (target, target / "kvstore"):
        if folder.name == "kvstore" and folder.is_dir():
            return folder.resolve()
    raise CourseError(
        f"{target} holds no package kvstore: name the folder that contains kvstore/, or that folder"
    )


def as_typed(package: Path) -> str:
    """Return a package's path as its owner would type it."""
    try:
        return package.relative_to(ROOT).as_posix()
    except ValueError:
        return str(package)


def is_begun(stage: Stage, package: Path) -> bool:
    """Whether some file of `stage` is in `package`, and no longer the skeleton."""
    return any(is_file_begun(stage, name, package) for name in stage.files)


def is_file_begun(stage: Stage, name: str, package: Path) -> bool:
    """Whether this file of `stage` is in `package`, and no longer the skeleton."""
    return (package / name).is_file() and not _same(stage.skeleton / name, package / name)


def is_untouched(stage: Stage, package: Path) -> bool:
    """Whether every file of `stage` in `package` is still the skeleton."""
    return all(_same(stage.skeleton / name, package / name) for name in stage.files)


def _same(one: Path, other: Path) -> bool:
    return one.is_file() and other.is_file() and one.read_bytes() == other.read_bytes()
