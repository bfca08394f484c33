"""What opening a store makes of the log that it finds."""

import os

import pytest
from kvstore.errors import CorruptLogError
from kvstore.store import Recovery, Store
from kvstore.wal import segment_path
from store_kit import names, numbers, start_python


def test_each_session_has_a_segment_and_recovery_is_told(folder):
    with Store.open(folder) as store:
        assert store.recovery == Recovery(None, 0, 0, 0, None, None)
        store.set("a", b"1")
        store.set("b", b"1")
    with Store.open(folder) as store:
        assert store.recovery == Recovery(None, 1, 2, 0, None, None)
        store.set("c", b"1")
    with Store.open(folder) as store:
        assert store.recovery == Recovery(None, 2, 3, 0, None, None)
    assert numbers(folder) == [1, 2, 3]


def test_a_torn_tail_is_cut_and_told(folder):
    with Store.open(folder) as store:
        store.set("a", b"1")
        store.set("b", b"1")
    path = segment_path(folder, 1)
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    with Store.open(folder) as store:
        assert store.dump()[0] == {"a": b"1"}
        half = len(data) // 2
        assert store.recovery == Recovery(None, 1, 1, half - 1, str(path), half)
    with Store.open(folder) as store:
        assert store.recovery.bytes_cut == 0


def test_the_last_segment_reaches_the_disk_before_the_next_one_begins(folder, monkeypatch):
    with Store.open(folder, sync="never") as store:
        store.set("a", b"1")
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_ino))
    Store.open(folder, sync="never").close()
    assert synced[0] == segment_path(folder, 1).stat().st_ino


def test_damage_in_an_earlier_segment_keeps_the_store_shut_and_the_folder_free(folder):
    for key in ("a", "b"):
        with Store.open(folder) as store:
            store.set(key, b"1")
    path = segment_path(folder, 1)
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    with pytest.raises(CorruptLogError) as caught:
        Store.open(folder)
    assert (caught.value.path, caught.value.offset) == (str(path), 0)
    assert path.read_bytes() == data[:-1]
    path.write_bytes(data)
    with Store.open(folder) as store:
        assert store.dump()[0] == {"a": b"1", "b": b"1"}


@pytest.mark.parametrize("missing", [1, 2])
def test_a_missing_segment_keeps_the_store_shut(folder, missing):
    for key in ("a", "b", "c"):
        with Store.open(folder) as store:
            store.set(key, b"1")
    path = segment_path(folder, missing)
    path.unlink()
    with pytest.raises(CorruptLogError, match="missing") as caught:
        Store.open(folder)
    assert (caught.value.path, caught.value.offset) == (str(path), 0)


def test_a_snapshot_without_its_segment_keeps_the_store_shut(folder):
    with Store.open(folder) as store:
        store.set("a", b"1")
        store.snapshot()
    segment_path(folder, 2).unlink()
    with pytest.raises(CorruptLogError, match="missing"):
        Store.open(folder)


def test_opening_removes_what_an_unfinished_write_left(folder):
    folder.mkdir()
    (folder / "snapshot-0000000002.kvsp.tmp").write_bytes(b"half")
    Store.open(folder).close()
    assert names(folder) == ["LOCK", "wal-0000000001.log"]


def test_a_killed_process_loses_nothing_that_was_acknowledged(folder):
    script = (
        "import itertools, sys\n"
        "from kvstore import Store\n"
        "store = Store.open(sys.argv[1], sync='never')\n"
        "for number in itertools.count():\n"
        "    store.apply_batch([('set', f'a{number}', b'x' * 100), ('set', f'b{number}', b'')])\n"
        "    print(number, flush=True)\n"
    )
    process = start_python(script, folder)
    try:
        acknowledged = [int(process.stdout.readline()) for _ in range(200)][-1]
    finally:
        process.kill()
        process.communicate()
    with Store.open(folder) as store:
        keys = set(store.keys())
        assert {f"{name}{number}" for name in "ab" for number in range(acknowledged + 1)} <= keys
        assert len(store.keys("a*")) == len(store.keys("b*"))
