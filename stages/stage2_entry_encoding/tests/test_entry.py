"""What an entry is in bytes, and what decode makes of bytes."""

from grader.testkit import formats, points, random_key, random_value


@points(1, suite="correctness", hint="entry-layout")
def test_a_set_is_laid_out_byte_for_byte(kv):
    """A SET is magic, op, timestamp, key_len, key, value_len and value, big-endian."""
    entry = kv.entry(formats.SET, 258, "ab", b"xyz")
    assert kv.module("entry").encode(entry) == bytes.fromhex(
        "4b564c47"  # magic: KVLG
        "01"  # op: SET
        "0000000000000102"  # timestamp: 258 nanoseconds after 1970
        "00000002"  # key_len
        "6162"  # key: ab
        "00000003"  # value_len
        "78797a"  # value: xyz
    )


@points(1, suite="correctness", hint="delete-and-expire")
def test_a_delete_has_a_key_and_an_empty_value(kv):
    """A DELETE ends with a value_len of 0."""
    entry = kv.entry(formats.DELETE, 258, "ab")
    assert kv.module("entry").encode(entry) == bytes.fromhex(
        "4b564c47 02 0000000000000102 00000002 6162 00000000"
    )


@points(1, suite="correctness", hint="delete-and-expire")
def test_an_expire_has_its_deadline_as_its_value(kv):
    """The value of an EXPIRE is its deadline: 8 bytes, in unix nanoseconds."""
    eight_bytes = (1_700_000_000_000_000_000).to_bytes(8, "big")
    entry = kv.entry(formats.EXPIRE, 258, "ab", eight_bytes)
    assert kv.module("entry").encode(entry) == bytes.fromhex(
        "4b564c47 03 0000000000000102 00000002 6162 00000008 17979cfe362a0000"
    )


@points(1, suite="correctness", hint="back-to-back")
def test_decode_reads_what_encode_wrote(kv, rng):
    """An entry comes back from its bytes as it was."""
    codec = kv.module("entry")
    key, value = random_key(rng), random_value(rng)
    entry, _ = codec.decode(codec.encode(kv.entry(formats.SET, 1_700_000_000, key, value)))
    assert kv.row(entry) == (formats.SET, 1_700_000_000, key, value)


@points(1, suite="correctness", hint="delete-and-expire")
def test_decode_reads_a_delete(kv, rng):
    """A DELETE is read back with an empty value."""
    key = random_key(rng)
    entry, _ = kv.module("entry").decode(formats.entry(formats.DELETE, 7, key))
    assert kv.row(entry) == (formats.DELETE, 7, key, b"")


@points(1, suite="correctness", hint="back-to-back")
def test_decode_says_where_the_next_entry_begins(kv):
    """The second thing that decode returns is the offset of the first byte after the entry."""
    codec = kv.module("entry")
    first = formats.entry(formats.SET, 1, "a", b"1")
    second = formats.entry(formats.SET, 2, "b", b"2")
    _, next_offset = codec.decode(first + second)
    assert next_offset == len(first)


@points(1, suite="correctness", hint="back-to-back")
def test_decode_begins_at_the_offset(kv):
    """Given an offset, decode reads the entry that begins there."""
    codec = kv.module("entry")
    first = formats.entry(formats.SET, 1, "a", b"1")
    second = formats.entry(formats.SET, 2, "b", b"2")
    entry, next_offset = codec.decode(first + second, len(first))
    assert kv.row(entry) == (formats.SET, 2, "b", b"2")
    assert next_offset == len(first) + len(second)


@points(1, suite="correctness", hint="key-bytes")
def test_key_len_counts_bytes(kv):
    """A key of 2 characters that take 5 bytes in UTF-8 has a key_len of 5."""
    entry = kv.entry(formats.SET, 0, "é€", b"")
    assert kv.module("entry").encode(entry) == bytes.fromhex(
        "4b564c47 01 0000000000000000 00000005 c3a9e282ac 00000000"
    )


@points(1, suite="persistence", hint="truncated-or-corrupt")
def test_half_an_entry_is_truncated(kv):
    """An entry that a crash cut in half is truncated: with more bytes it could have been whole."""
    whole = formats.entry(formats.SET, 1, "colour", b"green")
    with kv.raises("TruncatedEntryError"):
        kv.module("entry").decode(whole[: len(whole) // 2])


@points(1, suite="correctness", hint="magic")
def test_a_wrong_magic_is_corrupt(kv):
    """Bytes that do not begin with KVLG are no entry, and more bytes cannot change that."""
    whole = formats.entry(formats.SET, 1, "colour", b"green")
    with kv.raises("CorruptEntryError"):
        kv.module("entry").decode(b"XXXX" + whole[4:])


@points(1, suite="correctness", hint="magic")
def test_an_unknown_op_is_corrupt(kv):
    """Only the ops 1, 2 and 3 exist."""
    whole = formats.entry(9, 1, "colour", b"green")
    with kv.raises("CorruptEntryError"):
        kv.module("entry").decode(whole)


@points(1, suite="correctness", hint="key-bytes")
def test_encode_refuses_an_empty_key(kv):
    """A key has at least one byte."""
    codec = kv.module("entry")
    with kv.raises("InvalidKeyError"):
        codec.encode(kv.entry(formats.SET, 0, "", b"value"))


@points(1, suite="correctness", hint="refuse-on-encode")
def test_encode_refuses_a_delete_with_a_value(kv):
    """A DELETE has no value, so one that has cannot be written."""
    codec = kv.module("entry")
    with kv.raises("InvalidValueError"):
        codec.encode(kv.entry(formats.DELETE, 0, "colour", b"green"))
