"""The byte formats, explained: every field of whole bytes, and sense from damaged ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.report.fields import Field, field_at, preview
from grader.report.layout import explain, explain_part, guess, kind_of, number_of
from grader.report.scan import entry_end, frame_end, stretches
from grader.testkit import formats

SET = formats.entry(formats.SET, 1_700_000_000_000_000_000, "user", b"ada")
DELETE = formats.entry(formats.DELETE, 2, "user")
SEGMENT = formats.raw_frame(SET + DELETE) + formats.raw_frame(DELETE)
SNAPSHOT = formats.snapshot({"user": b"ada", "n": b""}, {"user": 99}, timestamp=5)
WHOLE = [SET, DELETE, SET + DELETE, SEGMENT, SNAPSHOT]


def told(data: bytes) -> list[tuple[int, int, str, str]]:
    return [(field.offset, field.size, field.name, field.text) for field in explain(data)]


def check(data: bytes, fields: list[Field]) -> None:
    at = 0
    for field in fields:
        assert field.offset >= at
        at = field.offset + field.size
        assert at <= len(data)
        assert field.size > 0 or field.text.endswith("missing")
    if fields:
        assert at == len(data), "the fields cover all bytes"


def test_an_entry_is_told_field_by_field() -> None:
    assert told(SET) == [
        (0, 4, "magic", '"KVLG"'),
        (4, 1, "op", "SET"),
        (5, 8, "timestamp", "1700000000000000000"),
        (13, 4, "key_len", "4"),
        (17, 4, "key", '"user"'),
        (21, 4, "value_len", "3"),
        (25, 3, "value", '"ada"'),
    ]


def test_a_segment_is_told_frame_by_frame_with_its_entries() -> None:
    first, second = [field for field in explain(SEGMENT) if field.name == "crc32"]
    assert first.text.endswith(" ok")
    assert first.owner == "the frame at 0"
    assert second.text.endswith(" ok")
    ops = [(field.text, field.owner) for field in explain(SEGMENT) if field.name == "op"]
    assert ops == [
        ("SET", "the entry at 8"),
        ("DELETE", "the entry at 36"),
        ("DELETE", "the entry at 69"),
    ]


def test_a_snapshot_is_told_to_its_checksum() -> None:
    assert [(field.name, field.text, field.owner) for field in explain(SNAPSHOT)[:-1]] == [
        ("magic", '"KVSP"', "the snapshot"),
        ("timestamp", "5", "the snapshot"),
        ("count", "2", "the snapshot"),
        ("key_len", "4", "item 1"),
        ("key", '"user"', "item 1"),
        ("value_len", "3", "item 1"),
        ("value", '"ada"', "item 1"),
        ("key_len", "1", "item 2"),
        ("key", '"n"', "item 2"),
        ("value_len", "0", "item 2"),
        ("deadline_count", "1", "the snapshot"),
        ("key_len", "4", "deadline 1"),
        ("key", '"user"', "deadline 1"),
        ("deadline", "99", "deadline 1"),
    ]
    assert explain(SNAPSHOT)[-1].text.endswith(" ok")


def test_the_value_of_an_expire_is_a_deadline() -> None:
    expire = formats.entry(formats.EXPIRE, 1, "k", formats.deadline(-7))
    assert explain(expire)[-1].text == "-7"


def test_a_field_cut_short_says_how_much_is_missing() -> None:
    assert told(SET[:-1])[-1] == (25, 2, "value", '"ad" … 1 byte missing')
    assert told(SET[:21])[-1] == (21, 0, "value_len", "4 bytes missing")
    assert told(SET[:15])[-1] == (13, 2, "key_len", "00 00 … 2 bytes missing")


def test_a_wrong_checksum_comes_with_the_right_one() -> None:
    right = SEGMENT[:4].hex()
    text = explain(b"\x00\x00\x00\x00" + SEGMENT[4:])[0].text
    assert text == f"00000000 is WRONG: the bytes give {right}"


@pytest.mark.parametrize(
    ("at", "byte", "name", "text"),
    [
        (4, 9, "op", "0x09: not an op"),
        (16, 0, "key_len", "0: a key has 1 to 65,536 bytes"),
        (13, 1, "key_len", "16777220: a key has 1 to 65,536 bytes"),
        (17, 0xFF, "key", "not UTF-8: ff 73 65 72"),
        (21, 5, "value_len", "83886083: a value has at most 67,108,864 bytes"),
    ],
)
def test_what_is_wrong_with_a_field_is_said(at: int, byte: int, name: str, text: str) -> None:
    damaged = SET[:at] + bytes([byte]) + SET[at + 1 :]
    assert {field.name: field.text for field in explain(damaged)}[name] == text


def test_bytes_of_no_known_format_have_no_fields() -> None:
    assert explain(b"") == explain(b"KVL") == explain(b"*1\r\n$4\r\nPING\r\n") == []


@pytest.mark.parametrize(
    ("name", "kind", "number"),
    [
        ("wal-0000000001.log", "segment", 1),
        ("wal-12345678901.log", "segment", 12_345_678_901),
        ("snapshot-0000000042.kvsp", "snapshot", 42),
        ("snapshot-0000000042.kvsp.tmp", "snapshot", 42),
        ("wal-1.log", "", -1),
        ("wal-00000000001.log", "", -1),
        ("wal-000000000\u0661.log", "", -1),
        ("wal-0000000001.log\n", "", -1),
        ("LOCK", "", -1),
    ],
)
def test_a_name_says_what_a_file_is(name: str, kind: str, number: int) -> None:
    assert (kind_of(name), number_of(name)) == (kind, number)


def test_a_segment_is_one_by_its_name_when_its_first_frame_is_damaged() -> None:
    damaged = SEGMENT[:10] + b"?" + SEGMENT[11:]
    assert guess(damaged) == ""
    fields = explain(damaged, "segment")
    check(damaged, fields)
    first, second = [field for field in fields if field.name == "crc32"]
    assert (first.is_wrong, second.is_wrong) == (True, False)
    assert second.owner == f"the frame at {len(SET + DELETE) + 8}"


def test_a_frame_is_found_after_a_length_that_lies() -> None:
    damaged = SEGMENT[:4] + b"\x7f" + SEGMENT[5:]
    owners = {field.owner for field in explain(damaged, "segment") if field.text.endswith(" ok")}
    assert owners == {f"the frame at {len(SET + DELETE) + 8}"}


def test_zeros_where_a_frame_should_begin_are_named() -> None:
    (zeros,) = explain(SEGMENT + bytes(34), "segment")[-1:]
    assert (zeros.offset, zeros.size, zeros.name) == (len(SEGMENT), 34, "zeros")
    assert zeros.text == "34 zero bytes"


def test_a_snapshot_without_its_magic_is_one_by_its_name() -> None:
    fields = explain(b"KVSX" + SNAPSHOT[4:], "snapshot")
    assert fields[0].text == '"KVSX", should be "KVSP"'
    assert [field.name for field in fields if field.is_wrong] == ["magic", "crc32"]


def test_only_an_op_that_has_a_value_may_have_one() -> None:
    delete, expire = (formats.entry(op, 1, "k", b"abc") for op in (formats.DELETE, formats.EXPIRE))
    assert explain(delete)[-2].text == "3: a DELETE has no value"
    assert explain(expire)[-2].text == "3: the value of an EXPIRE has 0 or 8 bytes"


def test_bytes_after_the_end_are_the_rest() -> None:
    assert told(SET + b"junk")[-1] == (28, 4, "rest", '4 bytes that cannot be read: "junk"')


def test_a_field_is_found_by_any_of_its_bytes() -> None:
    fields = explain(SET)
    assert [field_at(fields, at) for at in range(13, 17)] == [fields[3]] * 4
    assert field_at(fields, len(SET)) is None


def test_a_preview_is_short_and_on_one_line() -> None:
    assert preview(b"two words") == '"two words"'
    assert preview(b"a\nb") == "61 0a 62"
    assert preview(b"x" * 5000) == f'"{"x" * 24}"… (5,000 bytes)'


@pytest.mark.parametrize("whole", WHOLE)
def test_every_truncation_is_explained(whole: bytes) -> None:
    for size in range(len(whole)):
        check(whole[:size], explain(whole[:size]))


@given(st.binary(max_size=80), st.sampled_from([b"", b"KVLG", b"KVSP", b"\0\0\0\0\0\0\0\x20KVLG"]))
def test_any_bytes_are_explained(tail: bytes, head: bytes) -> None:
    check(head + tail, explain(head + tail))


@given(st.sampled_from(WHOLE), st.integers(0, 200), st.binary(min_size=1, max_size=4), st.data())
def test_any_damage_is_explained(whole: bytes, at: int, junk: bytes, data: st.DataObject) -> None:
    at %= len(whole)
    damaged = (whole[:at] + junk + whole[at + len(junk) :])[: data.draw(st.integers(0, 200))]
    check(damaged, explain(damaged))


@given(st.sampled_from([SET, DELETE]), st.integers(0, 40), st.binary(max_size=3), st.data())
def test_the_quick_look_and_the_long_one_agree_on_entries(
    whole: bytes, at: int, junk: bytes, data: st.DataObject
) -> None:
    damaged = whole[:at] + junk + whole[at + len(junk) :]
    end = data.draw(st.integers(0, len(damaged)))
    fields = explain_part("entry", damaged, 0, end)
    is_whole = bool(fields) and not any(field.is_wrong for field in fields)
    after = fields[-1].end if is_whole else -1
    assert entry_end(damaged, 0, end) == after


@given(st.integers(0, 100), st.binary(max_size=3), st.integers(0, 200))
def test_a_segment_is_taken_apart_without_a_gap(at: int, junk: bytes, size: int) -> None:
    damaged = (SEGMENT[:at] + junk + SEGMENT[at + len(junk) :] + DELETE)[:size]
    end = 0
    for stretch in stretches(damaged):
        assert stretch.offset == end < stretch.end
        end = stretch.end
        assert stretch.is_intact == (frame_end(damaged, stretch.offset) == end)
        assert stretch.is_intact or end == len(damaged) or frame_end(damaged, end) > 0
    assert end == len(damaged)
    check(damaged, explain(damaged, "segment"))
