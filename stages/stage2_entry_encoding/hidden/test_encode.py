"""Every byte that encode writes, and what it refuses to write."""

from grader.testkit import formats, points, random_key, random_value

_I64_MAX = 2**63 - 1
_I64_MIN = -(2**63)


@points(1, suite="correctness", hint="entry-layout")
def test_any_set_has_exactly_the_bytes_of_the_format(kv, rng):
    """SETs of many sizes are written byte for byte."""
    codec = kv.module("entry")
    for size in (1, 2, 255, 256, 300):
        key, value = random_key(rng, size), random_value(rng, 3 * size)
        timestamp = rng.randrange(2**62)
        expected = formats.entry(formats.SET, timestamp, key, value)
        assert codec.encode(kv.entry(formats.SET, timestamp, key, value)) == expected


@points(1, suite="correctness", hint="delete-and-expire")
def test_an_expire_without_a_deadline_is_written_with_an_empty_value(kv, rng):
    """An EXPIRE that takes the deadline away has an empty value and a value_len of 0."""
    key = random_key(rng)
    data = kv.module("entry").encode(kv.entry(formats.EXPIRE, 5, key, b""))
    assert data == formats.entry(formats.EXPIRE, 5, key, b"")


@points(1, suite="correctness", hint="timestamps")
def test_timestamps_before_1970_are_negative(kv):
    """The timestamp is a signed integer: -1 is eight bytes of ff."""
    data = kv.module("entry").encode(kv.entry(formats.SET, -1, "a", b""))
    assert data == formats.entry(formats.SET, -1, "a", b"")


@points(1, suite="correctness", hint="timestamps")
def test_the_first_and_the_last_timestamp_can_be_written(kv):
    """Both ends of a signed 64-bit integer fit."""
    codec = kv.module("entry")
    for timestamp in (_I64_MIN, _I64_MAX):
        data = codec.encode(kv.entry(formats.DELETE, timestamp, "a"))
        assert data == formats.entry(formats.DELETE, timestamp, "a")


@points(1, suite="correctness", hint="timestamps")
def test_encode_refuses_a_timestamp_that_does_not_fit(kv):
    """A timestamp outside a signed 64-bit integer is a ValueError."""
    codec = kv.module("entry")
    for timestamp in (_I64_MAX + 1, _I64_MIN - 1):
        with kv.raises("ValueError"):
            codec.encode(kv.entry(formats.SET, timestamp, "a", b""))


@points(1, suite="correctness", hint="key-bytes")
def test_a_key_of_64_kib_can_be_written(kv):
    """A key of exactly 65,536 bytes fits."""
    key = "é" * 32_768
    data = kv.module("entry").encode(kv.entry(formats.SET, 0, key, b"x"))
    assert data == formats.entry(formats.SET, 0, key, b"x")


@points(1, suite="correctness", hint="key-bytes")
def test_a_key_one_byte_over_64_kib_is_refused(kv):
    """A key of 65,537 bytes is refused, though it has only half as many characters."""
    codec = kv.module("entry")
    with kv.raises("InvalidKeyError"):
        codec.encode(kv.entry(formats.SET, 0, "é" * 32_768 + "x", b""))


@points(1, suite="correctness", hint="refuse-on-encode")
def test_encode_refuses_a_key_that_utf8_cannot_hold(kv):
    """A lone surrogate has no UTF-8, so the key is invalid."""
    codec = kv.module("entry")
    with kv.raises("InvalidKeyError"):
        codec.encode(kv.entry(formats.SET, 0, "a\ud800", b""))


@points(1, suite="correctness", hint="refuse-on-encode")
def test_encode_refuses_a_key_that_is_not_text(kv):
    """A key is a str: bytes are refused."""
    codec = kv.module("entry")
    with kv.raises("InvalidKeyError"):
        codec.encode(kv.Entry(kv.Op.SET, 0, b"colour", b""))


@points(1, suite="correctness", hint="refuse-on-encode")
def test_encode_refuses_a_value_that_is_not_bytes(kv):
    """A value is bytes: text is refused."""
    codec = kv.module("entry")
    with kv.raises("InvalidValueError"):
        codec.encode(kv.Entry(kv.Op.SET, 0, "colour", "green"))


@points(1, suite="correctness", hint="length-limits")
def test_encode_refuses_a_value_over_64_mib(kv):
    """A value of 67,108,865 bytes is refused."""
    codec = kv.module("entry")
    with kv.raises("InvalidValueError"):
        codec.encode(kv.entry(formats.SET, 0, "a", bytes(formats.VALUE_BYTES_MAX + 1)))


@points(1, suite="correctness", hint="delete-and-expire")
def test_encode_refuses_a_deadline_that_is_not_8_bytes(kv):
    """The value of an EXPIRE has 8 bytes or none: 7 and 9 are refused."""
    codec = kv.module("entry")
    for size in (7, 9):
        with kv.raises("InvalidValueError"):
            codec.encode(kv.entry(formats.EXPIRE, 0, "a", bytes(size)))


@points(1, suite="correctness", hint="refuse-on-encode")
def test_encode_refuses_an_op_that_does_not_exist(kv):
    """An op that decode would call corrupt is a ValueError."""
    codec = kv.module("entry")
    with kv.raises("ValueError"):
        codec.encode(kv.Entry(4, 0, "a", b""))
