"""Messages over pipes: whole, with a deadline, and the same on systems that cannot poll."""

import os
import threading
import time

import pytest

from grader.agent.wire import MESSAGE_BYTES_MAX
from grader.remote.pipes import PipeClosedError, PipeTimeoutError, PolledPipes, ThreadedPipes


@pytest.fixture(params=[PolledPipes, ThreadedPipes])
def ends(request):
    """Our pipes, and the raw descriptors of the other end: what it reads, what it writes."""
    there_reads, here_writes = os.pipe()
    here_reads, there_writes = os.pipe()
    descriptors = [there_reads, here_writes, here_reads, there_writes]

    def close_one(descriptor):
        descriptors.remove(descriptor)
        os.close(descriptor)

    yield request.param(here_reads, here_writes), there_reads, there_writes, close_one
    for descriptor in descriptors:
        os.close(descriptor)


def soon(seconds=5.0):
    return time.monotonic() + seconds


def test_a_message_arrives_whole(ends):
    pipes, there_reads, there_writes, _close = ends
    pipes.send(b"hello", soon())
    assert os.read(there_reads, 100) == b"\0\0\0\5hello"
    os.write(there_writes, b"\0\0\0\2hi\0\0\0\0")
    assert pipes.receive(soon()) == b"hi"
    assert pipes.receive(soon()) == b""


def test_a_message_larger_than_the_pipe_goes_both_ways(ends):
    pipes, there_reads, there_writes, _close = ends
    big = os.urandom(300_000)
    received = bytearray()

    def echo():
        while len(received) < 4 + len(big):
            received.extend(os.read(there_reads, 65536))
        sent = 0
        while sent < len(received):
            sent += os.write(there_writes, received[sent:])

    thread = threading.Thread(target=echo)
    thread.start()
    pipes.send(big, soon())
    assert pipes.receive(soon()) == big
    thread.join()


def test_silence_is_a_timeout(ends):
    pipes, _there_reads, there_writes, _close = ends
    with pytest.raises(PipeTimeoutError):
        pipes.receive(soon(0.01))
    os.write(there_writes, b"\0\0")
    with pytest.raises(PipeTimeoutError):
        pipes.receive(soon(0.01))


def test_nobody_reading_is_a_timeout(ends):
    pipes, _there_reads, _there_writes, _close = ends
    with pytest.raises(PipeTimeoutError):
        pipes.send(bytes(300_000), soon(0.05))


def test_the_end_in_the_middle_of_a_message_is_the_end(ends):
    pipes, _there_reads, there_writes, close = ends
    os.write(there_writes, b"\0\0\0\5he")
    close(there_writes)
    with pytest.raises(PipeClosedError):
        pipes.receive(soon())
    with pytest.raises(PipeClosedError):
        pipes.receive(soon())


def test_nobody_there_to_read_is_closed(ends):
    pipes, there_reads, _there_writes, close = ends
    close(there_reads)
    with pytest.raises(PipeClosedError):
        pipes.send(b"hello", soon())


def test_a_length_beyond_the_limit_is_refused(ends):
    pipes, _there_reads, there_writes, _close = ends
    os.write(there_writes, (MESSAGE_BYTES_MAX + 1).to_bytes(4, "big"))
    with pytest.raises(PipeClosedError):
        pipes.receive(soon())
