"""Tells one submission from a class of them.

The rule: what is given is *one submission* if its package lies at its top (`kvstore`,
`src/kvstore`, `work/kvstore`, or the course's files themselves). Else it is *a class* if a learning
platform's names say so, or if two or more of the things directly in it are submissions: a
repository, an archive, or a folder with a package anywhere in it. Then each folder and each archive
in it is a submission, also one without a package. What is a folder and nothing else is looked into.
Everything else is one submission, wherever in it the package lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import PurePosixPath

from grader.intake.archives import is_archive
from grader.intake.files import IntakeError
from grader.intake.gradescope import read_gradescope
from grader.intake.moodle import read_moodle
from grader.intake.package import PACKAGE, find_package, telling_files
from grader.intake.place import HandIn, Place, Source

_LONE_FOLDERS_MAX = 4  # a platform's archive holds everything in one folder, or two
# Where the package lies at the top of a submission: the folder there, and where in that folder.
_AT_THE_TOP = {PACKAGE: ".", "src": PACKAGE, "work": PACKAGE}


def hand_ins(given: Source) -> Sequence[HandIn]:
    """Return the submissions in what was given: those of a class, or the one that it is.

    Raises `ExportError` when a platform's own data cannot be read.
    """
    if given.name == PACKAGE and not given.is_archive:
        return [HandIn(given)]
    try:
        found = _class_in(given, _LONE_FOLDERS_MAX)
    except IntakeError:
        found = None  # taking it as one submission says what is wrong with it
    return found or [HandIn(given)]


def _class_in(given: Source, lone_folders: int) -> Sequence[HandIn] | None:
    if given.look_into is None:
        return None
    place = given.look_into()
    if _is_one_submission(place):
        return None
    for read in (read_gradescope, read_moodle):
        if found := read(place):
            return found
    looking = (source for source in place.sources if _looks_like_a_submission(source))
    if len(list(islice(looking, 2))) == 2:
        return [HandIn(source) for source in place.sources]
    if len(place.sources) == 1 and lone_folders:
        return _class_in(place.sources[0], lone_folders - 1)
    return None


def _is_one_submission(place: Place) -> bool:
    if any(item.path.name in telling_files() for item in place.files):
        return True
    return any(_is_at_the_top(source) for source in place.sources)


def _is_at_the_top(source: Source) -> bool:
    if source.name not in _AT_THE_TOP:
        return False
    package = PurePosixPath(_AT_THE_TOP[source.name])
    try:
        items = source.scan()
    except IntakeError:
        return True  # a link, say: no student is called so
    return any(item.path.parent == package and item.path.suffix == ".py" for item in items)


def _looks_like_a_submission(source: Source) -> bool:
    if source.is_archive or source.is_clone:
        return True
    try:
        items = source.scan()
        holds_package = find_package(items) is not None
    except IntakeError:
        return True  # something is there, and its student shall read what is wrong with it
    return holds_package or any(is_archive(item.path.name) for item in items)
