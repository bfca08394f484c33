"""Every byte of a snapshot, and every way in which it can be wrong."""

import struct
import zlib

from grader.testkit import formats, points, random_key, random_value

_NAME = "snapshot-0000000007.kvsp"
_SMALL = formats.snapshot({"k": b"v"}, {"k": 77})
_HOUR_NS = 3_600 * 10**9


def _written(kv, data_dir, items, deadlines):
    """The file that write_snapshot made, and what it should be, the timestamp being as found."""
    path = data_dir / _NAME
    kv.write_snapshot(path, items, deadlines)
    data = path.read_bytes() if path.exists() else b""
    timestamp = int.from_bytes(data[4:12], "big", signed=True)
    return data, formats.snapshot(items, deadlines, timestamp)


def _refuses(kv, data_dir, *damaged):
    """Each of these files is damaged, and nothing else than CorruptSnapshotError is raised."""
    path = data_dir / _NAME
    for data in damaged:
        path.write_bytes(data)
        with kv.raises("CorruptSnapshotError"):
            kv.load_snapshot(path)


def _with_checksum(body):
    return body + struct.pack(">I", zlib.crc32(body))


def _raw(count, rest):
    """A snapshot with any count and anything after it, and a right checksum."""
    return _with_checksum(struct.pack(">4sqI", formats.SNAPSHOT_MAGIC, 5, count) + rest)


@points(1, suite="correctness", hint="snapshot-layout")
def test_an_empty_snapshot_has_24_bytes(kv, data_dir):
    """Header, two counts of 0 and a checksum: nothing more."""
    data, expected = _written(kv, data_dir, {}, {})
    assert data == expected


@points(1, suite="correctness", hint="snapshot-layout")
def test_lengths_in_a_snapshot_are_in_bytes(kv, data_dir, rng):
    """A key of 3 characters and 9 bytes has a key_len of 9, here and among the deadlines."""
    value = random_value(rng, 300)
    data, expected = _written(kv, data_dir, {"é€😀": value}, {"é€😀": 5})
    assert data == expected


@points(1, suite="correctness", hint="snapshot-layout")
def test_deadlines_are_signed(kv, data_dir):
    """A deadline is an i64: both ends of 64 bits are written and read."""
    for deadline in (-(2**63), 2**63 - 1):
        data, expected = _written(kv, data_dir, {"a": b""}, {"a": deadline})
        assert data == expected
        assert kv.load_snapshot(data_dir / _NAME) == ({"a": b""}, {"a": deadline})


@points(1, suite="correctness", hint="snapshot-layout")
def test_the_timestamp_is_in_nanoseconds(kv, data_dir):
    """The header says when the snapshot was written, in unix nanoseconds."""
    data, _expected = _written(kv, data_dir, {}, {})
    timestamp = int.from_bytes(data[4:12], "big", signed=True)
    written_ns = (data_dir / _NAME).stat().st_mtime_ns if data else 0
    kv.note(f"the timestamp is {timestamp}, the file's own time {written_ns}")
    assert (timestamp > 0, abs(timestamp - written_ns) < _HOUR_NS) == (True, True)


@points(1, suite="correctness", hint="snapshot-layout")
def test_values_of_every_kind_come_back(kv, data_dir, rng):
    """Empty values, NUL, CR LF, the magic itself, long keys and long values come back."""
    items = {
        "empty": b"",
        "nul": b"\x00\r\n",
        "magic": formats.snapshot({"inner": b"1"}),
        "k" * formats.KEY_BYTES_MAX: b"long key",
        random_key(rng): random_value(rng, 200_000),
        "ключ": random_value(rng),
    }
    kv.write_snapshot(data_dir / _NAME, items, {"nul": 1})
    assert kv.load_snapshot(data_dir / _NAME) == (items, {"nul": 1})


@points(1, suite="correctness", hint="snapshot-layout")
def test_a_snapshot_written_by_another_program_is_loaded(kv, data_dir, rng):
    """Any file of this format is a snapshot, whoever wrote it and in whatever order."""
    items = {random_key(rng): random_value(rng) for _ in range(10)}
    deadlines = {key: rng.randrange(-(2**62), 2**62) for key in reversed(list(items)[2:5])}
    (data_dir / _NAME).write_bytes(formats.snapshot(items, deadlines, timestamp=-1))
    assert kv.load_snapshot(data_dir / _NAME) == (items, deadlines)


@points(2, suite="persistence", hint="believe-nothing")
def test_a_snapshot_cut_at_any_byte_is_refused(kv, data_dir):
    """Wherever the file ends too early, in every section, it is damaged."""
    _refuses(kv, data_dir, *(_SMALL[:size] for size in range(len(_SMALL))))


@points(2, suite="persistence", hint="snapshot-checksum")
def test_a_flipped_bit_in_any_byte_is_noticed(kv, data_dir):
    """Magic, timestamp, counts, lengths, keys, values, deadlines, checksum: each byte counts."""
    _refuses(
        kv,
        data_dir,
        *(_SMALL[:at] + bytes([_SMALL[at] ^ 0x01]) + _SMALL[at + 1 :] for at in range(len(_SMALL))),
    )


@points(1, suite="persistence", hint="believe-nothing")
def test_bytes_after_the_end_are_damage(kv, data_dir):
    """A snapshot ends with its checksum; with more bytes, before it or after it, it is not one."""
    before_it = _with_checksum(_SMALL[:-4] + b"more")
    _refuses(kv, data_dir, _SMALL + b"\x00", _SMALL + _SMALL, before_it)


@points(1, suite="persistence", hint="believe-nothing")
def test_a_foreign_file_is_refused_though_its_checksum_holds(kv, data_dir):
    """Without the magic it is no snapshot, and the damage is at offset 0."""
    path = data_dir / _NAME
    path.write_bytes(_with_checksum(b"KVLG" + _SMALL[4:-4]))
    with kv.raises("CorruptSnapshotError") as raised:
        kv.load_snapshot(path)
    assert raised.attribute("offset") == 0


@points(1, suite="persistence", hint="believe-nothing")
def test_counts_that_are_too_large_are_damage(kv, data_dir):
    """A count that promises more than the file holds is damage."""
    item, deadline = _SMALL[16:26], _SMALL[30:43]
    one, huge = struct.pack(">I", 1), struct.pack(">I", 2**32 - 1)
    _refuses(
        kv,
        data_dir,
        _raw(2, item + one + deadline),
        _raw(1, item + struct.pack(">I", 2) + deadline),
        _raw(2**32 - 1, item + one + deadline),
        _raw(1, item + huge + deadline),
    )


@points(1, suite="persistence", hint="believe-nothing")
def test_counts_that_are_too_small_are_damage(kv, data_dir):
    """A count that leaves records over is damage: they would be lost without a word."""
    item, deadline = _SMALL[16:26], _SMALL[30:43]
    one, none = struct.pack(">I", 1), bytes(4)
    _refuses(
        kv,
        data_dir,
        _raw(0, item + one + deadline),
        _raw(1, item + none + deadline),
        _raw(0, none * 2),
    )


@points(1, suite="persistence", hint="believe-nothing")
def test_lengths_that_are_too_large_are_damage(kv, data_dir):
    """A length that points past the end is damage, and no memory is reserved for it."""
    key, huge, none = struct.pack(">I", 1) + b"k", struct.pack(">I", 2**32 - 1), bytes(4)
    _refuses(
        kv,
        data_dir,
        _raw(1, huge + b"k" + struct.pack(">I", 1) + b"v" + none),
        _raw(1, key + huge + b"v" + none),
        _raw(0, struct.pack(">I", 1) + huge + b"k" + bytes(8)),
    )


@points(1, suite="persistence", hint="believe-nothing")
def test_what_is_no_key_is_damage_though_the_checksum_holds(kv, data_dir):
    """A key that is empty or not UTF-8 was never written by a store."""
    none = bytes(4)
    _refuses(
        kv,
        data_dir,
        _raw(1, none + struct.pack(">I", 1) + b"v" + none),
        _raw(1, struct.pack(">I", 2) + b"\xc3(" + none + none),
        _raw(0, struct.pack(">II", 1, 1) + b"\xff" + bytes(8)),
    )


@points(1, suite="persistence", hint="snapshot-checksum")
def test_the_error_names_the_file_and_the_place(kv, data_dir):
    """CorruptSnapshotError has the file's path and an offset inside the file."""
    path = data_dir / _NAME
    path.write_bytes(_SMALL[:20])
    with kv.raises("CorruptSnapshotError") as raised:
        kv.load_snapshot(path)
    assert raised.attribute("path") == str(path)
    assert raised.attribute("offset") in range(21)
