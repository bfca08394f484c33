"""Many TCP clients at once beside the server under test, each in a thread of its own.

A client is given packets and how many replies each should have. It sends a packet, waits for that
many replies, and goes on; what it records is bytes and times. What the bytes mean, and whether they
are right, is for the test to say: here replies are only counted, and what is no reply ends the
wait.

All of it is one request. No code under test is called from these threads, save for the one call
that a test may want in the middle of the traffic, and `front.drive` makes that.
"""

from __future__ import annotations

from itertools import count

from .chaos import wait_restlessly
from .front import drive
from .primitives import (
    find_in_buffer,
    lock_release,
    new_held_lock,
    now_ns,
    now_seconds,
    or_end,
    start_thread,
    take,
    wait_for,
)
from .sockets import close_connection, open_connection, receive, send_all, set_timeout
from .verbs import call_method

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

    from .front import Step

    Packet = tuple[list[bytes], int]  # the pieces that it is sent in, and its replies
    Sent = tuple[int, list[tuple[int, bytes]], str]

_REPLIES_BYTES_MAX = 1024 * 1024  # of one packet
_SECONDS_MIN = 1e-3
_BULK, _ARRAY = b"$*"
_LINE_END = b"\r\n"


def run_traffic(
    host: str, port: int, plans: list[list[Packet]], seconds: float, call: Any, after: int
) -> tuple[str, Any]:
    """Connect a client for each plan, let all start together, and return `(clients, made)`.

    A client is what became of its packets: `(sent at ns, [(arrived at ns, bytes), ...], end)`. The
    end is empty when all replies came, "closed" when the connection ended first, or "silent" when
    they were not there after `seconds`; a client goes no further then. One whose plan is over
    leaves at once.

    `call`, None or `(owner, name, args)`, is made once `after` packets (1 at least) were answered,
    or else when all clients have left; `made` is its outcome.
    """
    connections = [open_connection(host, port) for _ in plans]
    start, reached = new_held_lock(), new_held_lock()
    over = [new_held_lock() for _ in plans]
    clients: list[list[Sent]] = [[] for _ in plans]
    answered = count(1)

    def one_more() -> None:
        if next(answered) == after:
            lock_release(reached)

    for number, plan in enumerate(plans):
        steps = (connections[number], plan, clients[number], seconds, one_more)
        start_thread(_client, (start, over[number], *steps))
    made, called = _call_when(reached, call)
    lock_release(start)
    wait_restlessly(over)
    if next(answered) <= after:
        lock_release(reached)
    wait_restlessly([called])
    return "ok", (clients, made[0] if made else None)


def _call_when(reached: Any, call: Any) -> tuple[list[Any], Any]:
    """Make a call, if there is one, in a thread of its own once the lock is released; return where
    it leaves what came of it, and the lock that says so.
    """
    made: list[Any] = []
    called = new_held_lock()
    box: list[Any] = []

    def steps() -> Generator[Step, None, None]:
        nonlocal made
        wait_for(reached)
        if call is not None:
            yield call_method, call, []
            made += (take(box),)
        lock_release(called)

    start_thread(drive, (or_end(steps()), box))
    return made, called


def _client(
    start: Any,
    over: Any,
    connection: Any,
    plan: list[Packet],
    sent: list[Sent],
    seconds: float,
    one_more: Callable[[], None],
) -> None:
    wait_for(start)
    for pieces, replies in plan:
        began, deadline = now_ns(), now_seconds() + seconds
        chunks: list[tuple[int, bytes]] = []
        end = _send(connection, pieces, deadline) or _receive(connection, replies, chunks, deadline)
        sent += ((began, chunks, end),)
        if end:
            break
        one_more()
    close_connection(connection)
    lock_release(over)


def _send(connection: Any, pieces: list[bytes], deadline: float) -> str:
    """Send the pieces one by one; return why the rest could not be sent, or nothing."""
    try:
        for piece in pieces:
            set_timeout(connection, max(deadline - now_seconds(), _SECONDS_MIN))
            send_all(connection, piece)
    except TimeoutError:
        return "silent"
    except OSError:
        return ""  # the server has hung up: what it still said can be read
    return ""


def _receive(
    connection: Any, replies: int, chunks: list[tuple[int, bytes]], deadline: float
) -> str:
    """Receive until there are so many replies; return why there are fewer, or nothing."""
    data = bytearray()
    position = 0
    while True:
        position, replies = _skip(data, position, replies)
        if not replies or len(data) > _REPLIES_BYTES_MAX:
            return ""
        try:
            set_timeout(connection, max(deadline - now_seconds(), _SECONDS_MIN))
            chunk = receive(connection)
        except TimeoutError:
            return "silent"
        if not chunk:
            return "closed"
        chunks += ((now_ns(), chunk),)
        data += chunk


def _skip(data: bytearray, position: int, replies: int) -> tuple[int, int]:
    """Pass over whole replies; return where the next begins and how many are still to come."""
    while replies:
        end = find_in_buffer(data, _LINE_END, position)
        if end < 0:
            break
        after, kind = end + len(_LINE_END), data[position]
        if kind in (_BULK, _ARRAY):
            try:
                number = max(int(data[position + 1 : end]), -1)
            except ValueError:
                return position, 0  # whoever reads it says that it is no reply
            if kind == _ARRAY:
                replies += max(number, 0)
            elif number >= 0:
                after += number + len(_LINE_END)
        if after > len(data):
            break
        position, replies = after, replies - 1
    return position, replies
