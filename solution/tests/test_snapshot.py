"""Snapshots: every byte of the format, damage anywhere, and a write that fails half-way."""

import os
import struct
import zlib
from pathlib import Path

import pytest
from kvstore.errors import CorruptSnapshotError
from kvstore.snapshot import latest_snapshot, load_snapshot, snapshot_path, write_snapshot

ITEMS = {"a": b"1", "é€😀": b"\x00" * 10, "empty": b""}
DEADLINES = {"a": 2**63 - 1, "empty": -(2**63)}


def raw(body, *, magic=b"KVSP", count=0):
    data = struct.pack(">4sqI", magic, 5, count) + body
    return data + struct.pack(">I", zlib.crc32(data))


@pytest.fixture
def path(tmp_path):
    return snapshot_path(tmp_path, 1)


def test_round_trip(path):
    write_snapshot(path, ITEMS, DEADLINES)
    assert load_snapshot(path) == (ITEMS, DEADLINES)
    write_snapshot(path, {}, {})  # over the old one
    assert load_snapshot(path) == ({}, {})
    assert list(path.parent.iterdir()) == [path]


def test_the_bytes_are_those_of_the_format(path):
    write_snapshot(path, {"k": b"vv"}, {"k": 9})
    data = path.read_bytes()
    assert data[:4] == b"KVSP"
    assert data[12:-4].hex(" ") == (
        "00 00 00 01 00 00 00 01 6b 00 00 00 02 76 76 "
        "00 00 00 01 00 00 00 01 6b 00 00 00 00 00 00 00 09"
    )
    assert data[-4:] == struct.pack(">I", zlib.crc32(data[:-4]))


def test_damage_anywhere_is_noticed(path):
    write_snapshot(path, ITEMS, DEADLINES)
    data = path.read_bytes()
    damaged = [data[:size] for size in range(len(data))]
    damaged += [data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :] for at in range(len(data))]
    damaged += [data + b"\0", b""]
    for bad in damaged:
        path.write_bytes(bad)
        with pytest.raises(CorruptSnapshotError) as caught:
            load_snapshot(path)
        assert caught.value.path == str(path)
        assert 0 <= caught.value.offset <= len(data)
        assert latest_snapshot(path.parent) is None


@pytest.mark.parametrize(
    "data",
    [
        raw(b"\0\0\0\0", magic=b"KVLG"),
        raw(b"\0\0\0\0", count=1),
        raw(b"\0\0\0\1"),
        raw(b"\0\0\0\0\0"),
        raw(b"\0\0\0\0" + b"\0\0\0\0" + b"\0\0\0\0", count=1),
        raw(b"\0\0\0\1\xff" + b"\0\0\0\0" + b"\0\0\0\0", count=1),
        raw(b"\xff\xff\xff\xff", count=2**32 - 1),
    ],
    ids=["magic", "count", "deadlines", "more bytes", "empty key", "no UTF-8", "huge"],
)
def test_a_checksum_that_holds_does_not_save_what_makes_no_sense(path, data):
    path.write_bytes(data)
    with pytest.raises(CorruptSnapshotError):
        load_snapshot(path)
    assert latest_snapshot(path.parent) is None


def test_a_missing_file_is_not_a_damaged_one(path):
    with pytest.raises(FileNotFoundError):
        load_snapshot(path)


def test_the_latest_is_the_highest_numbered_intact_one(tmp_path):
    assert latest_snapshot(tmp_path) is None
    for number in (2, 10, 9):
        write_snapshot(snapshot_path(tmp_path, number), {"n": b"%d" % number}, {})
    snapshot_path(tmp_path, 11).write_bytes(b"KVSP")
    for name in ("snapshot-12.kvsp", "snapshot-00000000012.kvsp", "snapshot-0000000012.kvsp.tmp"):
        (tmp_path / name).write_bytes(snapshot_path(tmp_path, 2).read_bytes())
    assert latest_snapshot(str(tmp_path)) == (10, snapshot_path(tmp_path, 10))
    assert snapshot_path(tmp_path, 11).exists()


def test_data_reaches_the_disk_before_the_name_and_the_name_before_the_return(path, monkeypatch):
    events = []
    real_replace = os.replace

    def fsync(handle):
        is_folder = os.fstat(handle).st_ino == path.parent.stat().st_ino
        events.append("fsync folder" if is_folder else "fsync file")

    def replace(source, target):
        events.append(f"rename {Path(source).name}")
        real_replace(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    write_snapshot(path, ITEMS, DEADLINES)
    expected = ["fsync file", f"rename {path.name}.tmp", "fsync folder"]
    assert events == (expected[:2] if os.name == "nt" else expected)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_snapshot_and_nothing_else(path, monkeypatch, call):
    write_snapshot(path, {"old": b"1"}, {})

    def fail(*arguments):
        raise OSError("disk on fire")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="fire"):
        write_snapshot(path, ITEMS, DEADLINES)
    assert list(path.parent.iterdir()) == [path]
    assert load_snapshot(path) == ({"old": b"1"}, {})
