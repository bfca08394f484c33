"""The byte map: torn tail or damage, what is told of long files, and how it looks in a terminal."""

from __future__ import annotations

import textwrap
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from grader.report.bytemap import ByteMap, byte_map
from grader.report.byteparts import Block, LeftOut, Stop
from grader.report.bytetable import byte_map_table
from grader.report.bytewalk import DAMAGES_MAX
from grader.testkit import formats
from grader.testkit.formats import DELETE, EXPIRE, SET
from grader.tests.draw_page import drawn

NOW = 1_700_000_000_000_000_000
LOG, SNAPSHOT = "wal-0000000001.log", "snapshot-0000000002.kvsp"
A, B, C = (formats.frame((SET, NOW, key, b"1")) for key in "abc")
BATCH = formats.frame((SET, NOW, "b", b"1"), (DELETE, NOW, "c", b""), (EXPIRE, NOW, "b", b""))
MANY = b"".join(formats.frame((SET, NOW, f"k{n}", b"v")) for n in range(20))
SAVED = formats.snapshot({f"k{n}": b"v" for n in range(9)}, {"k1": NOW}, NOW)


def log(data: bytes, stopped_at: int = -1, **options: bool | int) -> ByteMap:
    return byte_map(LOG, data, len(data), stopped_at, **options)  # type: ignore[arg-type]


def saved(data: bytes) -> ByteMap:
    return byte_map(SNAPSHOT, data, len(data))


def blocks(it: ByteMap) -> list[Block]:
    return [part for part in it.parts if isinstance(part, Block)]


def left_out(it: ByteMap) -> list[str]:
    return [part.text for part in it.parts if isinstance(part, LeftOut)]


def stops(it: ByteMap) -> list[str]:
    return [part.text for part in it.parts if isinstance(part, Stop)]


def text_of(it: ByteMap, width: int = 80) -> str:
    return drawn(byte_map_table(it), width)


def test_the_drawing() -> None:
    expected = """\
        wal-0000000001.log  segment of the log · 43 bytes · 1 intact frame · TORN TAIL
          It has a torn tail at 31: no intact frame follows, so a write that was never
          finished explains it.
          Replay cuts it off at 31 and goes on, if this is the last segment; in any
          other it raises CorruptLogError.

          frame at 0 · 31 bytes · intact
             0   0x0  crc32        dd 77 3c 0b                dd773c0b ok
             4   0x4  payload_len  00 00 00 17                23
            entry at 8
             8   0x8  magic        4b 56 4c 47                "KVLG"
            12   0xc  op           01                         SET
            13   0xd  timestamp    17 97 9c fe 36 2a 00 00    1700000000000000000
            21  0x15  key_len      00 00 00 01                1
            25  0x19  key          61                         "a"
            26  0x1a  value_len    00 00 00 01                1
            30  0x1e  value        31                         "1"
          ━━━ replay stopped here, at 31 (0x1f) ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━

          frame at 31 · 12 bytes · TORN TAIL
            The frame at 31 should have 31 bytes, 12 are there.
            31  0x1f  crc32        5b e3 4e a5                5be34ea5, of bytes that
                                                              are not all there
            35  0x23  payload_len  00 00 00 17                23
            entry at 39
            39  0x27  magic        4b 56 4c 47                "KVLG"
            43  0x2b  op                                      1 byte missing
        """
    assert text_of(log(A + B[:12], 31)) == textwrap.dedent(expected)


def test_a_checksum_is_told_as_found_and_as_expected() -> None:
    right = B[:4].hex()
    text = " ".join(text_of(log(A + b"\x00\x00\x00\x00" + B[4:]), 120).split())
    assert f"00 00 00 00 00000000 is WRONG: the bytes give {right}" in text


@pytest.mark.parametrize(
    ("data", "state", "damaged_at", "words"),
    [
        (A + B, "intact", -1, ""),
        (b"", "intact", -1, ""),
        (A + B[:12], "torn", 31, "The frame at 31 should have 31 bytes, 12 are there."),
        (A + B[:9], "torn", 31, "The frame at 31 should have 31 bytes, 9 are there."),
        (
            A + B[:1],
            "torn",
            31,
            "The frame at 31 should begin with 8 bytes of crc32 and payload_len, 1 is there.",
        ),
        (
            A + bytes(34),
            "torn",
            31,
            "34 zero bytes: a length that reached the disk without its data.",
        ),
        (
            A + BATCH[:40] + bytes(len(BATCH) - 40),
            "torn",
            31,
            (
                "The checksum of the frame at 31 does not match its payload, which ends in 35 zero"
                " bytes: a length that reached the disk without its data."
            ),
        ),
        (
            A + B[:20] + b"?" + B[21:],
            "torn",
            31,
            "The checksum of the frame at 31 does not match its payload.",
        ),
        (
            A + B[:20] + b"?" + B[21:] + C,
            "corrupt",
            31,
            "The checksum of the frame at 31 does not match its payload.",
        ),
        (
            A + B[:4] + b"\x01" + B[5:] + C,
            "corrupt",
            31,
            (
                "The frame at 31 should have 16,777,247 bytes, but an intact frame begins after"
                " 31: its payload_len is wrong."
            ),
        ),
        (
            b"?" + A[1:],
            "torn",
            0,
            "The checksum of the frame at 0 does not match its payload.",
        ),
        (
            A + formats.raw_frame(b"no entry") + C,
            "corrupt",
            31,
            "The checksum of the frame at 31 matches, but its payload is no whole entries.",
        ),
        (
            A + bytes(31) + C,
            "corrupt",
            31,
            "31 zero bytes: a length that reached the disk without its data.",
        ),
    ],
)
def test_torn_or_damaged(data: bytes, state: str, damaged_at: int, words: str) -> None:
    it = log(data)
    assert (it.state, it.damaged_at) == (state, damaged_at)
    assert [block.words for block in blocks(it) if block.words] == [words] * bool(words)
    states = {"torn": ["torn"], "corrupt": ["damaged"], "intact": []}[state]
    assert [b.state for b in blocks(it) if b.state != "intact"] == states


def test_an_intact_frame_after_it_makes_it_damage() -> None:
    it = log(A + B[:20] + b"?" + B[21:] + C)
    assert "an intact frame follows at 62: this is damage, not a torn tail" in it.verdict[0]
    assert "CorruptLogError with offset 31" in it.verdict[1]
    assert [block.offset for block in blocks(it)] == [0, 31, 62]


def test_a_tail_is_torn_in_the_last_segment_only() -> None:
    torn = A + B[:12]
    assert log(torn, is_last=True).verdict[1].endswith("this is the last segment.")
    earlier = log(torn, is_last=False)
    assert earlier.state == "corrupt"
    assert "a later segment does: this is damage" in earlier.verdict[0]


def test_the_end_of_replay_is_between_frames_within_one_or_behind_all() -> None:
    assert stops(log(A + B, 31)) == ["replay stopped here, at 31 (0x1f)"]
    within = [row for block in blocks(log(A + B, 44)) for row in block.rows]
    (place,) = [n for n, row in enumerate(within) if row.kind == "stop"]
    assert (within[place - 1].offset, within[place + 1].offset) == (43, 44)
    assert isinstance(log(A, 31).parts[-1], Stop)
    assert stops(log(A, 99)) == ["replay stopped here, at 99 (0x63), beyond the end"]
    assert stops(log(A)) == []
    assert stops(log(A + B[:9], is_foretold=True)) == ["replay stops here, at 31 (0x1f)"]


def test_of_many_frames_both_ends_are_told() -> None:
    it = log(MANY + A[:9], len(MANY))
    assert it.holds == "20 intact frames"
    assert left_out(it) == ["… 16 more intact frames, at 64 to 583"]
    assert [block.offset for block in blocks(it)] == [0, 32, 584, 617, 650]
    assert len(blocks(log(MANY, ends=5_000))) == 20
    assert left_out(log(MANY, ends=0)) == ["… 20 more intact frames, at 0 to 649"]


def test_the_frame_in_which_replay_ended_is_told_among_many() -> None:
    it = log(MANY, 330)
    assert [block.offset for block in blocks(it)] == [0, 32, 320, 584, 617]
    assert len(left_out(it)) == 2


def test_what_ends_before_an_offset_is_left_out() -> None:
    it = log(MANY, start=600)
    assert left_out(it) == ["… 18 more intact frames, at 0 to 583"]
    assert [block.offset for block in blocks(it)] == [584, 617]
    late = byte_map(SNAPSHOT, SAVED, len(SAVED), start=100)
    assert left_out(late) == ["… 1 more head, at 0 to 15", "… 7 more items, at 16 to 92"]
    assert blocks(late)[0].title == "item 8"


def test_of_many_entries_in_a_frame_both_ends_are_told() -> None:
    batch = formats.frame(*[(SET, NOW, f"k{n}", b"") for n in range(30)])
    (block,) = blocks(log(batch))
    assert [row.text for row in block.rows if row.kind == "more"] == [
        "… 26 more entries, at 54 to 669"
    ]
    assert sum(row.kind == "head" for row in block.rows) == 4


def test_of_much_damage_only_the_beginning_is_told() -> None:
    it = log((A + b"?" * 20) * 50)
    assert it.state == "corrupt"
    assert sum(block.state == "damaged" for block in blocks(it)) == DAMAGES_MAX
    assert left_out(it)[-1].endswith("more bytes, with more damage among them")


@pytest.mark.parametrize(
    ("kept", "size", "state", "left"),
    [
        (31, 62, "unknown", "… 31 more bytes from 31 on, not all of them at hand"),
        (40, 62, "unknown", "… 31 more bytes from 31 on, not all of them at hand"),
        (36, 62, "unknown", "… 31 more bytes from 31 on, not all of them at hand"),
        (40, 50, "corrupt", "… 10 more bytes from 40 on, not all of them at hand"),
    ],
)
def test_bytes_that_are_not_at_hand_are_not_judged(
    kept: int, size: int, state: str, left: str
) -> None:
    it = byte_map(LOG, (A + B)[:kept], size)
    assert it.state == state
    assert left_out(it) == [left]


def test_a_snapshot_that_is_not_all_at_hand_is_not_judged() -> None:
    for kept in range(len(SAVED)):
        it = byte_map(SNAPSHOT, SAVED[:kept], len(SAVED))
        assert it.state == "unknown", kept


def test_an_intact_snapshot() -> None:
    it = saved(SAVED)
    assert (it.state, it.holds) == ("intact", "9 items, 1 deadline")
    titles = ["head", "item 1", "item 2", "item 8", "item 9"]
    assert [block.title for block in blocks(it)] == [
        *titles,
        "number of deadlines",
        "deadline 1",
        "checksum",
    ]
    assert left_out(it) == ["… 5 more items, at 38 to 92"]


@pytest.mark.parametrize(
    ("data", "damaged_at", "words"),
    [
        (b"", 0, "The file ends within magic of the snapshot: 4 bytes missing."),
        (
            b"hello world, this is it",
            0,
            'The magic of the snapshot is wrong: "hell", should be "KVSP".',
        ),
        (bytes(50), 0, 'The magic of the snapshot is wrong: 00 00 00 00, should be "KVSP".'),
        (SAVED[:40], 38, "The file ends within key_len of item 3: 2 bytes missing."),
        (SAVED[:-1], 133, "The file ends within crc32 of the snapshot: 1 byte missing."),
        (SAVED[:-1] + b"?", 133, "The checksum does not match the bytes before it."),
        (SAVED[:26] + b"?" + SAVED[27:], 133, "The checksum does not match the bytes before it."),
        (SAVED + b"xy", 133, "2 bytes after the end, where nothing should be."),
        (
            SAVED[:16] + bytes(4) + SAVED[20:],
            16,
            "The key_len of item 1 is wrong: 0: a key has 1 to 65,536 bytes.",
        ),
        (
            SAVED[:20] + b"\xff\xff" + SAVED[22:],
            16,
            "The key of item 1 is wrong: not UTF-8: ff ff.",
        ),
        (SAVED[:115], 115, "The file ends within deadline_count of the snapshot: 4 bytes missing."),
    ],
)
def test_a_damaged_snapshot(data: bytes, damaged_at: int, words: str) -> None:
    it = saved(data)
    assert (it.state, it.damaged_at) == ("corrupt", damaged_at)
    assert [block.words for block in blocks(it) if block.words] == [words]


def test_every_flipped_bit_of_a_snapshot_is_damage() -> None:
    small = formats.snapshot({"k": b"v"}, {"k": 7}, 1)
    for bit in range(8 * len(small)):
        flipped = bytearray(small)
        flipped[bit // 8] ^= 1 << bit % 8
        assert saved(bytes(flipped)).state == "corrupt", bit


def test_every_flipped_bit_of_a_frame_is_damage() -> None:
    for bit in range(8 * len(B)):
        flipped = bytearray(A + B + C)
        flipped[len(A) + bit // 8] ^= 1 << bit % 8
        it = log(bytes(flipped))
        assert (it.state, it.damaged_at) == ("corrupt", 31), bit


def test_other_files() -> None:
    lock = byte_map("LOCK", b"", 0)
    assert (lock.state, lock.parts) == ("", ())
    assert "who has locked it" in lock.verdict[0]
    assert byte_map("notes.txt", b"hello", 5).verdict == ("It is of no format of the course.",)
    assert "never renamed" in byte_map(f"{SNAPSHOT}.tmp", SAVED, len(SAVED)).verdict[-1]
    bare = byte_map("dump", A[8:] + b"??", len(A) - 6)
    assert (bare.kind, bare.state, bare.damaged_at) == ("entries", "corrupt", 23)
    assert byte_map(f"folder/{LOG}", A, len(A)).name == LOG


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize(
    "it",
    [
        log(MANY + B[:20], 650),
        log(A + BATCH + B[:4] + b"\x01" + B[5:] + C, 120),
        log(formats.frame((SET, NOW, "k" * 90, b"\x00" * 500)) + bytes(99)),
        saved(SAVED),
        saved(b"?" * 90),
    ],
)
def test_no_line_is_wider_than_the_terminal(it: ByteMap, width: int) -> None:
    lines = text_of(it, width).splitlines()
    assert max(map(cell_len, lines)) <= width
    shown = " ".join(" ".join(lines).split())
    for part in it.parts:
        assert not isinstance(part, Stop) or part.text in shown
        assert not isinstance(part, Block) or part.words in shown


def test_what_a_file_holds_is_not_obeyed() -> None:
    key = "\x1b[2J\u202e[red]"
    text = text_of(byte_map("\x1b[2J.log", formats.frame((SET, 1, key, b"\x1b]0;x\x07")), 60))
    assert not [c for c in text if unicodedata.category(c) in {"Cc", "Cf"} and c != "\n"]
    assert "\\x1b[2J.log" in text


@given(
    st.sampled_from([LOG, SNAPSHOT, "LOCK", "x"]),
    st.sampled_from([A + B + C, BATCH + A, SAVED, A[8:]]),
    st.integers(0, 150),
    st.binary(max_size=12),
    st.tuples(st.integers(0, 200), st.integers(0, 300), st.integers(-1, 300), st.integers(0, 150)),
)
def test_any_bytes_have_a_map(
    name: str, whole: bytes, at: int, junk: bytes, numbers: tuple[int, int, int, int]
) -> None:
    kept, more, stopped_at, start = numbers
    data = (whole[:at] + junk + whole[at + len(junk) :])[:kept]
    it = byte_map(name, data, len(data) + more, stopped_at, start=start)
    at = 0
    for part in it.parts:
        if isinstance(part, (Block, LeftOut)):
            assert part.offset >= at
            at = part.end if isinstance(part, Block) else part.offset
    assert at <= len(data) + more
    assert text_of(it).startswith(name)
