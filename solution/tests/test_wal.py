"""The log: what is written, when it reaches the disk, and what a reader makes of damage."""

import os
import struct
import sys
import threading
import tracemalloc
import zlib
from contextlib import contextmanager

import pytest
from kvstore.entry import Entry, Op, encode
from kvstore.errors import CorruptLogError, InvalidKeyError, LogFailedError
from kvstore.wal import WAL, list_segments, segment_path

A, B, C = (Entry(Op.SET, number, f"key {number}", b"v" * number) for number in (1, 2, 3))
D = Entry(Op.DELETE, 4, "key 1")


def frame(*entries, payload=None):
    payload = b"".join(map(encode, entries)) if payload is None else payload
    return struct.pack(">II", zlib.crc32(payload), len(payload)) + payload


@pytest.fixture
def path(tmp_path):
    return tmp_path / "wal-0000000001.log"


@pytest.fixture
def fsyncs(monkeypatch):
    """The inodes of the files that were fsynced, in order."""
    calls = []

    def fsync(handle):
        calls.append(os.fstat(handle).st_ino)

    monkeypatch.setattr(os, "fsync", fsync)
    return calls


def replay(path, **options):
    with WAL(path) as wal:
        return list(wal.replay(**options))


def test_frames_are_those_of_the_format(path):
    with WAL(path) as wal:
        wal.append(A)
        wal.append(B, D)
    assert path.read_bytes() == frame(A) + frame(B, D)


def test_replay_yields_what_was_appended_a_list_for_each_frame(path):
    with WAL(path) as wal:
        wal.append(A)
        assert list(wal.replay()) == [[A]]
        wal.append(B, C, D)
        assert list(wal.replay()) == [[A], [B, C, D]]
        assert (wal.bytes_cut, wal.cut_offset) == (0, None)
    assert replay(path) == [[A], [B, C, D]]


def test_an_empty_segment_has_no_frames(path):
    assert replay(path) == []
    assert replay(path, is_last=False) == []


def test_replay_reads_as_it_goes_and_can_be_left_early(path):
    with WAL(path) as wal:
        wal.append(A)
        wal.append(B)
        frames = wal.replay()
        assert next(frames) == [A]
        wal.append(C)  # what comes after the beginning of a replay is not part of it
        assert list(frames) == [[B]]
        next(wal.replay())
        wal.append(D)
    assert replay(path) == [[A], [B], [C], [D]]


def test_appending_goes_on_where_the_last_session_ended(path):
    for entry in (A, B, C):
        with WAL(path) as wal:
            wal.append(entry)
    assert replay(path) == [[A], [B], [C]]


def test_an_empty_or_bad_frame_writes_nothing(path):
    with WAL(path) as wal:
        with pytest.raises(ValueError, match="frame"):
            wal.append()
        with pytest.raises(InvalidKeyError):
            wal.append(A, Entry(Op.SET, 0, ""))
        assert path.read_bytes() == b""
        wal.append(B)
    assert replay(path) == [[B]]


def test_a_torn_tail_is_cut_at_every_length_and_the_log_goes_on(path):
    whole, tail = frame(A) + frame(B), frame(C, D)
    for size in range(1, len(tail)):
        path.write_bytes(whole + tail[:size])
        with WAL(path) as wal:
            assert list(wal.replay()) == [[A], [B]]
            assert (wal.bytes_cut, wal.cut_offset) == (size, len(whole))
            assert path.read_bytes() == whole
            wal.append(D)
            assert list(wal.replay()) == [[A], [B], [D]]
            assert (wal.bytes_cut, wal.cut_offset) == (0, None)


def test_a_cut_reaches_the_disk_before_anything_follows_it(path, fsyncs):
    path.write_bytes(frame(A) + b"torn")
    with WAL(path, "never") as wal:
        list(wal.replay())
        assert fsyncs == [path.stat().st_ino]


@pytest.mark.parametrize("tail", [b"\0" * 100, b"\xff" * 100, b"KVLG" * 30, b"\0\0\0\0\0\0\0\0"])
def test_junk_at_the_end_is_a_torn_tail(path, tail):
    path.write_bytes(frame(A) + tail)
    assert replay(path) == [[A]]
    assert path.read_bytes() == frame(A)


@pytest.mark.parametrize(
    "payload", [b"", b"junk", encode(A)[:-1], encode(A) + b"x", encode(A) + encode(B)[:-1]]
)
def test_a_checksum_that_holds_does_not_save_a_payload_that_is_no_entries(path, payload):
    path.write_bytes(frame(A) + frame(payload=payload))
    assert replay(path) == [[A]]
    assert path.read_bytes() == frame(A)


def test_a_torn_tail_of_an_earlier_segment_is_reported_and_left(path):
    data = frame(A) + frame(B)[:-1]
    path.write_bytes(data)
    with WAL(path) as wal:
        frames = wal.replay(is_last=False)
        assert next(frames) == [A]
        with pytest.raises(CorruptLogError) as caught:
            next(frames)
    assert (caught.value.path, caught.value.offset) == (str(path), len(frame(A)))
    assert path.read_bytes() == data


@pytest.mark.parametrize("is_last", [True, False])
def test_damage_before_an_intact_frame_is_reported_wherever_it_is(path, is_last):
    whole = frame(A) + frame(B) + frame(C)
    for offset in range(len(frame(A)), len(frame(A) + frame(B))):
        data = bytearray(whole)
        data[offset] ^= 0x80  # in a length too, which then hides where the next frame begins
        path.write_bytes(data)
        with pytest.raises(CorruptLogError) as caught:
            replay(path, is_last=is_last)
        assert (caught.value.path, caught.value.offset) == (str(path), len(frame(A)))
        assert path.read_bytes() == data


def test_missing_bytes_before_an_intact_frame_are_reported(path):
    for size in range(1, len(frame(B))):
        path.write_bytes(frame(A) + frame(B)[:size] + frame(C))
        with pytest.raises(CorruptLogError):
            replay(path)


def test_a_claim_of_gigabytes_costs_no_memory(path):
    path.write_bytes(frame(A) + struct.pack(">II", 0, 2**32 - 1) + b"KVLG")
    tracemalloc.start()
    assert replay(path) == [[A]]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_the_search_for_an_intact_frame_is_fast(path):
    path.write_bytes(frame(A) + b"KVLG\0\0\0" * 300_000)
    assert replay(path) == [[A]]


def test_append_cuts_a_torn_tail_that_was_not_replayed(path):
    path.write_bytes(frame(A) + frame(B)[:-1])
    with WAL(path) as wal:
        wal.append(C)
        assert wal.cut_offset == len(frame(A))
    assert path.read_bytes() == frame(A) + frame(C)


def test_a_replay_that_an_append_overtook_cuts_nothing(path):
    path.write_bytes(frame(A) + frame(B)[:-1])
    with WAL(path) as wal:
        frames = wal.replay()
        assert next(frames) == [A]
        wal.append(C)
        list(frames)
        assert list(wal.replay()) == [[A], [C]]


def test_append_refuses_a_damaged_segment(path):
    data = frame(A)[:-1] + b"x" + frame(B)
    path.write_bytes(data)
    with WAL(path) as wal, pytest.raises(CorruptLogError):
        wal.append(C)
    assert path.read_bytes() == data


def test_a_new_segment_makes_its_name_durable(path, fsyncs):
    WAL(path).close()
    folders = [path.parent.stat().st_ino] if sys.platform != "win32" else []
    assert fsyncs == folders


def test_always_syncs_before_append_returns(path, fsyncs):
    with WAL(path, "always") as wal:
        fsyncs.clear()
        wal.append(A)
        wal.append(B)
        assert fsyncs == [path.stat().st_ino] * 2
        wal.sync()
    assert len(fsyncs) == 2  # there was nothing left to sync


def test_never_leaves_it_to_sync_and_close(path, fsyncs):
    with WAL(path, "never") as wal:
        fsyncs.clear()
        wal.append(A)
        assert path.read_bytes() == frame(A)  # the operating system has it all the same
        assert fsyncs == []
        wal.sync()
        assert len(fsyncs) == 1
        wal.append(B)
    assert len(fsyncs) == 2


def test_interval_syncs_when_the_last_sync_is_long_ago(path, fsyncs):
    times = [100.0]
    with WAL(path, "interval", interval=5, clock=lambda: times[-1]) as wal:
        fsyncs.clear()
        for now, expected in ((104.9, 0), (105.0, 1), (109.9, 1), (110.0, 2)):
            times.append(now)
            wal.append(A)
            assert len(fsyncs) == expected
        times.append(112.0)
        wal.append(A)
        wal.sync()
        times.append(116.9)
        wal.append(A)
        assert len(fsyncs) == 3


def test_what_a_dead_process_left_is_synced_too(path, fsyncs):
    path.write_bytes(frame(A))
    with WAL(path) as wal:
        wal.sync()
    assert len(fsyncs) == 1


def test_a_failed_fsync_poisons_the_log(path, monkeypatch):
    def fail(handle):
        raise OSError("disk on fire")

    wal = WAL(path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="fire"):
            wal.append(A)
    for call in (lambda: wal.append(B), wal.sync):
        with pytest.raises(LogFailedError, match="reopen"):
            call()
    wal.close()
    assert replay(path) == [[A]]


@contextmanager
def largest_file(size):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_frame_that_did_not_fit_poisons_the_log_and_is_cut_on_reopening(path):
    wal = WAL(path)
    wal.append(A)
    with largest_file(len(frame(A)) + 10), pytest.raises(OSError, match="large"):
        wal.append(B)
    assert path.stat().st_size == len(frame(A)) + 10
    with pytest.raises(LogFailedError):
        wal.append(C)
    wal.close()
    with WAL(path) as wal:
        assert list(wal.replay()) == [[A]]
        assert wal.bytes_cut == 10


def test_close_raises_what_the_last_sync_raises_and_is_idempotent(path, monkeypatch):
    wal = WAL(path, "never")
    wal.append(A)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError("on fire")))
        with pytest.raises(OSError, match="fire"):
            wal.close()
    wal.close()
    for call in (lambda: wal.append(A), wal.sync, wal.replay):
        with pytest.raises(ValueError, match="closed"):
            call()


def test_an_unknown_policy_makes_no_file(path):
    with pytest.raises(ValueError, match="sometimes"):
        WAL(path, "sometimes")
    assert not path.exists()


def test_threads_append_whole_frames(path):
    with WAL(path, "never") as wal:

        def work(number):
            for count in range(50):
                entry = Entry(Op.SET, count, f"thread {number}", b"x" * 100)
                wal.append(entry, entry)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        frames = list(wal.replay())
    assert len(frames) == 200
    for number in range(4):
        mine = [first.timestamp for first, _ in frames if first.key == f"thread {number}"]
        assert mine == list(range(50))


def test_segments_are_listed_in_numeric_order(tmp_path):
    assert segment_path(tmp_path, 7) == tmp_path / "wal-0000000007.log"
    numbers = [10_000_000_000, 2, 10, 9]
    for number in numbers:
        segment_path(tmp_path, number).touch()
    for name in ("wal-1.log", "wal-00000000011.log", "wal-0000000001.log.tmp", "LOCK"):
        (tmp_path / name).touch()
    assert list_segments(tmp_path) == [
        (number, segment_path(tmp_path, number)) for number in sorted(numbers)
    ]
