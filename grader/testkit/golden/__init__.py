"""Golden files: logs, snapshots and data folders as the reference once wrote them.

`NAME/` holds the files, `NAME.json` the calls that made them and what they hold. Both are written
by `grader/checks/make_golden.py`, which also proves that they still mean the same; a file that was
once in a release is never changed. In JSON, bytes are `{"hex": …}`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.testkit.formats import Row

HOME = Path(__file__).parent

Call = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Golden:
    """One folder: the bytes of its files, and what they hold.

    `sessions` are the calls that made it, of each opening of a log or a store; its clock stood at
    `grader.testkit.clock.START`. `frames` are those of each segment. `items` and `deadlines` are
    what was there at the end; of a log there are none.
    """

    files: Mapping[str, bytes]
    sessions: tuple[tuple[Call, ...], ...]
    frames: Mapping[str, tuple[tuple[Row, ...], ...]]
    items: Mapping[str, bytes]
    deadlines: Mapping[str, int]


def golden(name: str) -> Golden:
    """Read golden files from `HOME`: "log", "store" or "snapshots"."""
    told = json.loads((HOME / f"{name}.json").read_text(encoding="utf-8"), object_hook=_bytes)
    files = {path.name: path.read_bytes() for path in sorted((HOME / name).iterdir())}
    return Golden(files, **{field: _frozen(value) for field, value in told.items()})


def _bytes(value: dict[str, Any]) -> Any:
    return bytes.fromhex(value["hex"]) if value.keys() == {"hex"} else value


def _frozen(value: Any) -> Any:
    """Lists as tuples, as the course's interface has them."""
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    return value
