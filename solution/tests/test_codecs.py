"""Any input at all, for the three formats on disk.

For every codec: what was written is read back; any bytes yield a value or the codec's declared
error, and nothing else; and reading twice says the same.
"""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kvstore.entry import Entry, Op, decode, encode
from kvstore.errors import (
    CorruptEntryError,
    CorruptLogError,
    CorruptSnapshotError,
    TruncatedEntryError,
)
from kvstore.snapshot import load_snapshot, write_snapshot
from kvstore.wal import WAL

INT64 = st.integers(-(2**63), 2**63 - 1)
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
VALUES = st.binary(max_size=20) | st.just(b"KVLG")
ENTRIES = st.one_of(
    st.builds(Entry, st.just(Op.SET), INT64, KEYS, VALUES),
    st.builds(Entry, st.just(Op.DELETE), INT64, KEYS),
    st.builds(Entry, st.just(Op.EXPIRE), INT64, KEYS, st.sampled_from([b"", b"deadline"])),
)


@st.composite
def mangled(draw, whole):
    """Bytes that are almost right: some overwritten, some missing, some added."""
    data = bytearray(draw(whole))
    for _ in range(draw(st.integers(0, 2))):
        if data:
            data[draw(st.integers(0, len(data) - 1))] = draw(
                st.sampled_from(b"\0\1\2\3\x08\x80\xff")
            )
    start = draw(st.integers(0, len(data)))
    stop = draw(st.integers(start, len(data)))
    return bytes(data[:start] + draw(st.binary(max_size=8)) + data[stop:])


@given(ENTRIES, st.binary(max_size=8), st.binary(max_size=8))
def test_entries_round_trip(entry, before, after):
    data = encode(entry)
    assert decode(before + data + after, len(before)) == (entry, len(before + data))


def kind(data):
    """How `decode` judges: the entry and its end, "truncated" or "corrupt"."""
    try:
        return decode(data)
    except TruncatedEntryError:
        return "truncated"
    except CorruptEntryError:
        return "corrupt"


@given(st.binary(max_size=60) | mangled(ENTRIES.map(encode)), st.binary(max_size=40))
def test_any_bytes_are_an_entry_or_truncated_or_corrupt(data, more):
    verdict = kind(data)
    if verdict == "corrupt":
        assert kind(data + more) == "corrupt"  # nothing mends it
    elif verdict == "truncated":
        assert all(kind(data[:size]) == "truncated" for size in range(len(data)))
        assert kind(data + completion(data)) not in ("truncated", "corrupt")
    else:
        entry, end = verdict
        assert encode(entry) == data[:end]
        assert kind(data + more) == verdict


def completion(data):
    """Bytes that turn a truncated entry into a valid one, found field by field."""
    whole = data + b"KVLG\x01"[len(data) :]
    whole += bytes(max(0, 13 - len(whole)))
    whole = complete_size(whole, 13, smallest=1)
    size = int.from_bytes(whole[13:17], "big")
    key, rest = whole[17 : 17 + size], whole[17 + size :]
    missing = size - len(key)
    if missing:
        pads = (byte * count for count in range(4) for byte in (b"\x80", b"\xbf"))
        key = next(
            key + pad + b"a" * (missing - len(pad))
            for pad in pads
            if len(pad) <= missing and is_utf8(key + pad)
        )
    whole = complete_size(whole[:17] + key + rest, 17 + size, smallest=0)
    value_size = int.from_bytes(whole[17 + size : 21 + size], "big")
    whole += bytes(21 + size + value_size - len(whole))
    return whole[len(data) :]


def complete_size(data, at, *, smallest):
    part = data[at : at + 4]
    if len(part) == 4:
        return data
    return data[:at] + (part + bytes(3 - len(part)) + bytes([smallest]))


def is_utf8(data):
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


FRAMES = st.lists(st.lists(ENTRIES, min_size=1, max_size=3), max_size=4)


def segment(frames):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        with WAL(path, "never") as wal:
            for entries in frames:
                wal.append(*entries)
        return path.read_bytes()


@given(FRAMES)
def test_frames_round_trip(frames):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        path.write_bytes(segment(frames))
        with WAL(path, "never") as wal:
            assert list(wal.replay(is_last=False)) == frames


@given(st.binary(max_size=60) | mangled(FRAMES.map(segment)))
def test_any_bytes_are_a_log_or_a_torn_one_or_a_corrupt_one(data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        path.write_bytes(data)
        with WAL(path, "never") as wal:
            try:
                frames = list(wal.replay())
            except CorruptLogError:
                assert path.read_bytes() == data
                return
            kept = path.read_bytes()
            assert kept == data[: len(data) - wal.bytes_cut]
            assert wal.cut_offset == (len(kept) if wal.bytes_cut else None)
            wal.append(Entry(Op.DELETE, 0, "more"))
            assert list(wal.replay(is_last=False)) == [*frames, [Entry(Op.DELETE, 0, "more")]]


ITEMS = st.dictionaries(KEYS, VALUES, max_size=4)
DEADLINES = st.dictionaries(KEYS, INT64, max_size=3)


def snapshot(items, deadlines):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "snapshot"
        write_snapshot(path, items, deadlines)
        return path.read_bytes()


@given(ITEMS, DEADLINES)
def test_snapshots_round_trip(items, deadlines):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "snapshot"
        path.write_bytes(snapshot(items, deadlines))
        assert load_snapshot(path) == (items, deadlines)


@given(st.data())
def test_any_bytes_are_a_snapshot_or_a_corrupt_one(data):
    whole = snapshot(data.draw(ITEMS), data.draw(DEADLINES))
    bad = data.draw(st.binary(max_size=60) | mangled(st.just(whole)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "snapshot"
        path.write_bytes(bad)
        if bad == whole:
            load_snapshot(path)
        else:
            with pytest.raises(CorruptSnapshotError):
                load_snapshot(path)
