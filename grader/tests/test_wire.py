"""The pipe's codec: exact types only, and any bytes give a value or WireError."""

import enum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.agent.wire import DEPTH_MAX, Reference, WireError, decode, encode

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
        | st.dictionaries(st.text() | st.integers() | st.binary(), inner)
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
        return Reference(7, "about")

    [reference] = decode(encode([impostor], keep))
    assert kept == [impostor]
    assert (reference.number, reference.about) == (7, "about")


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
