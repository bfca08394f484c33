"""The readers-writer lock: who may be inside together, in which order, and what misuse raises."""

import signal
import sys
import threading
import time
import traceback
from contextlib import contextmanager

import pytest
from kvstore.errors import LockError
from kvstore.rwlock import RWLock

DEADLINE_S = 10


def wait_until_blocked(thread):
    """Return once the thread waits inside the lock."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        names = [frame.f_code.co_name for frame, _ in stack(thread)]
        if names[-1:] == ["wait"] and {"acquire_read", "acquire_write"} & set(names):
            return
        time.sleep(0.001)
    raise AssertionError("the thread did not block")


def stack(thread):
    frame = sys._current_frames().get(thread.ident)
    return [] if frame is None else reversed(list(traceback.walk_stack(frame)))


@contextmanager
def blocked(*actions):
    """Start a thread for each action, each after the one before it blocks; join them at the end."""
    threads = []
    for action in actions:
        threads.append(threading.Thread(target=action))
        threads[-1].start()
        wait_until_blocked(threads[-1])
    yield
    for thread in threads:
        thread.join(DEADLINE_S)
        assert not thread.is_alive()


def test_readers_are_inside_together():
    lock = RWLock()
    all_inside = threading.Barrier(4)

    def read():
        with lock.reading():
            all_inside.wait(DEADLINE_S)  # breaks unless all four hold the lock at once

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)
    assert not all_inside.broken


@pytest.mark.parametrize(
    ("held", "wanted"), [("read", "write"), ("write", "read"), ("write", "write")]
)
def test_a_writer_is_alone(held, wanted):
    lock = RWLock()
    events = []

    def enter():
        with lock.reading() if wanted == "read" else lock.writing():
            events.append("second in")

    getattr(lock, f"acquire_{held}")()
    with blocked(enter):
        events.append("first out")
        getattr(lock, f"release_{held}")()
    assert events == ["first out", "second in"]


def test_threads_enter_in_the_order_in_which_they_came():
    lock = RWLock()
    order = []

    def write(name):
        with lock.writing():
            order.append(name)

    def read(name):
        with lock.reading():
            order.append(name)

    lock.acquire_read()
    # A reader that comes behind a waiting writer waits, and a later writer behind that reader.
    with blocked(lambda: write("writer 1"), lambda: read("reader"), lambda: write("writer 2")):
        lock.release_read()
    assert order == ["writer 1", "reader", "writer 2"]


def test_readers_that_waited_side_by_side_enter_together():
    lock = RWLock()
    both_inside = threading.Barrier(2)

    def read():
        with lock.reading():
            both_inside.wait(DEADLINE_S)

    lock.acquire_write()
    with blocked(read, read):
        lock.release_write()
    assert not both_inside.broken


def is_free(lock):
    """Whether another thread can be alone in the lock."""

    def write():
        with lock.writing():
            entered.set()

    entered = threading.Event()
    threading.Thread(target=write, daemon=True).start()
    return entered.wait(DEADLINE_S)


@pytest.mark.parametrize("second", ["acquire_read", "acquire_write"])
@pytest.mark.parametrize("first", ["read", "write"])
def test_a_second_acquire_in_the_same_thread_raises_and_changes_nothing(first, second):
    lock = RWLock()
    getattr(lock, f"acquire_{first}")()
    with pytest.raises(LockError):
        getattr(lock, second)()
    getattr(lock, f"release_{first}")()
    assert is_free(lock)


def test_a_second_read_raises_even_while_a_writer_waits():
    lock = RWLock()

    def write():
        with lock.writing():
            pass

    lock.acquire_read()
    with blocked(write):
        with pytest.raises(LockError):
            lock.acquire_read()
        lock.release_read()


@pytest.mark.parametrize("release", ["release_read", "release_write"])
@pytest.mark.parametrize("held", [None, "read", "write"])
def test_releasing_what_is_not_held_in_that_mode_raises(held, release):
    lock = RWLock()
    if held:
        getattr(lock, f"acquire_{held}")()
    if held and release == f"release_{held}":
        getattr(lock, release)()
    with pytest.raises(LockError):
        getattr(lock, release)()


def test_a_thread_cannot_release_what_another_holds():
    lock = RWLock()
    lock.acquire_write()
    errors = []

    def release():
        try:
            lock.release_write()
        except LockError as error:
            errors.append(error)

    thread = threading.Thread(target=release)
    thread.start()
    thread.join(DEADLINE_S)
    assert len(errors) == 1
    lock.release_write()


@pytest.mark.skipif(sys.platform == "win32", reason="a wait there cannot be interrupted")
def test_a_wait_that_ctrl_c_ends_holds_nobody_up():
    lock = RWLock()
    main = threading.main_thread()
    reader_in, reader_out = threading.Event(), threading.Event()

    def read_for_long():
        with lock.reading():
            reader_in.set()
            assert reader_out.wait(DEADLINE_S)

    def read():
        with lock.reading():
            pass

    def interrupt():
        wait_until_blocked(main)  # as a writer
        with blocked(read):  # behind that writer
            signal.pthread_kill(main.ident, signal.SIGINT)
        reader_out.set()

    threads = [threading.Thread(target=read_for_long), threading.Thread(target=interrupt)]
    threads[0].start()
    assert reader_in.wait(DEADLINE_S)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threads[1].start()
        with pytest.raises(KeyboardInterrupt):
            lock.acquire_write()
    finally:
        signal.signal(signal.SIGINT, before)
    for thread in threads:
        thread.join(DEADLINE_S)
        assert not thread.is_alive()


@pytest.mark.parametrize("mode", ["reading", "writing"])
def test_an_exception_releases_the_lock(mode):
    lock = RWLock()
    with pytest.raises(ZeroDivisionError), getattr(lock, mode)():
        raise ZeroDivisionError
    assert is_free(lock)


def test_a_counter_under_the_lock_loses_nothing():
    lock = RWLock()
    total = 0

    def add():
        nonlocal total
        for _ in range(200):
            with lock.writing():
                seen = total
                time.sleep(0)  # let another thread in, if the lock would
                total = seen + 1

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)
    assert total == 800
