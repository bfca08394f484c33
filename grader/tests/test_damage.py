"""What damaged bytes must be taken for, and the strict parsers behind that."""

import struct
import zlib

import pytest

from grader.testkit import formats
from grader.testkit.damage import (
    Recovered,
    Refused,
    Replayed,
    flips,
    right_log,
    right_store,
    truncations,
)
from grader.testkit.formats import DELETE, EXPIRE, SET, segment_name, snapshot_name

NAME = segment_name(1)
A, B = (SET, 1, "a", b"1"), (SET, 2, "b", b"2")
FIRST, SECOND = formats.frame(A), formats.frame(B)
LOG = FIRST + SECOND
SMALL = formats.snapshot({"a": b"1"}, {"a": 7}, 5)


def test_flips_turn_each_bit_over_once():
    changed = [data for _what, data in flips(b"\x00\xff")]
    assert len(set(changed)) == 16
    assert all(bin(int.from_bytes(data) ^ 0x00FF).count("1") == 1 for data in changed)


def test_truncations_are_all_the_beginnings():
    assert [data for _what, data in truncations(b"abc")] == [b"", b"a", b"ab"]


def test_a_whole_log_is_what_it_is():
    assert right_log(NAME, LOG) == Replayed([[A], [B]])


def test_damage_in_the_last_frame_is_a_cut():
    tail = SECOND[:-1] + b"?"
    assert right_log(NAME, FIRST + tail) == Replayed([[A]], len(tail), len(FIRST))


def test_damage_before_an_intact_frame_is_an_error():
    assert right_log(NAME, b"?" + LOG[1:]) == Refused("CorruptLogError", NAME, 0)


def test_an_earlier_segment_may_not_be_torn():
    torn = right_log(NAME, LOG[:-1], is_last=False)
    assert torn == Refused("CorruptLogError", NAME, len(FIRST))


def test_a_store_is_its_segments_in_order():
    later = formats.frame((SET, 3, "a", b"9"), (DELETE, 3, "b"), (EXPIRE, 3, "a", bytes(8)))
    files = {segment_name(2): later + b"torn", segment_name(1): LOG, "notes": b"x"}
    cut = (segment_name(2), len(later))
    assert right_store(files) == Recovered({"a": b"9"}, {"a": 0}, (None, 2, 3, 4), *cut)


@pytest.mark.parametrize("numbers", [(2,), (1, 3)])
def test_a_gap_is_an_error_without_a_file(numbers):
    files = {segment_name(number): FIRST for number in numbers}
    assert right_store(files) == Refused("CorruptLogError")


def test_the_newest_intact_snapshot_counts():
    files = {segment_name(number): b"" for number in (2, 3)}
    files |= {snapshot_name(2): SMALL, snapshot_name(3): SMALL[:-1]}
    facts = (2, 2, 0, 0)
    assert right_store(files) == Recovered({"a": b"1"}, {"a": 7}, facts, None, None)


def test_a_snapshot_is_read_to_the_last_byte():
    assert formats.parse_snapshot(SMALL, "s") == ({"a": b"1"}, {"a": 7}, 5)


def with_checksum(body):
    return body + struct.pack(">I", zlib.crc32(body))


@pytest.mark.parametrize(
    "data",
    [
        *(data for _what, data in (*truncations(SMALL), *flips(SMALL))),
        with_checksum(SMALL[:-4] + b"more"),
        with_checksum(SMALL[:16].replace(b"\0\0\0\1", b"\0\0\0\2") + SMALL[16:26] * 2 + bytes(4)),
    ],
)
def test_what_is_no_snapshot_is_refused(data):
    with pytest.raises(AssertionError):
        formats.parse_snapshot(data, "s")


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        formats.entry(SET, 1, "a", b"1")[:-1],
        formats.entry(SET, 1, "a", b"1") + b"K",
        formats.entry(4, 1, "a"),
        formats.entry(DELETE, 1, "a", b"1"),
        formats.entry(EXPIRE, 1, "a", b"1234567"),
        formats.entry(SET, 1, ""),
        formats.entry(SET, 1, "a").replace(b"a", b"\xff"),
    ],
)
def test_what_is_not_whole_entries_is_refused(payload):
    with pytest.raises(AssertionError):
        formats.parse_frames(formats.raw_frame(payload), NAME)
