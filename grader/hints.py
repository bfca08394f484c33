"""The hints of the course: for each, three rungs from a nudge to almost the answer.

They are data, in `stages/*/hints.toml`, one table a hint; a test names its hint by that name:

    [torn-tail]
    title = "Cutting off a torn tail"
    nudge = "…"     rung 1: a question to think about
    idea = "…"      rung 2: the idea of a solution
    almost = "…"    rung 3: the solution in words
    read = "…"      optional: where to read on

Everything wrong with them is a `HintError`, one sentence. Not here: how hints are shown.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from grader.mistake import MistakeError

RUNGS = ("nudge", "idea", "almost")
_REQUIRED = ("title", *RUNGS)
_KNOWN = (*_REQUIRED, "read")


class HintError(MistakeError):
    """A file of hints is not as it should be, or there is no such hint or rung."""


class Hint(msgspec.Struct, frozen=True):
    """One hint, from the folder `stage_folder`; `read` says where to read on and may be empty."""

    name: str
    stage_folder: str
    title: str
    nudge: str
    idea: str
    almost: str
    read: str = ""

    def rung(self, number: int) -> str:
        """Return the text of rung `number`, from 1 to 3; raises `HintError` for another."""
        rungs = (self.nudge, self.idea, self.almost)
        if not 1 <= number <= len(rungs):
            raise HintError(f"hint {self.name!r} has rungs 1 to {len(rungs)}, not {number}")
        return rungs[number - 1]


def load_hints(stages_dir: Path) -> dict[str, Hint]:
    """Read the hints of all stages, by name; a stage may have none. Raises `HintError`."""
    hints: dict[str, Hint] = {}
    for path in sorted(stages_dir.glob("*/hints.toml")):
        for hint in read_hints(path):
            if hint.name in hints:
                other = hints[hint.name].stage_folder
                raise HintError(f"{_short(path)}: [{hint.name}] is also in {other}; rename one")
            hints[hint.name] = hint
    return hints


def read_hints(path: Path) -> list[Hint]:
    """Read one file of hints, in its order. Raises `HintError`."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise HintError(f"{_short(path)} cannot be read: {problem}") from problem
    return [_hint(path, name, table) for name, table in data.items()]


def find_hint(hints: Mapping[str, Hint], name: str) -> Hint:
    """Return the hint called `name`; raises `HintError`, which names the nearest ones."""
    if name in hints:
        return hints[name]
    if not hints:
        raise HintError(f"there is no hint {name!r}: the course has none")
    near = difflib.get_close_matches(name, hints, n=3) or sorted(hints)
    raise HintError(f"there is no hint {name!r}; did you mean {_listed(near, 'or')}?")


def _hint(path: Path, name: str, table: Any) -> Hint:
    where = f"{_short(path)}: [{name}]"
    if not isinstance(table, dict):
        raise HintError(
            f"{_short(path)}: {name!r} stands outside of a table; put it below [a-name]"
        )
    for key in table:
        if key not in _KNOWN:
            raise HintError(f"{where} has the unknown key {key!r}: use {_listed(_KNOWN, 'and')}")
    for key in _REQUIRED:
        if key not in table:
            raise HintError(f"{where} has no {key!r}: every hint has {_listed(_REQUIRED, 'and')}")
    for key, text in table.items():
        if not isinstance(text, str) or not text.strip():
            raise HintError(f"{where}: {key!r} must be a text that says something")
    texts = {key: text.strip() for key, text in table.items()}
    return Hint(name=name, stage_folder=path.parent.name, **texts)


def _listed(words: Iterable[str], last: str) -> str:
    *first, final = words
    return f"{', '.join(first)} {last} {final}" if first else final


def _short(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"
