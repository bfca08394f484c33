"""A readers-writer lock: many readers at a time, or one writer and nobody else.

A reader that comes while a writer waits goes behind it, so readers cannot starve a writer.

Invariant: there is a writer, or there are readers, or neither; never both.
Not here: timeouts, turning a read into a write, taking the lock twice: the last two deadlock.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class RWLock:
    """Many readers or one writer, first come first served. Not re-entrant: twice is an error."""

    def __init__(self) -> None:
        # TODO: remember who is inside, and who waits. What a thread must know before it may enter,
        # and what it must be able to wait for, tells you which fields you need. Say beside each
        # field what protects it.
        raise NotImplementedError("stage 1: RWLock")

    def acquire_read(self) -> None:
        """Wait until no writer holds the lock or came earlier, then read.

        Raises `LockError` at once if this thread already holds the lock, in either mode.
        """
        # TODO: refuse, wait, enter. Refuse before you wait: a thread cannot wait for itself. To
        # find the moment to enter and to enter must be one step, or a writer slips in between.
        raise NotImplementedError("stage 1: RWLock.acquire_read")

    def release_read(self) -> None:
        """Stop reading. Raises `LockError` if this thread was not reading."""
        # TODO: leave, and tell those who wait: the last reader's leaving is a writer's chance.
        raise NotImplementedError("stage 1: RWLock.release_read")

    def acquire_write(self) -> None:
        """Wait until nobody holds the lock or came earlier, then write alone.

        Raises `LockError` at once if this thread already holds the lock, in either mode.
        """
        # TODO: like acquire_read, but wait for everybody. A reader that comes while this thread
        # waits must be able to see that it waits.
        raise NotImplementedError("stage 1: RWLock.acquire_write")

    def release_write(self) -> None:
        """Stop writing. Raises `LockError` if this thread was not writing."""
        # TODO: leave, and tell those who wait, be they readers or writers.
        raise NotImplementedError("stage 1: RWLock.release_write")

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold the lock for reading inside a `with` block."""
        # TODO: acquire, let the block run (`yield`), release, also when the block raises. If the
        # acquire itself was refused, there is nothing to release.
        raise NotImplementedError("stage 1: RWLock.reading")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lock for writing inside a `with` block."""
        # TODO: the same for writing.
        raise NotImplementedError("stage 1: RWLock.writing")
