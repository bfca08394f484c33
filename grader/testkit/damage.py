"""Damaged files, and what they must be taken for: the tests' own reading of the rules of recovery.

Source: "Byte formats", `wal.py` and `store.py` in docs/design.md. Not here: what a package under
test makes of them (`damaged`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from grader.testkit import formats
from grader.testkit.formats import Row

_SEGMENT = re.compile(r"wal-([0-9]{10}|[1-9][0-9]{10,})\.log")
FACTS = ("snapshot_number", "segments_replayed", "frames_replayed", "bytes_cut")
_SNAPSHOT = re.compile(r"snapshot-([0-9]{10}|[1-9][0-9]{10,})\.kvsp")


class Replayed(NamedTuple):
    """What a log gave, and what it says of a cut."""

    frames: list[list[Row]]
    bytes_cut: int = 0
    cut_offset: int | None = None


class Recovered(NamedTuple):
    """What a store holds, and its `recovery`: the numbers of `FACTS`, and where it cut."""

    items: dict[str, bytes]
    deadlines: dict[str, int]
    facts: tuple[int | None, ...]
    cut_file: str | None
    cut_offset: int | None


class Refused(NamedTuple):
    """An error for damage, with the file and the offset that it names. Where several would be
    right, `file` is empty and `offset` 0.
    """

    error: str
    file: str = ""
    offset: int = 0


def flips(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The data with each of its bits turned over in turn, and which one it is."""
    for at, byte in enumerate(data):
        for bit in range(8):
            changed = bytes([byte ^ 1 << bit])
            yield f"bit {bit} of byte {at} is wrong", data[:at] + changed + data[at + 1 :]


def truncations(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The data up to each byte but the last."""
    for size in range(len(data)):
        yield f"only {size} of {len(data)} bytes are there", data[:size]


def right_log(name: str, data: bytes, *, is_last: bool = True) -> Replayed | Refused:
    """What a segment's bytes must be taken for."""
    frames, end = _intact_frames(data)
    if end == len(data):
        return Replayed(frames)
    if not is_last or any(_frame_at(data, at) for at in range(end + 1, len(data))):
        return Refused("CorruptLogError", name, end)
    return Replayed(frames, len(data) - end, end)


def right_store(files: Mapping[str, bytes]) -> Recovered | Refused:
    """What a data folder must be taken for; where a file is missing, `Refused` names none."""
    segments = _numbered(_SEGMENT, files)
    snapshot = _newest_intact(_numbered(_SNAPSHOT, files), files)
    number, (items, deadlines) = snapshot or (None, ({}, {}))
    wanted = range(number or 1, max([number or 0, *segments]) + 1)
    if any(one not in segments for one in wanted):
        return Refused("CorruptLogError")
    count, last = 0, Replayed([])
    for one in wanted:
        found = right_log(segments[one], files[segments[one]], is_last=one == wanted[-1])
        if isinstance(found, Refused):
            return found
        count, last = count + len(found.frames), found
        for row in (row for frame in found.frames for row in frame):
            _apply(row, items, deadlines)
    file = segments[wanted[-1]] if last.bytes_cut else None
    facts = (number, len(wanted), count, last.bytes_cut)
    return Recovered(items, deadlines, facts, file, last.cut_offset)


def _numbered(names: re.Pattern[str], files: Mapping[str, bytes]) -> dict[int, str]:
    matches = (names.fullmatch(name) for name in files)
    return {int(match[1]): match[0] for match in matches if match}


def _newest_intact(
    snapshots: Mapping[int, str], files: Mapping[str, bytes]
) -> tuple[int, tuple[dict[str, bytes], dict[str, int]]] | None:
    for number in sorted(snapshots, reverse=True):
        try:
            items, deadlines, _timestamp = formats.parse_snapshot(
                files[snapshots[number]], snapshots[number]
            )
        except AssertionError:
            continue
        return number, (items, deadlines)
    return None


def _intact_frames(data: bytes) -> tuple[list[list[Row]], int]:
    """The frames from the beginning on, and where the last intact one ends."""
    frames, end = [], 0
    while found := _frame_at(data, end):
        frames.append(found[0])
        end = found[1]
    return frames, end


def _frame_at(data: bytes, at: int) -> tuple[list[Row], int] | None:
    """The frame that begins at `at`, and where it ends; None if there is no intact one."""
    header_end = at + formats.FRAME_HEADER_BYTES
    end = header_end + int.from_bytes(data[at + 4 : header_end], "big")
    if not header_end < end <= len(data):
        return None
    try:
        ((*rows,),) = formats.parse_frames(data[at:end], "")
    except AssertionError:
        return None
    return rows, end


def _apply(row: Row, items: dict[str, bytes], deadlines: dict[str, int]) -> None:
    op, _timestamp, key, value = row
    if op == formats.SET:
        items[key] = value
        deadlines.pop(key, None)
    elif op == formats.DELETE:
        items.pop(key, None)
        deadlines.pop(key, None)
    elif value and key in items:
        deadlines[key] = int.from_bytes(value, "big", signed=True)
    else:
        deadlines.pop(key, None)
