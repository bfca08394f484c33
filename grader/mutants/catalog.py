"""The mutants as data: `data/stageN.toml` holds those that the tests of stage N must catch.

Each has a `name`, the `file` of the reference that it changes, the `mistake` in one sentence, the
text to `find`, exactly once, and to `replace`, and in `caught_by` the names of a few tests that
catch it, written there by `python -m grader mutants --record`. A mistake that shows only between
threads or when the power goes has its `kind` too: "lost update", "missing fsync" and so on. Raises
`MutantError`, one sentence, when the data and the reference disagree.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from grader.course import REFERENCE_DIR
from grader.mistake import MistakeError

DATA_DIR = Path(__file__).parent / "data"


class MutantError(MistakeError):
    """A mutant's data is wrong, or does not fit the reference any more."""


class Mutant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One wrong version of one file."""

    name: str
    file: str
    mistake: str
    find: str
    replace: str
    caught_by: tuple[str, ...] = ()
    kind: str = ""


class _Data(msgspec.Struct, forbid_unknown_fields=True):
    mutant: tuple[Mutant, ...]


def load_mutants(stage: int) -> tuple[Mutant, ...]:
    """Return the mutants that the tests of `stage` must catch."""
    path = _data_file(stage)
    try:
        mutants = msgspec.toml.decode(path.read_bytes(), type=_Data).mutant
    except (OSError, msgspec.DecodeError) as problem:
        raise MutantError(f"{path.name}: {problem}") from problem
    names = [mutant.name for mutant in mutants]
    for name in names:
        if names.count(name) > 1:
            raise MutantError(f"{path.name}: two mutants are called {name!r}")
    return mutants


def mutate(mutant: Mutant) -> str:
    """Return the wrong version of the file; raises `MutantError` if it cannot be made."""
    source = (REFERENCE_DIR / mutant.file).read_text(encoding="utf-8")
    count = source.count(mutant.find)
    if count != 1:
        raise MutantError(f"mutant {mutant.name!r}: its text occurs {count} times in {mutant.file}")
    changed = source.replace(mutant.find, mutant.replace)
    try:
        ast.parse(changed)
    except SyntaxError as problem:
        raise MutantError(f"mutant {mutant.name!r} is not Python: {problem}") from problem
    return changed


def record(stage: int, caught_by: Mapping[str, Sequence[str]]) -> None:
    """Write into the data which tests catch each mutant; the rest of the file stays as it is."""
    path = _data_file(stage)
    head, *blocks = path.read_text(encoding="utf-8").split("[[mutant]]\n")
    written = [head]
    for block in blocks:
        found = re.search(r'^name = "(.*)"$', block, re.MULTILINE)
        if found is None:
            raise MutantError(f"{path.name}: a mutant does not begin with its name")
        tests = json.dumps(list(caught_by.get(found[1], ())))
        bare = re.sub(r"^caught_by = \[.*\]\n", "", block, flags=re.MULTILINE)
        written.append(bare.replace(found[0], f"{found[0]}\ncaught_by = {tests}", 1))
    path.write_text("[[mutant]]\n".join(written), encoding="utf-8")


def _data_file(stage: int) -> Path:
    return DATA_DIR / f"stage{stage}.toml"
