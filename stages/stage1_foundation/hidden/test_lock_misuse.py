"""Hidden tests of rwlock.py: misuse raises LockError at once, and harms nobody else."""

from grader.testkit import points


def _assert_refused(kv, thread, method):
    thread.begin(method)
    assert thread.blocked() is False, "the thread waits for itself, for ever"
    with kv.raises("LockError"):
        thread.finish()


@points(1, suite="concurrency", hint="not-twice")
def test_a_reader_may_not_turn_into_a_writer(kv):
    """A thread that reads and wants to write gets LockError: it would wait for itself."""
    lock = kv.RWLock()
    thread = kv.actor("reader")
    thread.call(lock.acquire_read)
    _assert_refused(kv, thread, lock.acquire_write)


@points(1, suite="concurrency", hint="not-twice")
def test_a_writer_may_not_read_as_well(kv):
    """A thread that writes and wants to read gets LockError."""
    lock = kv.RWLock()
    thread = kv.actor("writer")
    thread.call(lock.acquire_write)
    _assert_refused(kv, thread, lock.acquire_read)


@points(1, suite="concurrency", hint="not-twice")
def test_a_reader_may_not_acquire_again_behind_a_waiting_writer(kv):
    """A reader asks again while a writer waits: LockError at once, or both would wait for ever."""
    lock = kv.RWLock()
    reader, writer = kv.actor("reader"), kv.actor("writer")
    reader.call(lock.acquire_read)
    writer.begin(lock.acquire_write)
    assert writer.blocked() is True, "the writer is inside beside a reader"
    _assert_refused(kv, reader, lock.acquire_read)
    reader.call(lock.release_read)
    assert writer.blocked() is False, "the reader has left, and the writer still waits"


@points(1, suite="concurrency", hint="not-twice")
def test_a_refused_acquire_leaves_no_trace(kv):
    """After refused acquires and one release, readers and writers come and go as ever."""
    lock = kv.RWLock()
    ann, bob = kv.actor("Ann"), kv.actor("Bob")
    ann.call(lock.acquire_read)
    _assert_refused(kv, ann, lock.acquire_write)
    _assert_refused(kv, ann, lock.acquire_read)
    bob.begin(lock.acquire_read)
    assert bob.blocked() is False, "nobody writes or waits to write, and Bob cannot read"
    bob.finish()
    ann.call(lock.release_read)
    bob.call(lock.release_read)
    bob.begin(lock.acquire_write)
    assert bob.blocked() is False, "nobody holds the lock, and Bob cannot write"


@points(1, suite="concurrency", hint="who-holds-it")
def test_a_writer_may_not_release_a_read(kv):
    """release_read by the writer raises LockError, and the writer still holds the lock."""
    lock = kv.RWLock()
    writer, other = kv.actor("writer"), kv.actor("other")
    writer.call(lock.acquire_write)
    with kv.raises("LockError"):
        writer.call(lock.release_read)
    other.begin(lock.acquire_read)
    assert other.blocked() is True, "the refused release let a reader in beside the writer"


@points(1, suite="concurrency", hint="who-holds-it")
def test_a_reader_may_not_release_a_write(kv):
    """release_write by a reader raises LockError, and the reader still holds the lock."""
    lock = kv.RWLock()
    reader, other = kv.actor("reader"), kv.actor("other")
    reader.call(lock.acquire_read)
    with kv.raises("LockError"):
        reader.call(lock.release_write)
    other.begin(lock.acquire_write)
    assert other.blocked() is True, "the refused release let a writer in beside the reader"


@points(1, suite="concurrency", hint="who-holds-it")
def test_nobody_releases_the_read_of_another_thread(kv):
    """release_read by a thread that does not read raises LockError, while another one reads."""
    lock = kv.RWLock()
    reader, stranger, writer = kv.actor("reader"), kv.actor("stranger"), kv.actor("writer")
    reader.call(lock.acquire_read)
    with kv.raises("LockError"):
        stranger.call(lock.release_read)
    writer.begin(lock.acquire_write)
    assert writer.blocked() is True, "the stranger threw the reader out"


@points(1, suite="concurrency", hint="who-holds-it")
def test_nobody_releases_the_write_of_another_thread(kv):
    """release_write by another thread raises LockError, and the writer keeps the lock."""
    lock = kv.RWLock()
    writer, stranger = kv.actor("writer"), kv.actor("stranger")
    writer.call(lock.acquire_write)
    with kv.raises("LockError"):
        stranger.call(lock.release_write)
    stranger.begin(lock.acquire_read)
    assert stranger.blocked() is True, "the stranger threw the writer out"


@points(1, suite="concurrency", hint="with-blocks")
def test_an_exception_in_a_with_block_releases(kv):
    """`with lock.reading():` and `with lock.writing():` release also when their block raises."""
    lock = kv.RWLock()
    _raise_inside(kv, lock.reading())
    _raise_inside(kv, lock.writing())
    other = kv.actor("other")
    other.begin(lock.acquire_write)
    assert other.blocked() is False, "the blocks are over, and the lock is still held"


@points(1, suite="concurrency", hint="with-blocks")
def test_a_refused_with_block_does_not_release_the_outer_one(kv):
    """A block inside a block of the same lock is refused, and the outer one still holds."""
    lock = kv.RWLock()
    writer = kv.actor("writer")
    with lock.reading():
        inner = lock.reading()
        with kv.raises("LockError"), inner:
            pass
        writer.begin(lock.acquire_write)
        assert writer.blocked() is True, "the refused block released the outer one"
    assert writer.blocked() is False, "all blocks are over, and the lock is still held"


def _raise_inside(kv, manager):
    try:
        with manager:
            kv.note("the body of the with block raises an exception")
            raise ArithmeticError
    except ArithmeticError:
        pass
