"""Two runs of bytes side by side: the sentences and the drawing."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.report.bytediff import differences
from grader.report.hexdump import compare, dump
from grader.testkit import formats
from grader.tests.draw_page import drawn

ENTRY = formats.entry(formats.SET, 1_700_000_000_000_000_000, "user:1", b"hello world")


def test_the_drawing() -> None:
    actual = ENTRY[:13] + b"\x03" + ENTRY[14:]
    expected = """\
        first difference at byte 13, in key_len of the entry at 0: expected 00, got 03
        key_len should be 6, but these bytes say 50331654

        want    0  4b 56 4c 47 01 17 97 9c  fe 36 2a 00 00 00 00 00  KVLG.....6*.....
        got     0  4b 56 4c 47 01 17 97 9c  fe 36 2a 00 00 03 00 00  KVLG.....6*.....
                                                           ^^
               16  06 75 73 65 72 3a 31 00  00 00 0b 68 65 6c 6c 6f  .user:1....hello
               32  20 77 6f 72 6c 64                                  world
        """
    assert drawn(compare(ENTRY, actual)) == textwrap.dedent(expected)


def test_far_rows_are_left_out_and_counted() -> None:
    data = bytes(1024)
    text = drawn(compare(data, data[:512] + b"\x01" + data[513:]))
    assert "… 496 bytes before, the same in both" in text
    assert "… 464 more bytes" in text
    assert len(text.splitlines()) == 10


def test_missing_bytes_are_dashes() -> None:
    lines = drawn(compare(b"abcdef", b"abc")).splitlines()
    assert lines[-2] == "got     0  61 62 63 -- -- --                                 abc"


def test_a_narrow_terminal_gets_eight_bytes_a_row() -> None:
    for line in drawn(compare(ENTRY, ENTRY[:-1]), width=50).splitlines():
        assert len(line) <= 50


def test_a_dump_shows_the_first_rows_of_many() -> None:
    lines = drawn(dump(bytes(range(256)) * 2)).splitlines()
    assert lines[0].endswith("00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f  ................")
    assert lines[-1].strip() == "… 256 more bytes"


@pytest.mark.parametrize(
    ("expected", "actual", "sentences"),
    [
        (b"ab", b"ab", ["both are the same 2 bytes"]),
        (
            b"abcd",
            b"a",
            [
                "expected 4 bytes, got 1",
                "first difference at byte 1: expected 62, got no byte",
                "3 bytes missing there; all else is as expected",
            ],
        ),
        (
            ENTRY,
            ENTRY + b"\n",
            [
                "expected 38 bytes, got 39",
                "first difference at byte 38: expected no byte, got 0a",
                "1 byte too many there; all else is as expected",
            ],
        ),
        (
            ENTRY,
            ENTRY[:13] + ENTRY[13:17][::-1] + ENTRY[17:],
            [
                "first difference at byte 13, in key_len of the entry at 0: expected 00, got 06",
                "key_len has its bytes in reverse order: all integers are big-endian",
            ],
        ),
        (
            ENTRY,
            ENTRY[:4] + b"\x02" + ENTRY[5:],
            [
                "first difference at byte 4, in op of the entry at 0: expected 01, got 02",
                "op should be SET, but these bytes say DELETE",
            ],
        ),
        (
            formats.raw_frame(ENTRY),
            b"\0\0\0\0" + formats.raw_frame(ENTRY)[4:],
            [
                "first difference at byte 0, in crc32 of the frame at 0: expected d3, got 00",
                "all other bytes are as expected: only the checksum is wrong",
            ],
        ),
        (
            formats.raw_frame(ENTRY),
            formats.raw_frame(ENTRY[:4] + b"\x02" + ENTRY[5:]),
            [
                "first difference at byte 0, in crc32 of the frame at 0: expected d3, got be",
                (
                    "after the checksum, more differs at byte 12, in op of the entry at 8:"
                    " expected 01, got 02"
                ),
                "op should be SET, but these bytes say DELETE",
            ],
        ),
    ],
)
def test_the_difference_in_words(expected: bytes, actual: bytes, sentences: list[str]) -> None:
    assert differences(expected, actual) == sentences


@given(st.binary(max_size=100), st.binary(max_size=100), st.sampled_from([b"", ENTRY]))
def test_any_two_runs_of_bytes_can_be_compared(one: bytes, two: bytes, head: bytes) -> None:
    for line in drawn(compare(head + one, two)).splitlines():
        assert len(line) <= 80
