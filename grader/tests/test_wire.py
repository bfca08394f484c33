"""The pipe's codec: exact types only, and any bytes give a value or WireError."""

import contextlib
import enum
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.agent.wire import (
    DEPTH_MAX,
    INT_BYTES_MAX,
    MESSAGE_BYTES_MAX,
    VALUES_MAX,
    WireError,
    decode,
    encode,
)

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=()))
    | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.integers(-(2**63), 2**63 - 1) | st.binary(), inner)
    ),
    max_leaves=20,
)


def same(one, other):
    """Equal, and of the same types all the way down (1 == True and 1 == 1.0 are not the same)."""
    return repr(one) == repr(other)


@given(plain)
def test_a_value_comes_back_as_it_was(value):
    assert same(decode(encode(value)), value)


@given(st.binary(max_size=200))
def test_any_bytes_give_a_value_or_a_wire_error(data):
    try:
        decode(data)
    except WireError:
        return


@given(plain, st.data())
def test_a_message_cut_anywhere_is_refused(value, data):
    message = encode(value)
    cut = data.draw(st.integers(0, len(message) - 1))
    with pytest.raises(WireError):
        decode(message[:cut])


def test_bytes_after_the_message_are_refused():
    with pytest.raises(WireError, match="1 bytes after"):
        decode(encode(1) + b"N")


class _Colour(enum.IntEnum):
    RED = 1


class _Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    "impostor", [_Colour.RED, _Text("a"), type("B", (bytes,), {})(b"x"), object()]
)
def test_a_subclass_does_not_cross_as_its_base(impostor):
    with pytest.raises(WireError):
        encode([impostor])
    kept = []

    def keep(value):
        kept.append(value)
        return 7, "about"

    assert decode(encode([impostor], keep)) == [(7, "about")]
    assert kept == [impostor]


def test_too_deep_and_self_containing_values_are_refused():
    loop = []
    loop.append(loop)
    with pytest.raises(WireError, match="deep"):
        encode(loop)
    with pytest.raises(WireError, match="deep"):
        decode(b"l\x00\x00\x00\x01" * (DEPTH_MAX + 2) + b"N")


def test_a_huge_count_allocates_nothing():
    with pytest.raises(WireError, match="count"):
        decode(b"l\xff\xff\xff\xff")


def test_an_unhashable_key_is_refused():
    with pytest.raises(WireError):
        decode(b"d\x00\x00\x00\x01" + encode([]) + encode(1))


def u32(number):
    return number.to_bytes(4, "big")


HOSTILE = {
    "empty dicts": b"l" + u32(10**7) + b"d\0\0\0\0" * 10**7,
    "nothings": b"l" + u32(10**7) + b"N" * 10**7,
    "objects": b"l" + u32(10**6) + b"h\0\0\0\1N" * 10**6,
    "a huge int": b"I" + u32(10**7) + b"\x7f" * 10**7,
    "large ints": b"l" + u32(VALUES_MAX - 1) + (b"I" + u32(200) + b"\x7f" * 200) * (VALUES_MAX - 1),
    "lone surrogates": b"s" + u32(3 * 10**7) + b"\xed\xa0\x80" * 10**7,
    "a deep tree": (b"l" + u32(2)) * 50 + b"N" * 51,
    "too many bytes": b"b" + u32(MESSAGE_BYTES_MAX) + bytes(MESSAGE_BYTES_MAX),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_a_hostile_process_writes_is_soon_read_or_refused(name):
    started = time.process_time()
    with contextlib.suppress(WireError):
        decode(HOSTILE[name])
    assert time.process_time() - started < 1


def test_what_has_more_parts_or_bytes_than_any_honest_value_is_refused_on_both_sides():
    assert len(decode(encode([None] * (VALUES_MAX - 1)))) == VALUES_MAX - 1
    with pytest.raises(WireError, match="parts"):
        encode([None] * VALUES_MAX)
    with pytest.raises(WireError, match="values"):
        decode(b"l" + u32(VALUES_MAX) + b"N" * VALUES_MAX)
    with pytest.raises(WireError, match="an int of"):
        encode(1 << 8 * INT_BYTES_MAX)
    with pytest.raises(WireError, match="an int of"):
        decode(b"I" + u32(INT_BYTES_MAX + 1) + bytes(INT_BYTES_MAX + 1))


@pytest.mark.parametrize("key", [(1, 2), 2**63, -(2**63) - 1, frozenset()])
def test_keys_that_could_be_made_to_collide_are_refused(key):
    with pytest.raises(WireError):
        encode({key: 1})
    if type(key) is not frozenset:
        with pytest.raises(WireError, match="key of type"):
            decode(b"d\0\0\0\1" + encode(key) + b"N")
