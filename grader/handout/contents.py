"""Reads a list of what goes out, and the files that it names.

A list is a TOML file in this folder:

    copy = [...]        patterns for files of the project, each keeps its place; one must match
    copy_if_any = [...] patterns that may match nothing
    [own]               a file of the result = a file in this folder that is made for it

Invariants: nothing is taken that no pattern names; hidden files, caches and links never are; what
comes out depends on the files alone, not on the order of a folder.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

from grader.handout.errors import HandoutError

HERE = Path(__file__).resolve().parent


def read_contents(name: str, root: Path) -> dict[str, bytes]:
    """Return the files on the list `name`, by their place in the result, sorted.

    Patterns are looked up below `root`. Raises `HandoutError` for a pattern that matches nothing
    and for a list that cannot be read.
    """
    path = HERE / name
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        copy, copy_if_any, own = data["copy"], data["copy_if_any"], data["own"]
    except (OSError, tomllib.TOMLDecodeError, KeyError) as problem:
        raise HandoutError(f"{name} cannot be read: {problem}") from problem
    files: dict[str, bytes] = {}
    for pattern in [*copy, *copy_if_any]:
        found = {place.relative_to(root).as_posix(): place for place in _matches(root, pattern)}
        if not found and pattern in copy:
            raise HandoutError(f"{name}: nothing matches {pattern!r}; mend the pattern or drop it")
        files |= {place: source.read_bytes() for place, source in found.items()}
    files |= {place: (HERE / source).read_bytes() for place, source in own.items()}
    return dict(sorted(files.items()))


def _matches(root: Path, pattern: str) -> Iterator[Path]:
    for path in root.glob(pattern):
        parts = path.relative_to(root).parts
        is_noise = any(part.startswith(".") or part == "__pycache__" for part in parts)
        if path.is_file() and not path.is_symlink() and not is_noise:
            yield path
