"""What a test may ask of a package under test, and what it is told when the package misbehaves."""

import pytest

from grader.remote.failures import (
    CallTimeout,
    MissingName,
    NotAPlainValue,
    Prerequisite,
    ProcessDied,
    RemoteError,
)

STORE = """
    class MemoryStore:
        def __init__(self, clock=None):
            self.clock, self.data = clock, {}
        def set(self, key, value):
            self.data[key] = value
        def get(self, key):
            return self.data.get(key)
        def now(self):
            return self.clock()
        def __len__(self):
            return len(self.data)
        def __iter__(self):
            return iter(self.data)
        def boom(self):
            print("before the boom")
            return 1 // 0
        def todo(self):
            raise NotImplementedError("stage 1: MemoryStore.todo")
"""


def test_plain_values_cross_and_steps_are_kept(kv_of):
    kv = kv_of(memory=STORE)
    store = kv.MemoryStore()
    store.set("a", b"\x00\r\n")
    assert store.get("a") == b"\x00\r\n"
    assert len(store) == 1
    assert list(store) == ["a"]
    steps = [(step.text, step.result) for step in kv.session.trace.steps]
    assert steps[:3] == [
        ("store = MemoryStore()", ""),
        ("store.set('a', b'\\x00\\r\\n')", "None"),
        ("store.get('a')", "b'\\x00\\r\\n'"),
    ]


def test_an_error_carries_the_students_own_frames_and_output(kv_of):
    kv = kv_of(memory=STORE)
    store = kv.MemoryStore()
    with pytest.raises(RemoteError) as caught:
        store.boom()
    error = caught.value
    assert error.names[0] == "ZeroDivisionError"
    assert [(frame.file, frame.function) for frame in error.frames] == [("memory.py", "boom")]
    assert error.frames[0].source == "return 1 // 0"
    kv.kill()
    assert kv.session.printed() == "before the boom\n"


def test_raises_accepts_base_classes_and_nothing_else(kv_of):
    kv = kv_of(memory=STORE)
    store = kv.MemoryStore()
    with kv.raises("ArithmeticError") as caught:
        store.boom()
    assert caught.message == "integer division or modulo by zero"
    with pytest.raises(RemoteError), kv.raises("KeyError"):
        store.boom()
    with pytest.raises(AssertionError, match="expected KeyError, but nothing was raised"):
        with kv.raises("KeyError"):
            store.get("a")


def test_a_missing_file_class_or_method_is_named(kv_of):
    kv = kv_of(memory=STORE, rwlock="x = 1")
    with pytest.raises(Prerequisite, match="there is no file kvstore/wal.py"):
        _ = kv.WAL
    with pytest.raises(MissingName, match="kvstore/rwlock.py does not define RWLock"):
        _ = kv.RWLock
    with pytest.raises(MissingName, match="MemoryStore has no attribute 'incr'"):
        kv.MemoryStore().incr("n")


def test_a_syntax_error_is_one_sentence_and_a_prerequisite(kv_of):
    kv = kv_of(memory="class MemoryStore:\n    def set(self)\n        pass\n")
    for _ in range(2):
        with pytest.raises(Prerequisite) as caught:
            _ = kv.MemoryStore
        assert str(caught.value) == "kvstore/memory.py, line 2: expected ':': def set(self)"


def test_an_object_that_equals_everything_equals_nothing_here(kv_of):
    kv = kv_of(
        memory="""
        class Liar:
            def __eq__(self, other): return True
            def __bool__(self): return True
        class LyingInt(int):
            def __eq__(self, other): return True
            __hash__ = int.__hash__
        class MemoryStore:
            def get(self, key): return Liar()
            def incr(self, key): return LyingInt(3)
    """
    )
    store = kv.MemoryStore()
    assert store.get("a") != b"1"
    assert store.incr("a") != 3
    with pytest.raises(NotAPlainValue, match="class Liar"):
        bool(store.get("a"))


def test_a_clock_moves_only_when_it_is_moved(kv_of):
    from grader.testkit import Clock

    kv = kv_of(memory=STORE)
    clock = Clock(kv.session)
    assert kv.MemoryStore(clock=clock).now() == clock.now
    store = kv.MemoryStore(clock=clock)
    clock.advance(1.5)
    assert store.now() == clock.now
    kv.kill()
    assert kv.MemoryStore(clock=clock).now() == clock.now


def test_a_handle_dies_with_its_process_and_a_new_process_starts(kv_of):
    kv = kv_of(memory=STORE)
    store = kv.MemoryStore()
    store.set("a", b"1")
    kv.kill()
    with pytest.raises(RuntimeError, match="died with its process"):
        store.get("a")
    assert kv.MemoryStore().get("a") is None


def test_an_endless_loop_is_a_timeout_and_the_next_call_works(kv_of):
    kv = kv_of(
        0.3, memory="class MemoryStore:\n    def set(self, k, v):\n        while True: pass\n"
    )
    store = kv.MemoryStore()
    with pytest.raises(CallTimeout, match=r"store.set\('a', b'1'\) did not return within 0.3 s"):
        store.set("a", b"1")
    kv.kill()
    assert kv.MemoryStore().kind == "MemoryStore"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("import os; os._exit(0)", "ended the process with exit code 0"),
        ("import signal; signal.raise_signal(11)", "ended the process by SIGSEGV"),
        ("import os; os.close(2); [os.close(n) for n in range(3, 20)]", "the process"),
        ("while True: print('spam' * 10000)", "printed more than"),
    ],
)
def test_a_process_that_ends_says_why(kv_of, body, reason):
    kv = kv_of(memory=f"class MemoryStore:\n    def len(self):\n        {body}\n")
    with pytest.raises((ProcessDied, RemoteError)) as caught:
        kv.MemoryStore().len()
    assert reason in str(caught.value) or "broke the connection" in str(caught.value)


def test_exit_and_a_hang_at_import_are_waited_for_once(kv_of):
    kv = kv_of(0.3, memory="while True: pass", rwlock="import os\nos._exit(3)")
    with pytest.raises(CallTimeout, match="import kvstore.memory did not return"):
        _ = kv.MemoryStore
    with pytest.raises(Prerequisite, match="import kvstore.memory did not return"):
        _ = kv.MemoryStore
    kv.kill()
    with pytest.raises(
        ProcessDied, match="import kvstore.rwlock ended the process with exit code 3"
    ):
        _ = kv.RWLock


def test_sys_exit_is_an_error_like_any_other(kv_of):
    kv = kv_of(memory="import sys\nclass MemoryStore:\n    def get(self, k): sys.exit(0)\n")
    with pytest.raises(RemoteError, match="SystemExit"):
        kv.MemoryStore().get("a")


def test_memory_has_an_end(kv_of):
    kv = kv_of(
        memory="class MemoryStore:\n    def get(self, k): return len(b'x' * 8_000_000_000)\n"
    )
    with pytest.raises(RemoteError, match="MemoryError"):
        kv.MemoryStore().get("a")


def test_threads_run_plans_at_once_and_report_every_call(kv_of):
    kv = kv_of(memory=STORE)
    store = kv.MemoryStore()
    plans = [[(store.set, (f"{thread}-{n}", b"x")) for n in range(20)] for thread in range(4)]
    history = kv.at_once(*plans, seed=1)
    assert len(history) == 80
    assert all(record.started_ns <= record.ended_ns for record in history)
    assert {record.thread for record in history} == {0, 1, 2, 3}
    assert len(store) == 80


def test_an_actor_is_seen_to_wait(kv_of):
    kv = kv_of(
        rwlock="""
        import threading
        class RWLock:
            def __init__(self): self.lock = threading.Lock()
            def acquire_write(self): self.lock.acquire()
            def release_write(self): self.lock.release()
    """
    )
    lock = kv.RWLock()
    one, two = kv.actor("one"), kv.actor("two")
    one.call(lock.acquire_write)
    two.begin(lock.acquire_write)
    assert two.blocked() is True
    one.call(lock.release_write)
    assert two.blocked() is False


def test_the_disk_is_seen_in_order_and_can_fail(kv_of, tmp_path):
    kv = kv_of(
        wal="""
        import os
        class WAL:
            def __init__(self, path): self.file = open(path, "wb"); self.path = path
            def append(self, data):
                self.file.write(data)
                self.file.flush()
                os.fsync(self.file.fileno())
            def move(self, to): os.replace(self.path, to)
    """
    )
    disk = kv.disk()
    wal = kv.WAL(tmp_path / "work" / "data" / "a.log")
    wal.append(b"12345")
    wal.move(tmp_path / "work" / "data" / "b.log")
    assert [(e.operation, e.name, e.size) for e in disk.events()] == [
        ("fsync", "a.log", 5),
        ("rename", "b.log", 0),
    ]
    disk.fail_next("fsync")
    with kv.raises("OSError"):
        wal.append(b"6")


def test_an_error_that_is_two_of_the_courses_errors_is_none_of_them(kv_of):
    kv = kv_of(
        memory="""
        from .errors import InvalidKeyError, InvalidValueError
        class Omni(InvalidKeyError, InvalidValueError): pass
        class MemoryStore:
            def set(self, key, value): raise Omni("whatever you like")
    """
    )
    store = kv.MemoryStore()
    with pytest.raises(RemoteError), kv.raises("InvalidKeyError"):
        store.set("", b"")


def test_strange_values_and_errors_are_shown_and_harm_nothing(kv_of):
    kv = kv_of(
        memory="""
        class Quiet(str): pass
        class MemoryStore:
            def huge(self): return 10 ** 5000
            def boom(self): raise TypeError("bad key \\ud800")
            def quiet(self): raise TypeError(Quiet("a subclass of str"))
    """
    )
    store = kv.MemoryStore()
    assert store.huge() == 10**5000
    assert kv.session.trace.steps[-1].result == "<a int too long to show>"
    with pytest.raises(RemoteError, match="bad key"):
        store.boom()
    with pytest.raises(RemoteError, match="a subclass of str"):
        store.quiet()


def test_a_watched_call_takes_its_arguments_by_name(kv_of, tmp_path):
    kv = kv_of(
        wal="""
        import os
        class WAL:
            def move(self, one, other):
                open(one, "wb").close()
                os.replace(src=one, dst=other)
                os.remove(path=os.fsencode(other))
    """
    )
    disk, folder = kv.disk(), tmp_path / "work" / "data"
    kv.WAL().move(folder / "a", folder / "b")
    assert [(e.operation, e.name) for e in disk.events()] == [("rename", "b"), ("unlink", "b")]
