"""Entries as bytes: every byte of the format, and the line between truncated and corrupt."""

import itertools
import struct

import pytest
from kvstore.entry import Entry, Op, decode, encode
from kvstore.errors import (
    CorruptEntryError,
    InvalidKeyError,
    InvalidValueError,
    TruncatedEntryError,
)

DEADLINE = (1_700_000_000_000_000_000).to_bytes(8, "big")
CASES = [
    Entry(Op.SET, 0, "a", b""),
    Entry(Op.SET, 1, "key", b"value"),
    Entry(Op.SET, -1, "aé€😀", b"KVLG\x00\xff"),
    Entry(Op.SET, 2**63 - 1, "k" * 65_536, b"v" * 1000),
    Entry(Op.DELETE, -(2**63), "key"),
    Entry(Op.EXPIRE, 5, "key", DEADLINE),
    Entry(Op.EXPIRE, 5, "key"),
]


def raw(*, op=1, timestamp=7, key=b"key", value=b"value", key_len=None, value_len=None):
    key_len = len(key) if key_len is None else key_len
    value_len = len(value) if value_len is None else value_len
    header = struct.pack(">4sBqI", b"KVLG", op, timestamp, key_len)
    return header + key + struct.pack(">I", value_len) + value


def test_the_bytes_are_those_of_the_format():
    assert encode(Entry(Op.SET, 1, "ab", b"xyz")).hex(" ") == (
        "4b 56 4c 47 01 00 00 00 00 00 00 00 01 00 00 00 02 61 62 00 00 00 03 78 79 7a"
    )


@pytest.mark.parametrize("entry", CASES)
def test_round_trip_anywhere_in_the_input(entry):
    data = encode(entry)
    assert decode(data) == (entry, len(data))
    assert decode(b"junk" + data + b"more junk", 4) == (entry, 4 + len(data))
    assert decode(memoryview(data)) == (entry, len(data))
    decoded, _ = decode(data)
    assert type(decoded.op) is Op
    assert type(decoded.value) is bytes


@pytest.mark.parametrize("entry", [case for case in CASES if len(case.key) < 100])
def test_every_prefix_of_an_entry_is_truncated(entry):
    data = encode(entry)
    for size in range(len(data)):
        with pytest.raises(TruncatedEntryError):
            decode(data[:size])


@pytest.mark.parametrize(
    "data",
    [
        b"X",
        b"KVLX",
        b"KVS",
        b"KVLG\x00",
        b"KVLG\x04",
        raw(key=b""),
        raw(key=b"", value=b"")[:17],
        raw(key_len=65_537),
        raw(key_len=0x0100_0000)[:14],  # the first byte of the length says enough
        raw(key_len=0x0002_0000)[:15],
        raw(key=b"\xff\xff"),
        raw(key=b"ab\xff", key_len=100)[:20],
        raw(key=b"\xe2\x82"),
        raw(key=b"a\xed\xa0\x80"),  # a lone surrogate
        raw(key=b"ab\xe2", key_len=4)[:20],  # three bytes wide, and only two are left
        raw(value_len=67_108_865),
        raw(value_len=0x0500_0000)[:21],
        raw(op=2, value=b"x"),
        raw(op=2, value=b"", value_len=0x0001_0000)[:22],
        raw(op=3, value=b"x" * 7),
        raw(op=3, value=b"x" * 9),
        raw(op=3, value=b"", value_len=0x0000_0100)[:23],
    ],
)
def test_what_no_longer_input_can_mend_is_corrupt(data):
    for more in (b"", b"\0" * 40, b"\xff" * 40):
        with pytest.raises(CorruptEntryError):
            decode(data + more)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        raw(key_len=65_536)[:17],
        raw(key_len=0x0001_0000)[:15],
        raw(key=b"ab\xe2", key_len=5)[:20],
        raw(value_len=67_108_864),
        raw(op=2, value=b"")[:23],
        raw(op=3, value=b"", value_len=8),
    ],
)
def test_what_a_longer_input_can_mend_is_truncated(data):
    with pytest.raises(TruncatedEntryError):
        decode(data)


def test_a_key_cut_inside_a_character_is_judged_as_the_unicode_standard_does():
    seconds = [b"", *(bytes([byte]) for byte in (0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0))]
    for lead, second, key_len in itertools.product(range(0x80, 0x100), seconds, (2, 3, 4)):
        part = bytes([lead]) + second
        if len(part) == key_len:
            continue
        fillings = itertools.product((0x41, 0x80, 0x90, 0xA0), repeat=key_len - len(part))
        mendable = any(is_utf8(part + bytes(filling)) for filling in fillings)
        expected = TruncatedEntryError if mendable else CorruptEntryError
        with pytest.raises(expected):
            decode(raw(key=part, key_len=key_len)[: 17 + len(part)])


def is_utf8(data):
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize("key", ["", "k" * 65_537, "\ud800", b"a", None])
def test_encode_refuses_a_bad_key(key):
    with pytest.raises(InvalidKeyError):
        encode(Entry(Op.SET, 0, key, b""))


@pytest.mark.parametrize(
    ("op", "value"),
    [
        (Op.SET, "text"),
        (Op.SET, bytearray(b"a")),
        (Op.SET, bytes(67_108_865)),
        (Op.DELETE, b"x"),
        (Op.EXPIRE, b"1234567"),
        (Op.EXPIRE, b"123456789"),
    ],
)
def test_encode_refuses_a_bad_value(op, value):
    with pytest.raises(InvalidValueError):
        encode(Entry(op, 0, "a", value))


@pytest.mark.parametrize("timestamp", [2**63, -(2**63) - 1, 1.5, None])
def test_encode_refuses_a_bad_timestamp(timestamp):
    with pytest.raises(ValueError, match="timestamp"):
        encode(Entry(Op.SET, timestamp, "a"))


def test_encode_refuses_an_unknown_op_and_decode_a_negative_offset():
    with pytest.raises(ValueError, match="9"):
        encode(Entry(9, 0, "a"))
    with pytest.raises(ValueError, match="negative"):
        decode(encode(CASES[0]), -1)


def test_an_entry_cannot_be_changed():
    with pytest.raises(AttributeError):
        CASES[0].key = "b"
    assert len({Entry(Op.SET, 1, "a"), Entry(Op.SET, 1, "a")}) == 1
