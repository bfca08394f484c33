"""The pieces of a byte map: blocks, their rows, and what stands between blocks.

Texts may hold what a file holds: who shows them makes them safe. Not here: how a file is taken
apart into these (bytewalk.py), and how they are drawn (bytetable.py, html/bytemap.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

SHOWN_BYTES_MAX = 8
"""How many bytes of a field a row keeps."""

State = Literal["", "intact", "torn", "corrupt", "unknown"]
BlockState = Literal["", "intact", "torn", "damaged"]


class Row(NamedTuple):
    """A line of a block: a field of `size` bytes, of which the first are `shown`.

    A "wrong" field is as no intact file holds it. Of the other kinds, "head" names the entry whose
    fields follow, "more" stands for what is left out, "stop" is where replay ended.
    """

    kind: Literal["field", "wrong", "head", "more", "stop"]
    offset: int
    text: str
    size: int = 0
    name: str = ""
    shown: bytes = b""


@dataclass(frozen=True)
class Block:
    """A frame, a part of a snapshot, or damage in its place; `state` "" judges nothing.

    `words` say what is wrong with it, and are empty otherwise.
    """

    title: str
    offset: int
    size: int
    state: BlockState
    words: str
    rows: tuple[Row, ...]

    @property
    def end(self) -> int:
        """The offset of the byte behind it."""
        return self.offset + self.size


@dataclass(frozen=True)
class LeftOut:
    """What is not told, from `offset` on, in words."""

    text: str
    offset: int


@dataclass(frozen=True)
class Stop:
    """Where replay ended, between two blocks."""

    text: str


class Damage(NamedTuple):
    """The first damage of a file, and where the next intact frame begins, -1 if none does."""

    offset: int
    intact_at: int = -1
