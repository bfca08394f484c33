"""What a byte map says: what is wrong with a frame or a part, and what recovery makes of the file.

A torn tail is what an unfinished write leaves: at the end of the last segment, with no intact frame
after it. All else is damage. Plain sentences, neither rich nor HTML.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence

from grader.report.byteparts import BlockState, Damage, State
from grader.report.fields import Field
from grader.report.layout import Kind, Part
from grader.report.scan import FRAME_HEADER_BYTES, number_at, zeros_at
from grader.report.words import count

TITLES: dict[Part, str] = {
    "head": "head",
    "deadlines": "number of deadlines",
    "check": "checksum",
}
KINDS: dict[Kind, str] = {
    "segment": "segment of the log",
    "snapshot": "snapshot",
    "entries": "entries without frames",
    "": "",
}
BLOCK_STATES: dict[BlockState, str] = {
    "": "",
    "intact": "intact",
    "torn": "TORN TAIL",
    "damaged": "DAMAGED",
}
STATES: dict[State, str] = {
    "": "",
    "intact": "intact",
    "torn": "TORN TAIL",
    "corrupt": "DAMAGED",
    "unknown": "intact as far as it was read",
}
_ARRIVED_WITHOUT = "a length that reached the disk without its data"


def state_of(kind: Kind, damage: Damage | None, *, is_whole: bool, is_last: bool | None) -> State:
    """Judge a file by its first damage, `is_whole` being whether all its bytes were at hand."""
    if not kind:
        return ""
    if damage is None:
        return "intact" if is_whole else "unknown"
    is_torn = kind == "segment" and damage.intact_at < 0 and is_whole and is_last is not False
    return "torn" if is_torn else "corrupt"


def holds(counted: Mapping[str, int]) -> str:
    """Say how many whole parts there are: "3 items, 1 deadline"."""
    return ", ".join(_many(number, noun) for noun, number in counted.items())


def verdict(
    name: str, kind: Kind, size: int, state: State, damage: Damage | None, *, is_last: bool | None
) -> Iterator[str]:
    """Say in sentences what a file is, and what recovery makes of it."""
    if name == "LOCK":
        yield "It says nothing: what counts is who has locked it, and the operating system knows."
    elif not kind:
        yield "It is of no format of the course."
    elif size == 0 and kind == "segment":
        yield "It is empty: no frame was written to it."
    elif damage is None:
        yield "It is intact." if state == "intact" else "It is intact as far as it was read."
    elif kind == "segment":
        yield from _segment_verdict(state, damage, is_last=is_last)
    else:
        yield f"It is damaged, which shows at {damage.offset}."
        if kind == "snapshot":
            yield (
                "A snapshot counts whole or not at all: loading it raises CorruptSnapshotError, and"
                " recovery takes the newest one that is intact."
            )
    if name.endswith(".tmp"):
        yield "It is a temporary file that was never renamed: opening the store removes it."


def _segment_verdict(state: State, damage: Damage, *, is_last: bool | None) -> Iterator[str]:
    at, intact_at = damage
    if intact_at >= 0:
        yield (
            f"It is damaged at {at}, and an intact frame follows at {intact_at}:"
            " this is damage, not a torn tail."
        )
        yield f"Replay raises CorruptLogError with offset {at}, and cuts nothing."
    elif state == "torn":
        yield (
            f"It has a torn tail at {at}: no intact frame follows, so a write that was never"
            " finished explains it."
        )
        cut = f"Replay cuts it off at {at} and goes on"
        yield (
            f"{cut}: this is the last segment."
            if is_last
            else f"{cut}, if this is the last segment; in any other it raises CorruptLogError."
        )
    elif is_last is False:
        yield (
            f"It is damaged at {at}. No intact frame follows, but a later segment does:"
            " this is damage, not a torn tail."
        )
        yield f"Replay raises CorruptLogError with offset {at}, and cuts nothing."
    else:
        yield (
            f"It is damaged at {at}. Not all of its bytes are at hand, so whether an intact frame"
            " follows is not known."
        )


def stop_words(kind: Kind, at: int, size: int, *, is_foretold: bool) -> str:
    """Say where replay ended, or would end."""
    who = "reading" if kind == "snapshot" else "replay"
    beyond = ", beyond the end" if at > size else ""
    return f"{who} {'stops' if is_foretold else 'stopped'} here, at {at} ({at:#x}){beyond}"


def left_out(number: int, noun: str, offset: int, end: int) -> str:
    """Stand for parts that are not told."""
    return f"… {_many(number, noun, 'more ')}, at {offset} to {end - 1}"


def more_damage(size: int) -> str:
    """Stand for what comes after much damage."""
    return f"… {count(size, 'more byte')}, with more damage among them"


def unread(size: int, at: int) -> str:
    """Stand for bytes of the file that are not at hand."""
    return f"… {count(size, 'more byte')} from {at} on, not all of them at hand"


def begins_with_zeros(data: bytes, at: int, end: int) -> bool:
    """Whether there are zeros where a frame should begin: no frame begins with so many."""
    zeros = zeros_at(data, at, end)
    return zeros >= FRAME_HEADER_BYTES or zeros == end - at


def frame_fault(data: bytes, at: int, end: int, intact_at: int) -> str:
    """Say what is wrong with the frame at `at`, after which there is nothing intact before `end`.

    `intact_at` is the offset of the next intact frame, -1 if none follows.
    """
    there = end - at
    if begins_with_zeros(data, at, end):
        return f"{count(zeros_at(data, at, end), 'zero byte')}: {_ARRIVED_WITHOUT}."
    if there < FRAME_HEADER_BYTES:
        return (
            f"The frame at {at} should begin with {FRAME_HEADER_BYTES} bytes of crc32 and"
            f" payload_len, {_there(there)}."
        )
    payload_at = at + FRAME_HEADER_BYTES
    frame_end = payload_at + number_at(data, at + 4)
    if frame_end > end:
        fault = f"The frame at {at} should have {count(frame_end - at, 'byte')}"
        if intact_at < 0:
            return f"{fault}, {_there(there)}."
        return f"{fault}, but an intact frame begins after {there:,}: its payload_len is wrong."
    payload = data[payload_at:frame_end]
    if zlib.crc32(payload) == number_at(data, at):
        return f"The checksum of the frame at {at} matches, but its payload is no whole entries."
    zeros = len(payload) - len(payload.rstrip(b"\0"))
    ending = f", which ends in {count(zeros, 'zero byte')}: {_ARRIVED_WITHOUT}"
    return (
        f"The checksum of the frame at {at} does not match its payload"
        f"{ending if zeros >= FRAME_HEADER_BYTES else ''}."
    )


def meaning(field: Field, shown: bytes) -> str:
    """Say what a field says, where its first bytes are `shown` beside it."""
    if field.missing:
        return f"{count(field.missing, 'byte')} missing"
    is_hex = field.size > 0 and field.text.startswith(shown.hex(" "))
    return count(field.size, "byte") if is_hex else field.text


def part_fault(fields: Sequence[Field], rest: Sequence[Field]) -> str:
    """Say what is wrong with a part of a snapshot, `rest` being what follows and cannot be read."""
    wrong = next((each for each in fields if each.is_wrong), None)
    if wrong is None:
        extra = sum(each.size for each in rest)
        return f"{count(extra, 'byte')} after the end, where nothing should be."
    if wrong.name == "zeros":
        return f"{wrong.text}: {_ARRIVED_WITHOUT}."
    if wrong.missing:
        return (
            f"The file ends within {wrong.name} of {wrong.owner}:"
            f" {count(wrong.missing, 'byte')} missing."
        )
    if wrong.name == "crc32":
        return "The checksum does not match the bytes before it."
    return f"The {wrong.name} of {wrong.owner} is wrong: {wrong.text}."


def _there(size: int) -> str:
    return f"{size:,} {'is' if size == 1 else 'are'} there"


def _many(number: int, noun: str, more: str = "") -> str:
    """A number and its noun, "entry" among them."""
    return count(number, f"{more}{noun}").replace("entrys", "entries")
