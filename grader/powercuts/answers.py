"""What calls gave, in a history or when a folder was opened again, read from an agent's reply.

Whoever wrote the reply: what does not have exactly this shape is refused with `ValueError`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from grader.outcome import Frame
from grader.powercuts.effects import Event

_ENDS = ("done", "timeout", "crashed", "strayed")
_TEXT_CHARS_MAX, _FRAMES_MAX = 2_000, 12
_COUNT_MAX = 2**62
_STATE = re.compile(r"[^\s'\"(]*/state-\d+/")  # the folder of one state, wherever that lies
_SIZE_MAX = 16 * 1024 * 1024  # of a file, in bytes; the recorder follows no larger one
_SHAPES: dict[str, tuple[type, ...]] = {
    "file": (str, int),
    "create": (str, int),
    "mkdir": (str,),
    "unlink": (str,),
    "rmdir": (str,),
    "rename": (str, str),
    "link": (str, str),
    "write": (int, int, bytes),
    "truncate": (int, int),
    "fsync": (int,),
    "fsync folder": (str,),
    "sync": (),
    "failed": (str, int),
    "begin": (int,),
    "end": (int,),
    "unsupported": (str,),
}


@dataclass(frozen=True)
class Refusal:
    """An exception that a call raised: its class's names, its text, its frames in the package, and
    the file and the offset that it names, if it does.
    """

    names: tuple[str, ...]
    message: str
    frames: tuple[Frame, ...] = ()
    path: str | None = None
    offset: int | None = None

    def __str__(self) -> str:
        return f"{self.names[0]}: {self.message}" if self.message else self.names[0]


@dataclass(frozen=True)
class Answer:
    """What one call gave: a value, or an exception."""

    value: Any = None
    refusal: Refusal | None = None


@dataclass(frozen=True)
class Session:
    """What the calls of one process gave, up to the first that raised, and the events of it."""

    end: Literal["done", "timeout", "crashed", "strayed"]
    answers: tuple[Answer, ...]
    events: tuple[Event, ...] = ()

    @property
    def refusal(self) -> Refusal | None:
        """What ended it early, if an exception did."""
        return self.answers[-1].refusal if self.answers else None


def read_answers(raw: Any, wanted: int, root: str = "") -> tuple[Answer, ...]:
    """Read the rows of at most so many calls. Paths lose what lies before the data folder, which is
    another one each time: `root`, or the folder of one state.
    """
    _require(type(raw) in (list, tuple) and len(raw) <= wanted)
    return tuple(_answer(row, root) for row in raw)


def read_sessions(raw: Any, wanted: Sequence[int], root: str = "") -> tuple[Session, ...]:
    """Read what came of one folder; `wanted` says how many calls each of its sessions has."""
    _require(type(raw) in (list, tuple) and 0 < len(raw) <= len(wanted))
    return tuple(_session(one, count, root) for one, count in zip(raw, wanted, strict=False))


def read_events(raw: Any) -> tuple[Event, ...]:
    """Read events; each is a tuple of exactly the parts that its kind has."""
    _require(type(raw) in (list, tuple))
    for event in raw:
        _require(type(event) is tuple and len(event) > 0 and type(event[0]) is str)
        _require(event[0] in _SHAPES and tuple(map(type, event[1:])) == _SHAPES[event[0]])
        _require(all(-1 <= part <= _SIZE_MAX for part in event if type(part) is int))
        _require(all(map(_is_inside, event[1:])) or event[0] in ("failed", "unsupported"))
    return tuple(raw)


def _is_inside(part: Any) -> bool:
    """Whether a path, if it is one, stays in the data folder; "." is that itself."""
    return type(part) is not str or part == "." or not {"", ".", ".."} & set(part.split("/"))


def _session(raw: Any, wanted: int, root: str) -> Session:
    _require(type(raw) is dict and raw.get("end") in _ENDS)
    answers = read_answers(raw.get("calls"), wanted, root)
    is_whole = len(answers) == wanted or (answers and answers[-1].refusal is not None)
    _require(raw["end"] != "done" or bool(is_whole))
    return Session(raw["end"], answers, read_events(raw.get("events")))


def _answer(row: Any, root: str) -> Answer:
    _require(type(row) is tuple and len(row) == 3)
    kind, value, place = row
    if kind == "ok":
        return Answer(value)
    if kind == "missing":
        _require(type(value) is str)
        return Answer(refusal=Refusal(("AttributeError",), value[:_TEXT_CHARS_MAX]))
    _require(kind == "raised" and type(value) is dict)
    return Answer(refusal=_refusal(value, place, root))


def _refusal(value: dict[Any, Any], place: Any, root: str) -> Refusal:
    names: Any = value.get("names")
    message: Any = value.get("message")
    frames: Any = value.get("frames")
    _require(type(names) is tuple and len(names) > 0 and all(type(name) is str for name in names))
    _require(type(message) is str and type(frames) is tuple)
    for frame in frames:
        _require(type(frame) is tuple and tuple(map(type, frame)) == (str, int, str, str))
    path, offset = place if type(place) is tuple and len(place) == 2 else (None, None)
    return Refusal(
        names=names[:30],
        message=_without(root, message[:_TEXT_CHARS_MAX]),
        frames=tuple(Frame(*frame) for frame in frames[-_FRAMES_MAX:]),
        path=_without(root, path) if type(path) is str else None,
        offset=offset if type(offset) is int and abs(offset) < _COUNT_MAX else None,
    )


def _without(root: str, text: str) -> str:
    text = _STATE.sub("", text)
    return text.replace(f"{root}/", "") if root else text


def _require(is_right: bool) -> None:  # noqa: FBT001
    if not is_right:
        raise ValueError("not what a recorder says")
