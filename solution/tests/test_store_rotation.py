"""A snapshot begins a new segment; the disk may refuse that, and also refuse to take it back."""

import errno
import os

import pytest
from kvstore import LogFailedError, Store


def _fail_from(monkeypatch, first):
    """Let every fsync from the `first` on fail."""
    real, calls = os.fsync, []

    def fsync(fd):
        calls.append(fd)
        if len(calls) >= first:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)


def _fail_once(monkeypatch):
    real, calls = os.fsync, []

    def fsync(fd):
        calls.append(fd)
        if len(calls) == 1:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)


def test_a_segment_that_cannot_be_begun_is_taken_back(tmp_path, monkeypatch):
    with Store.open(tmp_path) as store:
        store.set("a", b"1")
        _fail_once(monkeypatch)
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            store.snapshot()
        assert sorted(path.name for path in tmp_path.glob("wal-*")) == ["wal-0000000001.log"]
        store.set("b", b"2")
        store.snapshot()
    with Store.open(tmp_path) as store:
        assert store.dump()[0] == {"a": b"1", "b": b"2"}


def test_one_that_cannot_be_taken_back_ends_the_log(tmp_path, monkeypatch):
    store = Store.open(tmp_path)
    store.set("a", b"1")
    with monkeypatch.context() as patch:
        _fail_from(patch, 1)
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            store.snapshot()
        with pytest.raises(LogFailedError):
            store.set("b", b"2")
        assert store.get("a") == b"1"
    store.close()
    with Store.open(tmp_path) as store:
        assert store.dump()[0] == {"a": b"1"}


def test_the_names_of_new_folders_are_synced(tmp_path, monkeypatch):
    synced, real = [], os.fsync

    def fsync(fd):
        synced.append(os.fstat(fd).st_ino)
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    Store.open(tmp_path / "new" / "deeper").close()
    folders = (tmp_path, tmp_path / "new", tmp_path / "new" / "deeper")
    assert {folder.stat().st_ino for folder in folders} <= set(synced)
