"""Picks the student's package from the files of a submission.

The rule: the package is the shallowest folder `kvstore` that directly holds `*.py` files. Where no
folder is called so, course files at the top, or at the top of the only folder there is, are the
package: that is how some platforms hand uploads on. The course's package is flat: extra files
beside the course's are welcome, sub-folders are left aside.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import PurePosixPath

from grader.course import load_course
from grader.intake.archives import is_archive, scan_nested
from grader.intake.files import ONE, IntakeError, Item, check_amount
from grader.intake.names import fold_name, is_reserved, is_too_long, looks_like, show, spell

PACKAGE = "kvstore"
LISTED_MAX = 5  # names listed in one sentence
IGNORED_MAX = 20  # sentences about files left aside
ARCHIVES_DEEP_MAX = 2  # an archive within an archive, and no further


@cache
def course_files() -> frozenset[str]:
    """The names of the files that a student writes or is given."""
    course = load_course()
    return frozenset(course.given).union(*(stage.files for stage in course.stages))


@cache
def telling_files() -> frozenset[str]:
    """The names that a package of this course has and few other projects do."""
    return course_files() - {"__main__.py", *load_course().given}


def find_package(items: Sequence[Item]) -> PurePosixPath | None:
    """Return the folder of the package; None where there is none.

    Raises `IntakeError` for two at the same depth.
    """
    folders = {item.path.parent for item in items if item.path.suffix == ".py"}
    packages = sorted(folder for folder in folders if folder.name == PACKAGE)
    depth = min((len(folder.parts) for folder in packages), default=0)
    nearest = [folder for folder in packages if len(folder.parts) == depth]
    if len(nearest) > 1:
        one, other = (show(str(folder)) for folder in nearest[:2])
        raise IntakeError(f"two packages, {one} and {other}; keep one")
    return nearest[0] if nearest else _flat_package(items)


def settle(items: Sequence[Item], archives_deep: int) -> tuple[Sequence[Item], PurePosixPath]:
    """Return the files among which the package is, and its folder.

    Where there is no package but one archive, the archive is looked into, unless `items` come from
    two archives already. Raises `IntakeError` where there is no package, or more than one.
    """
    package = find_package(items)
    if package is not None:
        return items, package
    archives = [item for item in items if is_archive(item.path.name)]
    if len(archives) == 1 and archives_deep < ARCHIVES_DEEP_MAX:
        name = archives[0].path.name
        try:
            return settle(scan_nested(name, archives[0], ONE), archives_deep + 1)
        except IntakeError as problem:
            raise IntakeError(f"{show(name)}: {problem}") from problem
    raise IntakeError(f"no folder {PACKAGE} with .py files in it; {_what_was_found(items)}")


def choose(items: Sequence[Item], package: PurePosixPath) -> tuple[list[Item], list[str]]:
    """Return the files of the package, by name, and what is left aside and why.

    Raises `IntakeError` for two names that some file systems hold for one, and for too many bytes.
    """
    here = [i for i in items if i.path.parent == package and i.path.suffix == ".py"]
    _check_twins(here)
    reasons = {item.path: _why_not(item, package) for item in items}
    ignored = [f"{show(str(path))}: {why}" for path, why in reasons.items() if why]
    if len(ignored) > IGNORED_MAX:
        ignored[IGNORED_MAX:] = [f"and {len(ignored) - IGNORED_MAX:,} more files"]
    files = sorted((i for i in here if not reasons[i.path]), key=lambda item: item.path.name)
    check_amount(files, ONE)
    return files, ignored


def _check_twins(items: Sequence[Item]) -> None:
    """Two names that some file systems hold for one would depend on the grader's machine."""
    seen: dict[str, Item] = {}
    for item in items:
        other = seen.setdefault(fold_name(item.path.name), item)
        if other is not item:
            one, two = show(str(other.path)), show(str(item.path))
            raise IntakeError(f"{one} and {two} differ in case alone, or not at all")


def _why_not(item: Item, package: PurePosixPath) -> str:
    """Say why a file that may have been meant for the package is left aside; else nothing."""
    name = item.path.name
    if item.path.parent == package:
        return _what_is_wrong(name)
    if item.path.suffix != ".py":
        return ""
    if package.name == PACKAGE and package in item.path.parents:
        return f"only files directly in {PACKAGE} count"
    if PACKAGE in item.path.parts[:-1]:
        return f"the package is {show(str(package))}"
    return ""


def _what_is_wrong(name: str) -> str:
    if real := looks_like(name, course_files()):
        return f"it looks like {real}, but its name is {spell(name)}; rename it"
    if PurePosixPath(name).suffix != ".py":
        return ""
    if not PurePosixPath(name).stem.isidentifier():
        return "a file of this name cannot be imported"
    if is_reserved(name):
        return "Windows keeps this name for a device"
    return "its name is too long" if is_too_long(name) else ""


def _flat_package(items: Sequence[Item]) -> PurePosixPath | None:
    """The top, or the only folder there, when course files lie directly in it."""
    tops = {item.path.parts[0] for item in items}
    only = PurePosixPath(*tops) if len(tops) == 1 else PurePosixPath()
    here = {item.path.parent for item in items if item.path.name in telling_files()}
    return next((folder for folder in (PurePosixPath(), only) if folder in here), None)


def _what_was_found(items: Sequence[Item]) -> str:
    if not items:
        return "it holds no files"
    sources = [show(str(item.path)) for item in items if item.path.suffix == ".py"]
    names = sources or [show(str(item.path)) for item in items]
    more = f" and {len(names) - LISTED_MAX} more" if len(names) > LISTED_MAX else ""
    advice = f": put them in a folder {PACKAGE}" if sources else ""
    return f"found {', '.join(names[:LISTED_MAX])}{more}{advice}"
