"""Hidden tests of rwlock.py: who gets in, who waits, and that nobody is forgotten."""

from grader.testkit import points


@points(2, suite="concurrency", hint="starving-writer")
def test_a_chain_of_readers_does_not_starve_a_writer(kv):
    """A writer gets in although new readers keep coming before the old ones have left."""
    lock = kv.RWLock()
    writer = kv.actor("writer")
    inside = kv.actor("reader 0")
    inside.call(lock.acquire_read)
    writer.begin(lock.acquire_write)
    assert writer.blocked() is True, "the writer is inside beside a reader"
    for number in range(1, 5):
        newcomer = kv.actor(f"reader {number}")
        newcomer.begin(lock.acquire_read)
        overtook = not newcomer.blocked()
        inside.call(lock.release_read)
        if not overtook:
            break
        inside = newcomer
    assert writer.blocked() is False, "readers came and went, and the writer still waits"


@points(2, suite="concurrency", hint="starving-writer")
def test_readers_that_waited_behind_a_writer_get_in_together(kv):
    """Readers who waited behind a writer all get in when it leaves."""
    lock = kv.RWLock()
    first, writer = kv.actor("first"), kv.actor("writer")
    late = [kv.actor(f"late {number}") for number in range(3)]
    first.call(lock.acquire_read)
    writer.begin(lock.acquire_write)
    assert writer.blocked() is True, "the writer is inside beside a reader"
    for reader in late:
        reader.begin(lock.acquire_read)
    assert [reader.blocked() for reader in late] == [True, True, True]
    first.call(lock.release_read)
    writer.finish()
    assert [reader.blocked() for reader in late] == [True, True, True]
    writer.call(lock.release_write)
    assert [reader.blocked() for reader in late] == [False, False, False]


@points(1, suite="concurrency", hint="two-counts")
def test_a_writer_waits_for_the_last_reader(kv):
    """Of two readers, both must leave before a writer gets in."""
    lock = kv.RWLock()
    ann, bob, writer = kv.actor("Ann"), kv.actor("Bob"), kv.actor("writer")
    ann.call(lock.acquire_read)
    bob.call(lock.acquire_read)
    writer.begin(lock.acquire_write)
    ann.call(lock.release_read)
    assert writer.blocked() is True, "the writer is inside beside the second reader"
    bob.call(lock.release_read)
    assert writer.blocked() is False, "both readers have left, and the writer still waits"


@points(1, suite="concurrency", hint="two-counts")
def test_a_writer_waits_until_the_other_writer_leaves(kv):
    """A second writer waits, and gets in when the first one leaves."""
    lock = kv.RWLock()
    ann, bob = kv.actor("Ann"), kv.actor("Bob")
    ann.call(lock.acquire_write)
    bob.begin(lock.acquire_write)
    assert bob.blocked() is True, "two writers are inside"
    ann.call(lock.release_write)
    assert bob.blocked() is False, "the first writer has left, and the second still waits"


@points(2, suite="concurrency", hint="wake-up")
def test_no_wake_up_is_lost_with_several_writers(kv):
    """When two readers leave one after the other, three waiting writers get in, one by one."""
    lock = kv.RWLock()
    readers = [kv.actor("Ann"), kv.actor("Bob")]
    waiting = [kv.actor(f"writer {number}") for number in range(3)]
    for reader in readers:
        reader.call(lock.acquire_read)
    for writer in waiting:
        writer.begin(lock.acquire_write)
    for reader in readers:
        assert [writer.blocked() for writer in waiting] == [True, True, True]
        reader.call(lock.release_read)
    while waiting:
        inside = [writer for writer in waiting if not writer.blocked()]
        assert len(inside) == 1, "of the writers that waited, exactly one must be inside now"
        inside[0].call(lock.release_write)
        waiting.remove(inside[0])


@points(1, suite="concurrency", hint="two-counts")
def test_two_locks_are_independent(kv):
    """Holding one lock keeps nobody out of another one, not even the same thread."""
    first, second = kv.RWLock(), kv.RWLock()
    ann, bob = kv.actor("Ann"), kv.actor("Bob")
    ann.call(first.acquire_read)
    bob.begin(second.acquire_write)
    assert bob.blocked() is False, "the second lock is free, and Bob waits"
    bob.finish()
    bob.call(second.release_write)
    ann.begin(second.acquire_write)
    assert ann.blocked() is False, "the second lock is free, and Ann waits"
    ann.finish()
