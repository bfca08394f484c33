"""The attacks as data: each `data/GROUP.toml` holds the attacks of one group.

An attack is a submission that earns more than it deserves, or does harm, where a grader trusts it.
Its data says what it stands on (the skeletons, or the reference with one of our mutants in it), the
files that it brings, which tests it aims at, and the points that its honest part deserves there.
Raises `AttackError`, one sentence, when the data is wrong. Nothing here runs anything.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from grader.course import load_course
from grader.mistake import MistakeError
from grader.mutants.catalog import Mutant, load_mutants

DATA_DIR = Path(__file__).parent / "data"
CODE_DIR = Path(__file__).parent / "code"
MARK = "@MARK@"
"""Stands in an attack's text for a word that is new in every attempt: what is left behind is found
by it, and `@MARK@ and what was gained` in the output is a boast, which the attempt looks for."""

Base = Literal["skeletons", "reference"]
Form = Literal["folder", "zip"]
Wall = Literal["files", "network", "processes", "user", "limits"]
OddKind = Literal[
    "link", "fifo", "socket", "device", "files", "zeros", "encrypted", "lzma", "twice", "short"
]


class AttackError(MistakeError):
    """An attack's data is wrong, or does not fit the course any more."""


class Odd(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that is no plain file, made when the attack is laid out.

    `path` is its place within the submission. `link` points to `target`; `files` is a folder of
    `count` empty files; `zeros` is a file of `count` zero bytes, in a zip a bomb. `encrypted`,
    `lzma`, `twice` (two members of one name) and `short` (a member whose declared size is wrong)
    exist in a zip only, `fifo`, `socket` and `device` in a folder only.
    """

    kind: OddKind
    path: str
    target: str = ""
    count: int = 0


class Attack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One hostile submission.

    `files` and `append` are texts by place: a plain name lies in the package, one that begins with
    a slash beside it; `append` is added to the end of a file that the base has. `code` names long
    texts, by place, that several attacks may share: they lie in `code/`, as `.txt`, so that nothing
    imports, lints or runs them by mistake. `defect` names the mutant that the base contains.

    `only` are the tests to run, all of the stage if empty; `honest` is what may be earned in them,
    `exact` that just so much must be. `twin` marks an attack on the quality suite: the same package
    without the trick, which must get as many marks; no test is run. `seconds` is how long the
    attempt may take, `needs` the walls without which it is not tried.
    """

    name: str
    technique: str
    stage: int
    group: str = ""
    base: Base = "skeletons"
    defect: str = ""
    files: dict[str, str] = {}
    append: dict[str, str] = {}
    code: dict[str, str] = {}
    twin: dict[str, str] = {}
    odd: tuple[Odd, ...] = ()
    form: Form = "folder"
    submission: str = ""
    only: tuple[str, ...] = ()
    honest: float = 0.0
    exact: bool = False
    seconds: float = 60.0
    needs: tuple[Wall, ...] = ()

    @property
    def texts(self) -> dict[str, str]:
        """Its own files by place, those in `code/` among them."""
        try:
            code = {k: (CODE_DIR / f"{v}.txt").read_text("utf-8") for k, v in self.code.items()}
        except OSError as problem:
            raise AttackError(f"attack {self.name!r}: {problem}") from problem
        return {**code, **self.files}

    @property
    def mutant(self) -> Mutant | None:
        """The mutant named by `defect`; raises `AttackError` when there is none of that name."""
        if not self.defect:
            return None
        for stage in load_course().stages:
            for mutant in load_mutants(stage.number):
                if mutant.name == self.defect:
                    return mutant
        raise AttackError(f"attack {self.name!r}: there is no mutant {self.defect!r}")


class _Data(msgspec.Struct, forbid_unknown_fields=True):
    attack: tuple[Attack, ...]


@cache
def load_attacks() -> tuple[Attack, ...]:
    """Return every attack, group by group."""
    attacks = [attack for path in sorted(DATA_DIR.glob("*.toml")) for attack in _load(path)]
    names = [attack.name for attack in attacks]
    for name in names:
        if names.count(name) > 1:
            raise AttackError(f"two attacks are called {name!r}")
    return tuple(attacks)


def choose_attacks(names: list[str]) -> list[Attack]:
    """Return the attacks of these names or groups, all without a name."""
    attacks = load_attacks()
    known = {attack.name for attack in attacks} | {attack.group for attack in attacks}
    for name in names:
        if name not in known:
            raise AttackError(f"there is no attack and no group {name!r}")
    return [a for a in attacks if not names or a.name in names or a.group in names]


def _load(path: Path) -> list[Attack]:
    try:
        attacks = msgspec.toml.decode(path.read_bytes(), type=_Data).attack
    except (OSError, msgspec.DecodeError) as problem:
        raise AttackError(f"{path.name}: {problem}") from problem
    return [msgspec.structs.replace(attack, group=path.stem) for attack in attacks]
