"""What decode reads, from where, and how far."""

from grader.testkit import formats, points, random_key, random_value


@points(1, suite="correctness", hint="timestamps")
def test_decode_reads_negative_and_extreme_timestamps(kv):
    """The timestamp is signed: both ends of 64 bits and -1 come back."""
    codec = kv.module("entry")
    for timestamp in (-1, -(2**63), 2**63 - 1):
        entry, _ = codec.decode(formats.entry(formats.SET, timestamp, "a", b"1"))
        assert kv.row(entry) == (formats.SET, timestamp, "a", b"1")


@points(1, suite="correctness", hint="key-bytes")
def test_decode_reads_keys_of_more_than_one_byte_a_character(kv, rng):
    """key_len counts bytes: what follows the key is found after them."""
    key, value = "naïve-€-😀-" + random_key(rng, 4), random_value(rng)
    data = formats.entry(formats.SET, 1, key, value)
    entry, next_offset = kv.module("entry").decode(data)
    assert kv.row(entry) == (formats.SET, 1, key, value)
    assert next_offset == len(data)


@points(1, suite="correctness", hint="length-limits")
def test_decode_reads_a_key_of_64_kib(kv):
    """A key_len of exactly 65,536 is allowed."""
    data = formats.entry(formats.SET, 1, "k" * formats.KEY_BYTES_MAX, b"v")
    entry, next_offset = kv.module("entry").decode(data)
    assert kv.row(entry) == (formats.SET, 1, "k" * formats.KEY_BYTES_MAX, b"v")
    assert next_offset == len(data)


@points(1, suite="correctness", hint="entry-layout")
def test_a_value_may_look_like_anything(kv):
    """NUL, CR LF and even another entry's bytes inside a value are only data."""
    value = b"\x00\r\n\xff" + formats.entry(formats.DELETE, 1, "inner") + b"KVLG"
    entry, _ = kv.module("entry").decode(formats.entry(formats.SET, 2, "outer", value))
    assert kv.row(entry) == (formats.SET, 2, "outer", value)


@points(1, suite="correctness", hint="delete-and-expire")
def test_decode_reads_an_empty_value(kv):
    """A SET may hold no bytes at all, and an empty value is not a deleted key."""
    data = formats.entry(formats.SET, 2, "a", b"")
    entry, next_offset = kv.module("entry").decode(data)
    assert (kv.row(entry), next_offset) == ((formats.SET, 2, "a", b""), len(data))


@points(1, suite="correctness", hint="delete-and-expire")
def test_decode_reads_both_kinds_of_expire(kv):
    """An EXPIRE comes back with its 8 bytes, or with none."""
    codec = kv.module("entry")
    for value in (formats.deadline(-1), b""):
        entry, _ = codec.decode(formats.entry(formats.EXPIRE, 3, "a", value))
        assert kv.row(entry) == (formats.EXPIRE, 3, "a", value)


@points(2, suite="correctness", hint="back-to-back")
def test_entries_back_to_back_are_read_one_after_the_other(kv, rng):
    """Each next_offset leads to the next entry, to the end of the bytes."""
    codec = kv.module("entry")
    rows = [
        (formats.SET, 1, random_key(rng), random_value(rng, 40)),
        (formats.DELETE, 2, random_key(rng), b""),
        (formats.EXPIRE, 3, random_key(rng), formats.deadline(rng.randrange(2**62))),
        (formats.EXPIRE, 4, random_key(rng), b""),
        (formats.SET, 5, random_key(rng), b""),
        (formats.SET, 6, random_key(rng), random_value(rng, 300)),
    ]
    data = b"".join(formats.entry(*row) for row in rows)
    found, offset = [], 0
    for _ in rows:
        entry, offset = codec.decode(data, offset)
        found.append(kv.row(entry))
    assert found == rows
    assert offset == len(data)


@points(1, suite="correctness", hint="back-to-back")
def test_bytes_after_the_entry_are_not_looked_at(kv):
    """Whatever follows an entry, it is read just the same."""
    codec = kv.module("entry")
    whole = formats.entry(formats.SET, 1, "a", b"1")
    for junk in (b"\xff", b"X" * 100, b"KVL", bytes(50)):
        entry, next_offset = codec.decode(whole + junk)
        assert (kv.row(entry), next_offset) == ((formats.SET, 1, "a", b"1"), len(whole))


@points(1, suite="correctness", hint="back-to-back")
def test_bytes_before_the_offset_are_not_looked_at(kv):
    """An entry may begin anywhere, also after junk."""
    whole = formats.entry(formats.DELETE, 1, "a")
    entry, next_offset = kv.module("entry").decode(b"\xffjunk" + whole, 5)
    assert (kv.row(entry), next_offset) == ((formats.DELETE, 1, "a", b""), 5 + len(whole))


@points(1, suite="correctness", hint="offsets")
def test_a_negative_offset_is_refused(kv):
    """A negative offset is a ValueError and does not count from the end, as a slice would."""
    codec = kv.module("entry")
    whole = formats.entry(formats.SET, 1, "a", b"1")
    with kv.raises("ValueError"):
        codec.decode(whole + b"after", -len(whole) - 5)


@points(1, suite="persistence", hint="offsets")
def test_nothing_left_at_the_offset_is_truncated(kv):
    """At the end of the bytes, or past it, an entry may still come: truncated."""
    codec = kv.module("entry")
    whole = formats.entry(formats.SET, 1, "a", b"1")
    with kv.raises("TruncatedEntryError"):
        codec.decode(b"")
    for offset in (len(whole), len(whole) + 1, len(whole) + 1000):
        with kv.raises("TruncatedEntryError"):
            codec.decode(whole, offset)


@points(1, suite="correctness", hint="frozen-entry")
def test_a_decoded_entry_equals_the_one_that_was_encoded(kv, rng):
    """Two entries with the same fields are equal."""
    codec = kv.module("entry")
    original = kv.entry(formats.SET, 1, random_key(rng), random_value(rng))
    decoded, _ = codec.decode(codec.encode(original))
    equal = kv.session.do("decoded == original", "function", "contains", ([original], decoded))
    assert equal is True


@points(1, suite="correctness", hint="frozen-entry")
def test_a_decoded_entry_cannot_be_changed(kv):
    """An Entry is frozen: its fields cannot be assigned to."""
    entry, _ = kv.module("entry").decode(formats.entry(formats.SET, 1, "a", b"1"))
    with kv.raises("AttributeError"):
        kv.session.do('entry.key = "b"', "function", "setattr", (entry, "key", "b"))
