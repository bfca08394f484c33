"""Many clients of the server under test at once: what they send, and what came back.

Each client has a connection and a thread of its own. They live beside the server, in its process,
since the network there is walled off; all that they do there is to send bytes and to write down
bytes and times of one clock. Here the bytes are read, strictly, and become a `History`. Whether an
order explains it is for `grader.testkit.histories` to say.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

from grader.oracle.history import Op
from grader.remote.failures import ProcessDied
from grader.remote.handle import Method
from grader.testkit.commands import draw_op, words_of
from grader.testkit.histories import Exchange, History
from grader.testkit.kv import KV
from grader.testkit.resp import ReplyReader, resp_array

SECONDS = 2.5  # after which a client that still waits for a reply was forgotten,
_SHARE = 0.6  # or this share of the deadline of a call, if that is less
_CUTS = (0, 0, 0, 1, 4)
_CHANCE = 0.05  # of giving way, at each line of the server's threads


@dataclass(frozen=True)
class Packet:
    """Commands that a client sends at once; it waits for all replies before it sends more.

    The bytes, with `tail` after them (a command that is never finished), leave in pieces, cut at
    the `cuts`, which count bytes. With `waits=False` the replies to it are never read; neither may
    be those to the packets after it.
    """

    ops: tuple[Op, ...]
    cuts: tuple[int, ...] = ()
    tail: bytes = b""
    waits: bool = True

    @property
    def pieces(self) -> list[bytes]:
        """What is sent, piece by piece."""
        data = b"".join(resp_array(*words_of(op)) for op in self.ops) + self.tail
        places = sorted({0, len(data), *(cut % len(data) for cut in self.cuts)})
        return [data[start:end] for start, end in pairwise(places)]


Plan = Sequence[Packet]


def draw_plans(
    rng: random.Random, *, clients: int, packets: int, keys: Sequence[str], depth: int = 1
) -> list[list[Packet]]:
    """Draw what each client sends: packets of one to `depth` commands, some of them in pieces.

    All clients go from key to key together, so that they meet often and the history of each key
    stays short.
    """
    plans = []
    for _ in range(clients):
        plan = []
        for number in range(packets):
            key = keys[number * len(keys) // packets]
            ops = tuple(draw_op(rng, key) for _ in range(rng.randint(1, depth)))
            cuts = tuple(rng.randrange(1000) for _ in range(rng.choice(_CUTS)))
            plan.append(Packet(ops, cuts))
        plans.append(plan)
    return plans


@contextmanager
def restless_server(kv: KV, rng: random.Random, store: Any) -> Iterator[Any]:
    """A server on the store, started, whose threads give way to one another at any line."""
    seed = rng.randrange(2**32)
    kv.session.ask("a restless server", "tool", "restless", (seed, _CHANCE))
    with kv.Server(store) as server:
        yield server


def converse(kv: KV, server: Any, plans: Sequence[Plan]) -> History:
    """Let a client for each plan talk to the server, all at once; every command must be answered
    that a client waits for.
    """
    history, _made = _run(kv, server, plans, None, 1)
    return history


def converse_until(kv: KV, server: Any, plans: Sequence[Plan], call: Method, after: int) -> History:
    """The same, with a call such as `server.stop` in the middle, once `after` packets were
    answered: from then on the server may close connections, and what was not answered by then may
    have been done or not.
    """
    history, made = _run(kv, server, plans, call, after)
    kind, value = made
    step = f"meanwhile, {call.owner.name}.{call.name}()"
    kv.session.trace.add(step, kv.session.text(value) if kind == "ok" else kind)
    assert kind == "ok", f"{call.name} raised {value['names'][0]}: {value['message']}"
    return history


def _run(
    kv: KV, server: Any, plans: Sequence[Plan], call: Method | None, after: int
) -> tuple[History, Any]:
    session = kv.session
    host, port = server.address
    count = sum(len(packet.ops) for plan in plans for packet in plan)
    session.trace.note(f"{len(plans)} clients at once send {count} commands")
    sent = [
        [(packet.pieces, len(packet.ops) if packet.waits else 0) for packet in plan]
        for plan in plans
    ]
    seconds = min(SECONDS, session.seconds * _SHARE)
    wanted = None if call is None else (call.owner, call.name, ())
    said = session.ask(
        "the traffic of many clients", "tool", "traffic", (host, port, sent, seconds, wanted, after)
    )
    try:
        clients, made = said
        history = History(kv.session)
        for number, (plan, packets) in enumerate(zip(plans, clients, strict=True)):
            _Reading(history, number, may_close=call is not None).read(plan, packets)
    except (TypeError, ValueError, LookupError):
        raise ProcessDied("the traffic broke the connection to the grader") from None
    return history, made


class _Reading:
    """Turns what one client sent and received into exchanges of the history."""

    def __init__(self, history: History, client: int, *, may_close: bool) -> None:
        self._history = history
        self._client = client
        self._may_close = may_close

    def read(self, plan: Plan, packets: list[Any]) -> None:
        """Read all packets that were sent; a reply that is missing fails the test."""
        for packet, (sent_ns, chunks, end) in zip(plan, packets, strict=False):
            answers = self._answers(packet, chunks, end)
            for place, op in enumerate(packet.ops):
                if place < len(answers):
                    arrived_ns, reply = answers[place]
                    exchange = Exchange(self._client, op, sent_ns, arrived_ns, reply)
                else:
                    exchange = Exchange(self._client, op, sent_ns)
                    if packet.waits:
                        self._miss(exchange, end)
                self._history.add(exchange)

    def _answers(
        self, packet: Packet, chunks: list[tuple[int, bytes]], end: str
    ) -> list[tuple[int, Any]]:
        """The replies to a packet, each with the time at which it was complete."""
        rest = iter([chunk for _, chunk in chunks])
        reader = ReplyReader(lambda: next(rest, b""))
        ends = list(accumulate(len(chunk) for _, chunk in chunks))
        answers: list[tuple[int, Any]] = []
        while len(answers) < len(packet.ops) and reader.bytes_read < (ends[-1] if ends else 0):
            try:
                reply = reader.read()
            except AssertionError as problem:
                if end == "silent":
                    break
                raise AssertionError(f"client {self._client + 1}: {problem}") from None
            answers.append((chunks[bisect_left(ends, reader.bytes_read)][0], reply))
        left = reader.take_all()
        assert not left or end == "silent", (
            f"client {self._client + 1} sent {len(packet.ops)} commands and got that many replies,"
            f" and then {left[:80]!r}"
        )
        return answers

    def _miss(self, exchange: Exchange, end: str) -> None:
        """A reply is missing: say so, unless the connection may have ended before it."""
        if end == "closed" and self._may_close:
            return
        what = self._history.show(exchange, "no reply")
        assert end != "closed", f"the server closed the connection before it answered {what}"
        raise AssertionError(f"no reply came to {what}")
