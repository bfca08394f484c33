"""Finds submissions and copies what counts: the `*.py` files of the package `kvstore`.

Invariants: nothing of a submission is imported or executed; its own folder is never modified; a
package handed out holds plain `*.py` files and nothing else; names are unique and safe for folders;
the order is by name. How folders, archives and exports are read belongs to `intake/`.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from grader.grading.model import Entry
from grader.intake.archives import without_ending
from grader.intake.classes import hand_ins
from grader.intake.files import IntakeError, Item
from grader.intake.gradescope import ExportError
from grader.intake.names import is_reserved
from grader.intake.package import PACKAGE, choose, settle
from grader.intake.place import HandIn, open_path
from grader.mistake import MistakeError
from grader.roster import load_roster
from grader.students import group

NAME_CHARS_MAX = 60  # at four bytes each they fit in the 255 that file systems keep
# A submission's folder lies beside the files about its class, and must not be called like one.
_OUR_FILES = (".csv", ".html", ".json", ".jsonl", ".toml", ".xml")


class SubmissionError(MistakeError):
    """The paths cannot be graded at all: one does not exist, an export contradicts itself, or the
    place for copies is taken.
    """


@dataclass(frozen=True)
class Submission:
    """One submission: what is known of it, and the copy of its package, None where it has none.

    `found_as` is the name of its folder or archive as it was found, and `participant` Moodle's
    number of the student, if any: a roster may know it by these.
    """

    entry: Entry
    package_dir: Path | None
    found_as: str = ""
    participant: str = ""

    @property
    def name(self) -> str:
        """Its name, unique in its class and safe as a folder."""
        return self.entry.name

    @property
    def problem(self) -> str:
        """One sentence why there is no package; empty when there is one."""
        return self.entry.problem

    @property
    def ignored(self) -> tuple[str, ...]:
        """What was left aside, one sentence each."""
        return self.entry.ignored


def find_submissions(
    paths: Iterable[Path],
    copies_dir: Path,
    roster: Path | None = None,
    report: Callable[[str], None] = lambda sentence: None,
) -> list[Submission]:
    """Find the submissions in `paths` and copy their packages below `copies_dir`; by name.

    A path is a submission or a class of them, as a folder or an archive; `intake/classes.py` has
    the rule. With a `roster`, its students are theirs, and `report` is told who is missing and
    which submissions nobody claims. Raises `SubmissionError` and `RosterError`.
    """
    rows = load_roster(roster) if roster is not None else None  # a bad one is said at once
    found = _find_all(paths, copies_dir)
    if rows is None:
        return found
    match = rows.match(found)
    for sentence in match.sentences():
        report(sentence)
    return list(match.submissions)


def _find_all(paths: Iterable[Path], copies_dir: Path) -> list[Submission]:
    taken: set[str] = set()
    found: list[Submission] = []
    for path in paths:
        found += _find(path, copies_dir, taken)
    return sorted(found, key=lambda submission: submission.name)


def _find(path: Path, copies_dir: Path, taken: set[str]) -> list[Submission]:
    if not path.exists():
        raise SubmissionError(f"{path} does not exist: give a folder or a zip")
    path = path.resolve()
    try:
        with open_path(path) as given:
            return [
                _take(one, _unique_name(_name_of(one, path), taken), copies_dir)
                for one in hand_ins(given)
            ]
    except ExportError as problem:
        raise SubmissionError(f"{path}: {problem}") from problem


def _name_of(one: HandIn, path: Path) -> str:
    """The name as it was found; a package that was given itself is called as its folder is."""
    is_package = one.source.name == PACKAGE and path.name == PACKAGE and path.is_dir()
    return path.parent.name if is_package else without_ending(one.source.name)


def _take(one: HandIn, name: str, copies_dir: Path) -> Submission:
    """Copy the package of one submission; what is wrong with it becomes its problem."""
    entry = Entry(name, student=group(one.students), submitted=one.submitted)
    try:
        found = one.source.scan()
        if one.source.name == PACKAGE and not one.source.is_archive:
            found = [Item(PurePosixPath(PACKAGE) / i.path, i.size, i.read) for i in found]
        items, package = settle(found, one.source.archives_deep)
        files, ignored = choose(items, package)
        contents = {item.path.name: item.read() for item in files}
    except IntakeError as problem:
        rejected = Entry(name, "", entry.student, entry.submitted, str(problem))
        return Submission(rejected, None, one.source.name, one.participant)
    whole = Entry(name, _digest(contents), entry.student, entry.submitted, ignored=tuple(ignored))
    copy = _copy(contents, copies_dir / name)
    return Submission(whole, copy, one.source.name, one.participant)


def _digest(contents: dict[str, bytes]) -> str:
    """SHA-256 of each file's name, length and bytes, by name."""
    digest = hashlib.sha256()
    for name, data in sorted(contents.items()):
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()


def _copy(contents: dict[str, bytes], folder: Path) -> Path:
    package_dir = folder / PACKAGE
    try:
        package_dir.mkdir(parents=True)
    except FileExistsError as problem:
        raise SubmissionError(f"{package_dir} exists already: give an empty folder") from problem
    for name, data in contents.items():
        (package_dir / name).write_bytes(data)
    return package_dir


def _unique_name(raw: str, taken: set[str]) -> str:
    """A name without surprises, and with a number when an earlier one has it."""
    base = safe_name(raw)
    name, number = base, 1
    while name.casefold() in taken:
        number += 1
        name = f"{base}-{number}"
    taken.add(name.casefold())
    return name


def safe_name(raw: str) -> str:
    """Return a name that every file system takes as a folder's, as near to `raw` as can be."""
    text = unicodedata.normalize("NFC", raw)
    kept = "".join(char if char.isalnum() or char in "-._" else "_" for char in text)
    name = kept[:NAME_CHARS_MAX].strip("._- ") or "submission"
    return f"{name}_" if is_reserved(name) or name.lower().endswith(_OUR_FILES) else name
