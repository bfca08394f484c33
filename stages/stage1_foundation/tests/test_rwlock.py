"""Visible tests of rwlock.py: who may be inside together, and what is refused."""

from grader.testkit import points


@points(1, suite="concurrency", hint="two-counts")
def test_two_readers_are_inside_together(kv):
    """Two threads may read at the same time."""
    lock = kv.RWLock()
    ann, bob = kv.actor("Ann"), kv.actor("Bob")
    ann.call(lock.acquire_read)
    bob.begin(lock.acquire_read)
    assert bob.blocked() is False, "a second reader waits although nobody writes"


@points(1, suite="concurrency", hint="two-counts")
def test_a_writer_waits_until_the_reader_leaves(kv):
    """A writer waits while somebody reads, and gets in when the reader leaves."""
    lock = kv.RWLock()
    reader, writer = kv.actor("reader"), kv.actor("writer")
    reader.call(lock.acquire_read)
    writer.begin(lock.acquire_write)
    assert writer.blocked() is True, "the writer is inside beside a reader"
    reader.call(lock.release_read)
    assert writer.blocked() is False, "the reader has left, and the writer still waits"


@points(1, suite="concurrency", hint="two-counts")
def test_a_reader_waits_until_the_writer_leaves(kv):
    """A reader waits while somebody writes, and gets in when the writer leaves."""
    lock = kv.RWLock()
    reader, writer = kv.actor("reader"), kv.actor("writer")
    writer.call(lock.acquire_write)
    reader.begin(lock.acquire_read)
    assert reader.blocked() is True, "the reader is inside beside a writer"
    writer.call(lock.release_write)
    assert reader.blocked() is False, "the writer has left, and the reader still waits"


@points(1, suite="concurrency", hint="starving-writer")
def test_a_new_reader_waits_behind_a_waiting_writer(kv):
    """While a writer waits, a reader who comes later waits too."""
    lock = kv.RWLock()
    first, writer, late = kv.actor("first"), kv.actor("writer"), kv.actor("late")
    first.call(lock.acquire_read)
    writer.begin(lock.acquire_write)
    assert writer.blocked() is True, "the writer is inside beside a reader"
    late.begin(lock.acquire_read)
    assert late.blocked() is True, "the late reader overtook the writer"


@points(1, suite="concurrency", hint="who-holds-it")
def test_releasing_what_is_not_held_is_refused(kv):
    """Releasing a lock that nobody holds raises LockError."""
    lock = kv.RWLock()
    with kv.raises("LockError"):
        lock.release_read()
    with kv.raises("LockError"):
        lock.release_write()


@points(1, suite="concurrency", hint="not-twice")
def test_acquiring_twice_is_refused(kv):
    """A thread that writes and wants to write again gets LockError at once."""
    lock = kv.RWLock()
    thread = kv.actor("writer")
    thread.call(lock.acquire_write)
    thread.begin(lock.acquire_write)
    assert thread.blocked() is False, "the thread waits for itself, for ever"
    with kv.raises("LockError"):
        thread.finish()


@points(1, suite="concurrency", hint="with-blocks")
def test_with_blocks_hold_and_release(kv):
    """`with lock.writing():` holds the lock for the block, and no longer."""
    lock = kv.RWLock()
    reader = kv.actor("reader")
    with lock.writing():
        reader.begin(lock.acquire_read)
        assert reader.blocked() is True, "the block does not hold the lock"
    assert reader.blocked() is False, "the block is over, and the lock is still held"
