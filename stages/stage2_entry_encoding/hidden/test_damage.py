"""The line between truncated and corrupt: could more bytes still make an entry of these?"""

import struct

from grader.testkit import formats, points

_MAGIC = formats.ENTRY_MAGIC


def _raw(op=1, key=b"key", value=b"value", key_len=None, value_len=None):
    """An entry's bytes with any op, key bytes and lengths."""
    header = struct.pack(">4sBqI", _MAGIC, op, 7, len(key) if key_len is None else key_len)
    return header + key + struct.pack(">I", len(value) if value_len is None else value_len) + value


def _expect_from(kv, data, bad):
    """Beginnings of `data` are truncated up to byte `bad`, and corrupt once it has arrived."""
    codec = kv.module("entry")
    for size in range(bad + 1):
        with kv.raises("TruncatedEntryError"):
            codec.decode(data[:size])
    for size in range(bad + 1, len(data) + 1):
        with kv.raises("CorruptEntryError"):
            codec.decode(data[:size])


@points(2, suite="persistence", hint="truncated-or-corrupt")
def test_a_set_cut_at_any_byte_is_truncated(kv):
    """Wherever a crash cuts an entry, even inside a character, decode says truncated."""
    codec = kv.module("entry")
    whole = formats.entry(formats.SET, -1, "é€😀", b"12345")
    for size in range(len(whole)):
        with kv.raises("TruncatedEntryError"):
            codec.decode(whole[:size])


@points(1, suite="persistence", hint="truncated-or-corrupt")
def test_an_expire_cut_at_any_byte_is_truncated(kv):
    """Without some of its 8 bytes a deadline is truncated, not a wrong length."""
    codec = kv.module("entry")
    whole = formats.entry(formats.EXPIRE, 1, "k", formats.deadline(2**62))
    for size in range(len(whole)):
        with kv.raises("TruncatedEntryError"):
            codec.decode(whole[:size])


@points(1, suite="persistence", hint="truncated-or-corrupt")
def test_an_entry_cut_at_an_offset_is_truncated(kv):
    """The second entry of a log can be cut, too: the first one does not lend it bytes."""
    codec = kv.module("entry")
    first = formats.entry(formats.SET, 1, "a", b"1")
    second = formats.entry(formats.DELETE, 2, "b")
    for size in range(len(second)):
        with kv.raises("TruncatedEntryError"):
            codec.decode(first + second[:size], len(first))


@points(1, suite="correctness", hint="magic")
def test_a_wrong_beginning_of_the_magic_is_corrupt_however_short(kv):
    """Even one byte is enough to see that no entry begins like this."""
    codec = kv.module("entry")
    for beginning in (b"X", b"KX", b"KVX", b"KVSP", b"kvlg", b"\x00", b"VLG"):
        with kv.raises("CorruptEntryError"):
            codec.decode(beginning)


@points(1, suite="correctness", hint="magic")
def test_each_byte_of_the_magic_counts(kv):
    """One wrong bit anywhere in the magic makes a whole entry corrupt."""
    codec = kv.module("entry")
    whole = _raw()
    for at in range(4):
        with kv.raises("CorruptEntryError"):
            codec.decode(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])


@points(1, suite="correctness", hint="magic")
def test_an_unknown_op_is_corrupt_as_soon_as_it_is_there(kv):
    """The ops 0, 4 and 255 do not exist, and nothing need follow them to know it."""
    codec = kv.module("entry")
    for op in (0, 4, 255):
        for data in (_MAGIC + bytes([op]), _raw(op=op)):
            with kv.raises("CorruptEntryError"):
                codec.decode(data)


@points(1, suite="correctness", hint="length-limits")
def test_a_key_len_of_zero_is_corrupt(kv):
    """No key is empty, so the four zero bytes of a key_len are enough."""
    codec = kv.module("entry")
    for data in (_raw(key=b""), _raw(key=b"")[: formats.ENTRY_HEADER_BYTES]):
        with kv.raises("CorruptEntryError"):
            codec.decode(data)


@points(1, suite="correctness", hint="length-limits")
def test_a_key_len_over_64_kib_is_corrupt_and_not_truncated(kv):
    """65,536 bytes may still come; 65,537 are no key, so nobody should wait for them."""
    codec = kv.module("entry")
    with kv.raises("TruncatedEntryError"):
        codec.decode(_raw(key_len=formats.KEY_BYTES_MAX))
    for key_len in (formats.KEY_BYTES_MAX + 1, 2**31, 2**32 - 1):
        with kv.raises("CorruptEntryError"):
            codec.decode(_raw(key_len=key_len))


@points(1, suite="correctness", hint="length-limits")
def test_a_value_len_over_64_mib_is_corrupt_and_not_truncated(kv):
    """67,108,864 bytes may still come; one more, or four gigabytes, are no value."""
    codec = kv.module("entry")
    with kv.raises("TruncatedEntryError"):
        codec.decode(_raw(value_len=formats.VALUE_BYTES_MAX))
    for value_len in (formats.VALUE_BYTES_MAX + 1, 2**31, 2**32 - 1):
        with kv.raises("CorruptEntryError"):
            codec.decode(_raw(value_len=value_len))


@points(1, suite="persistence", hint="every-byte-tells")
def test_a_key_len_is_corrupt_from_the_first_byte_that_makes_it_too_large(kv):
    """Of a key_len that begins with 01 one byte is enough: it would be over 16 million."""
    _expect_from(kv, _raw(key_len=0x01000000)[:14], 13)


@points(1, suite="correctness", hint="utf8-keys")
def test_a_key_that_is_not_utf8_is_corrupt(kv):
    """Bytes that are no UTF-8 are no key."""
    codec = kv.module("entry")
    for key in (b"\xff", b"ab\x80", b"\xc3(", b"ok\xe2\x82"):
        with kv.raises("CorruptEntryError"):
            codec.decode(_raw(key=key))


@points(1, suite="correctness", hint="utf8-keys")
def test_forbidden_forms_of_utf8_are_corrupt(kv):
    """Overlong forms, surrogates and what lies past U+10FFFF are not UTF-8."""
    codec = kv.module("entry")
    for key in (b"\xc0\xaf", b"\xe0\x80\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"):
        with kv.raises("CorruptEntryError"):
            codec.decode(_raw(key=key))


@points(1, suite="persistence", hint="every-byte-tells")
def test_a_bad_byte_in_a_key_is_corrupt_though_the_rest_is_missing(kv):
    """Truncated up to the bad byte, corrupt once it has arrived: no bytes after it can help."""
    data = _raw(key=b"a\xffb")
    _expect_from(kv, data, formats.ENTRY_HEADER_BYTES + 1)


@points(1, suite="correctness", hint="delete-and-expire")
def test_a_delete_with_a_value_is_corrupt(kv):
    """The value_len of a DELETE can only be 0, whether or not the value is there."""
    codec = kv.module("entry")
    for data in (_raw(op=2), _raw(op=2, value=b"", value_len=1)):
        with kv.raises("CorruptEntryError"):
            codec.decode(data)


@points(1, suite="correctness", hint="delete-and-expire")
def test_an_expire_without_exactly_8_bytes_is_corrupt(kv):
    """A deadline of 1, 7, 9 or 16 bytes does not exist, whether or not they are there."""
    codec = kv.module("entry")
    for size in (1, 7, 9, 16):
        for data in (_raw(op=3, value=bytes(size)), _raw(op=3, value=b"", value_len=size)):
            with kv.raises("CorruptEntryError"):
                codec.decode(data)
