"""Finds submissions and copies what counts: the `*.py` files directly in a folder named `kvstore`.

Invariants: nothing of a submission is imported or executed; its own folder is never modified; a
package handed out holds plain `*.py` files and nothing else; names are unique and safe for folders.
The course's package is flat: extra files beside the course's are welcome, sub-folders are left
aside. How folders and zips are read belongs to `intake.py`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from grader.intake import (
    UNPACKED_BYTES_MAX,
    IntakeError,
    Item,
    check_is_plain,
    fold_name,
    is_noise,
    scan_folder,
    scan_zip,
)

PACKAGE = "kvstore"
NAME_CHARS_MAX = 80
LISTED_MAX = 5  # names listed in one sentence

_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")
# Windows keeps these for devices, with any extension.
_RESERVED = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{port}{n}" for port in ("com", "lpt") for n in range(10)),
}


class SubmissionError(Exception):
    """The paths cannot be graded at all: one does not exist, or the place for copies is taken."""


@dataclass(frozen=True)
class Submission:
    """One submission: the copy of its package, or None and in `problem` one sentence why not.

    `ignored` says what was left aside, one sentence each.
    """

    name: str
    package_dir: Path | None
    problem: str = ""
    ignored: tuple[str, ...] = ()


def find_submissions(paths: Iterable[Path], copies_dir: Path) -> list[Submission]:
    """Find the submissions in `paths` and copy their packages below `copies_dir`, by name.

    A path is a zip, a folder that is a submission (it is `kvstore`, or directly holds `kvstore` or
    `src/kvstore`), or else a folder of submissions: each folder and archive in it is one, also when
    it holds no package. Raises `SubmissionError`.
    """
    sources = [source for path in paths for source in _sources(path)]
    taken: set[str] = set()
    return [_take(source, _unique_name(source, taken), copies_dir) for source in sources]


def _sources(path: Path) -> list[Path]:
    if not path.exists():
        raise SubmissionError(f"{path} does not exist: give a folder or a zip")
    path = path.resolve()
    if not path.is_dir() or path.name == PACKAGE:
        return [path]
    if (path / PACKAGE).is_dir() or (path / "src" / PACKAGE).is_dir():
        return [path]
    children = [child for child in sorted(path.iterdir()) if not is_noise(child.name)]
    return [child for child in children if child.is_dir() or _is_archive(child)] or [path]


def _is_archive(path: Path) -> bool:
    return path.name.lower().endswith(_ARCHIVES)


def _take(source: Path, name: str, copies_dir: Path) -> Submission:
    try:
        check_is_plain(source)
        items = _items(source)
        package = _find_package(items)
        files, ignored = _choose(items, package)
        package_dir = _copy(files, copies_dir / name)
    except IntakeError as problem:
        return Submission(name, None, str(problem))
    return Submission(name, package_dir, ignored=tuple(ignored))


def _items(source: Path) -> list[Item]:
    if not source.is_dir():
        return scan_zip(source)
    items = scan_folder(source)
    if source.name != PACKAGE:
        return items
    return [Item(PurePosixPath(PACKAGE) / item.path, item.size, item.read) for item in items]


def _find_package(items: list[Item]) -> PurePosixPath:
    """The shallowest folder `kvstore` that directly holds `*.py` files."""
    folders = {item.path.parent for item in items if item.path.suffix == ".py"}
    packages = sorted(folder for folder in folders if folder.name == PACKAGE)
    depth = min((len(folder.parts) for folder in packages), default=0)
    nearest = [folder for folder in packages if len(folder.parts) == depth]
    if not nearest:
        raise IntakeError(f"no folder {PACKAGE} with .py files in it; {_what_was_found(items)}")
    if len(nearest) > 1:
        raise IntakeError(f"two packages, {nearest[0]} and {nearest[1]}; keep one")
    return nearest[0]


def _what_was_found(items: list[Item]) -> str:
    if not items:
        return "it holds no files"
    sources = [str(item.path) for item in items if item.path.suffix == ".py"]
    names = sources or [str(item.path) for item in items]
    more = f" and {len(names) - LISTED_MAX} more" if len(names) > LISTED_MAX else ""
    advice = f": put them in a folder {PACKAGE}" if sources else ""
    return f"found {', '.join(names[:LISTED_MAX])}{more}{advice}"


def _choose(items: list[Item], package: PurePosixPath) -> tuple[list[Item], list[str]]:
    """The files of the package, and what is left aside and why."""
    chosen: dict[str, Item] = {}
    ignored = []
    for item in items:
        if item.path.suffix != ".py":
            continue
        if package not in item.path.parents:
            if PACKAGE in item.path.parts[:-1]:
                ignored.append(f"{item.path}: the package is {package}")
        elif item.path.parent != package:
            ignored.append(f"{item.path}: only files directly in {PACKAGE} count")
        elif not item.path.stem.isidentifier():
            ignored.append(f"{item.path}: a file of this name cannot be imported")
        elif (other := chosen.setdefault(fold_name(item.path.name), item)) is not item:
            raise IntakeError(f"{other.path} and {item.path} differ in case alone")
    if sum(item.size for item in chosen.values()) > UNPACKED_BYTES_MAX:
        raise IntakeError(f"its .py files are larger than {UNPACKED_BYTES_MAX:,} bytes")
    return list(chosen.values()), ignored


def _copy(files: list[Item], folder: Path) -> Path:
    package_dir = folder / PACKAGE
    try:
        package_dir.mkdir(parents=True)
    except FileExistsError as problem:
        raise SubmissionError(f"{package_dir} exists already: give an empty folder") from problem
    for item in files:
        (package_dir / item.path.name).write_bytes(item.read())
    return package_dir


def _unique_name(source: Path, taken: set[str]) -> str:
    """The source's name without surprises, and with a number when an earlier one has it."""
    base = _safe_name(source)
    name, number = base, 1
    while name.casefold() in taken:
        number += 1
        name = f"{base}-{number}"
    taken.add(name.casefold())
    return name


def _safe_name(source: Path) -> str:
    raw = source.parent.name if source.name == PACKAGE and source.is_dir() else source.name
    if raw.lower().endswith(".zip"):
        raw = raw[: -len(".zip")]
    text = unicodedata.normalize("NFC", raw)
    kept = "".join(char if char.isalnum() or char in "-._" else "_" for char in text)
    name = kept[:NAME_CHARS_MAX].strip("._ ") or "submission"
    return f"{name}_" if name.partition(".")[0].casefold() in _RESERVED else name
