"""What a package under test can say in the agent's name: replies, records of threads and disk."""

import pytest

from grader.remote.failures import CallTimeout, ProcessDied, RemoteError


def test_a_reply_ahead_of_its_question_is_no_reply(store_of):
    body = """
        import os
        for descriptor in range(3, 64):
            try:
                os.write(descriptor, b"\\0\\0\\0\\x20" + bytes(32))
            except OSError:
                continue
    """
    with pytest.raises((ProcessDied, RemoteError)):
        store_of(body).go()


def test_a_package_that_takes_the_pipes_over_gets_no_word_in(store_of):
    """It answers each question with the reply that it saw to the one before, or makes one up."""
    before = """
        import os, threading

        def impostor():
            ours, theirs = os.pipe()
            for descriptor in range(3, 64):
                try:
                    os.dup2(theirs, descriptor) if descriptor not in (ours, theirs) else None
                except OSError:
                    continue
    """
    store = store_of("impostor()", 1.0, before)
    with pytest.raises((ProcessDied, RemoteError, CallTimeout)):
        store.go()


def test_a_forked_agent_cannot_speak(store_of):
    body = """
        import os, time
        if os.fork():
            time.sleep(60)
        return "from the fork"
    """
    with pytest.raises(CallTimeout):
        store_of(body, 1.0).go()


RACE = """
    import builtins, random, sys, threading, time
    from sys import settrace, setswitchinterval

    def nothing(*args, **kwargs):
        pass

    class Fake:
        def __init__(self, *args, **kwargs): pass
        def __getattr__(self, name): return nothing

    def sabotage():
        settled = []
        for module, name in [(threading, "Thread"), (threading, "Barrier"), (threading, "Event"),
                             (random, "Random"), (time, "sleep"), (sys, "settrace"),
                             (sys, "setswitchinterval"), (builtins, "sorted")]:
            setattr(module, name, Fake)
        setswitchinterval(100)
        try:
            settrace(None)
        except RuntimeError:
            pass

    sabotage()

    class MemoryStore:
        def __init__(self): self.n = 0
        def go(self):
            sabotage()
            n = self.n
            n += 1
            self.n = n
            return n
"""


def test_switching_between_threads_cannot_be_switched_off(kv_of):
    kv = kv_of(memory=RACE)
    store, told_apart = kv.MemoryStore(), []
    for seed in range(5):
        plans = [[(store.go, ())] * 30] * 3
        told_apart.append(len(set(kv.results(kv.at_once(*plans, seed=seed, chance=0.5)))))
    assert max(told_apart) < 90


WRITER = """
    import os, posix

    class WAL:
        def fsync(self, path, name=None):
            with open(path, "wb") as file:
                file.write(b"12345")
                file.flush()
                os.fsync(file.fileno())
        def past_os(self, path):
            with open(path, "wb") as file:
                posix.fsync(file.fileno())
        def strange(self, path):
            class Number(int): pass
            class File:
                def fileno(self): return file.fileno()
            with open(path, "wb") as file:
                os.fsync(file)
                os.fsync(File())
                os.fsync(fd=Number(file.fileno()))
            os.rename(os.fsencode(path), str(path) + ".moved")
            folder = os.open(os.path.dirname(path), os.O_RDONLY)
            os.unlink(os.path.basename(path) + ".moved", dir_fd=folder)
            os.fsync(folder)
            os.close(folder)
        def inner(self, *args):
            for cell in os.fsync.__closure__:
                cell.cell_contents(*args)
        def bad(self):
            os.fsync(10**6)
"""


def names_of(disk):
    return [(event.operation, event.name, event.folder) for event in disk.events()]


def test_only_what_happens_in_the_data_folder_is_on_record(kv_of, tmp_path):
    kv, folder = kv_of(wal=WRITER), tmp_path / "work"
    disk, wal = kv.disk(), kv.WAL()
    (folder / "other" / "data").mkdir(parents=True)
    (folder / "other" / "data").chmod(0o777)
    (folder / "data" / "deeper").mkdir()
    for place in (folder, folder / "data", folder / "data" / "deeper"):
        place.chmod(0o777)
    for place in ("a.log", "other/data/a.log", "data/../a.log"):
        wal.fsync(folder / place)
    assert names_of(disk) == []
    wal.fsync(folder / "data" / "a.log")
    wal.fsync(folder / "data" / "deeper" / "a.log")
    assert names_of(disk) == [("fsync", "a.log", False), ("fsync", "data/deeper/a.log", False)]


def test_requests_of_every_kind_are_on_record(kv_of, tmp_path):
    kv, path = kv_of(wal=WRITER), tmp_path / "work" / "data" / "a"
    disk, wal = kv.disk(), kv.WAL()
    wal.strange(path)
    assert names_of(disk) == [
        *[("fsync", "a", False)] * 3,
        ("rename", "a.moved", False),
        ("unlink", "a.moved", False),
        ("fsync", "data", True),
    ]
    with kv.raises("OSError"):
        wal.bad()


def test_the_record_of_the_disk_has_no_way_in(kv_of, tmp_path):
    kv = kv_of(wal=WRITER)
    disk, wal = kv.disk(), kv.WAL()
    wal.past_os(tmp_path / "work" / "data" / "a")
    with kv.raises("AttributeError"):
        wal.inner()
    assert names_of(disk) == []
