"""Traffic of many clients: what is sent, what is read, and what is found to be contradictory."""

import random
import socket
import threading
from contextlib import contextmanager

import pytest

from grader.agent.traffic import run_traffic
from grader.oracle.operations import OPERATIONS
from grader.remote.trace import Trace, show
from grader.testkit.commands import OddReplyError, draw_op, meaning, words_of
from grader.testkit.histories import Exchange, History
from grader.testkit.resp import Error
from grader.testkit.traffic import Packet, converse, converse_until, draw_plans, restless_server

INCR, GET = ("incr", ("n", 1)), ("get", ("n",))


class Steps:
    """As much of a session as a history needs."""

    def __init__(self):
        self.trace = Trace()

    def text(self, value):
        return show(value)


def history(*rows):
    found = History(Steps())
    for row in rows:
        found.add(Exchange(*row))
    return found


# Commands.


@pytest.mark.parametrize(
    ("op", "words", "reply", "result"),
    [
        (("set", ("k", b"v")), (b"SET", b"k", b"v"), "OK", None),
        (("get", ("k",)), (b"GET", b"k"), None, None),
        (("delete", ("k",)), (b"DEL", b"k"), 1, True),
        (("setnx", ("k", b"v")), (b"SETNX", b"k", b"v"), 0, False),
        (("incr", ("k", 1)), (b"INCR", b"k"), 2, 2),
        (("incr", ("k", -1)), (b"DECR", b"k"), 0, 0),
        (("incr", ("k", -7)), (b"DECRBY", b"k", b"7"), -7, -7),
        (("expire", ("k", 10)), (b"EXPIRE", b"k", b"10"), 1, True),
        (("ttl", ("k",)), (b"TTL", b"k"), -1, -1),
    ],
)
def test_an_operation_as_words_and_its_reply_as_a_result(op, words, reply, result):
    assert words_of(op) == words
    assert meaning(op, reply) == (result, ())


def test_an_error_reply_is_an_exception():
    result, errors = meaning(INCR, Error("ERR value is not an integer or out of range"))
    assert (result, errors[0]) == (None, "NotAnIntegerError")


@pytest.mark.parametrize(
    ("op", "reply"),
    [
        (GET, "OK"),
        (GET, 1),
        (GET, Error("ERR no")),
        (INCR, b"1"),
        (INCR, [b"1"]),
        (("delete", ("k",)), 2),
    ],
)
def test_a_reply_of_another_kind_is_odd(op, reply):
    with pytest.raises(OddReplyError):
        meaning(op, reply)


def test_what_is_drawn_depends_on_the_seed_and_the_oracle_knows_it():
    drawn = [draw_op(random.Random(seed), "k") for seed in range(300)]
    assert drawn == [draw_op(random.Random(seed), "k") for seed in range(300)]
    names = {name for name, _ in drawn}
    assert {"set", "get", "incr", "setnx", "delete", "expire"} <= names <= set(OPERATIONS)
    plans = [draw_plans(random.Random(1), clients=2, packets=9, keys=["a", "b"]) for _ in range(2)]
    assert plans[0] == plans[1]


def test_pieces_are_the_packet():
    whole = Packet((INCR, GET), tail=b"GET").pieces
    assert whole == [b"*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n*2\r\n$3\r\nGET\r\n$1\r\nn\r\nGET"]
    pieces = Packet((INCR, GET), cuts=(5, 900, 5), tail=b"GET").pieces
    assert b"".join(pieces) == whole[0]
    assert 2 <= len(pieces) <= 3


# Histories.


def test_a_lost_increment_is_a_contradiction_and_reads_beside_the_point_are_left_out():
    found = history((0, GET, 0, 1, None), (0, INCR, 10, 30, 1), (1, INCR, 20, 40, 1))
    with pytest.raises(AssertionError, match="no order of these 2 commands on n .* client 2: INCR"):
        found.check()
    steps = [(step.text, step.result) for step in found._session.trace.steps]
    assert steps == [("client 1: INCR n", "1"), ("client 2, meanwhile: INCR n", "1")]


def test_a_packet_is_done_in_its_order():
    history((0, INCR, 10, 30, 1), (0, GET, 10, 30, b"1")).check()
    found = history((0, GET, 10, 30, b"1"), (0, INCR, 10, 30, 1))
    with pytest.raises(AssertionError, match="no order"):
        found.check()
    assert found._session.trace.steps[1].text == "client 1, in the same packet: INCR n"


def test_what_was_never_answered_may_have_been_done_or_not():
    for value in (b"1", None):
        found = history((0, INCR, 10, None))
        found.add_afterwards(GET, value)
        found.check()
    found.add_afterwards(GET, b"2")
    with pytest.raises(AssertionError, match="afterwards, store.get"):
        found.check()


# Clients.


@contextmanager
def scripted(*answers):
    """A server of one client that answers each packet with chunks of bytes, and then leaves."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            connection, _ = listener.accept()
            with connection:
                for chunks in answers:
                    connection.recv(1000)
                    for chunk in chunks:
                        connection.sendall(chunk)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()
        thread.join()


@pytest.mark.parametrize(
    ("replies", "sent", "end"),
    [
        (1, b"+OK\r\n", ""),
        (2, b":1\r\n$4\r\n\r\n\r\n\r\n", ""),
        (1, b"$-1\r\n", ""),
        (2, b"*2\r\n*1\r\n:1\r\n$1\r\na\r\n*0\r\n", ""),
        (1, b"$x\r\n", ""),
        (2, b":1\r\n$4\r\nab", "closed"),
        (1, b"", "closed"),
    ],
)
def test_a_client_waits_for_so_many_replies(replies, sent, end):
    pieces = [sent[i : i + 1] for i in range(len(sent))]
    for chunks in ([sent], pieces):
        with scripted(chunks) as address:
            _, (clients, made) = run_traffic(*address, [[([b"x"], replies)]], 5.0, None, 1)
        ((_, received, how),) = clients[0]
        assert (b"".join(chunk for _, chunk in received), how, made) == (sent, end, None)
        assert sorted(received) == received


def test_a_client_that_waits_in_vain_gives_up():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        plans = [[([b"x"], 1), ([b"y"], 1)]]
        _, (clients, _) = run_traffic(*listener.getsockname(), plans, 0.05, None, 1)
    assert [end for _, _, end in clients[0]] == ["silent"]


# All of it, with a package under test: a server that is right, or wrong in one way.

SERVER = """
    import socketserver, threading, time

    class Server:
        def __init__(self, store):
            self.numbers = {{}}
            self.lock = threading.Lock()
            self.tcp = socketserver.ThreadingTCPServer(("127.0.0.1", 0), self.handler())
            self.tcp.daemon_threads = True
            self.address = self.tcp.server_address
        def handler(outer):
            class Handler(socketserver.StreamRequestHandler):
                def handle(self):
                    while self.rfile.readline():
                        words = [self.rfile.readlines(1) and self.rfile.readline().strip()
                            for _ in range(2)]
                        self.wfile.write(outer.answer(words[1]))
            return Handler
        def count(self):
            with self.lock:
                return len(self.incr(b"n"))
        def incr(self, key):
            number = self.numbers.get(key, 0)
            self.numbers[key] = number + 1
            return b":%d\\r\\n" % (number + 1)
        def answer(self, key):
            {answer}
        def __enter__(self):
            threading.Thread(target=self.tcp.serve_forever, args=(0.01,)).start()
            return self
        def __exit__(self, *_):
            self.stop()
        def stop(self):
            self.tcp.shutdown()
            self.tcp.server_close()
"""
RIGHT = "with self.lock: return self.incr(key)"
PLANS = [[Packet((INCR,))] * 20] * 4


@pytest.fixture
def talk(kv_of):
    def run(answer, how=lambda kv, server: converse(kv, server, PLANS), seconds=4.0):
        kv = kv_of(seconds, server=SERVER.format(answer=answer))
        with restless_server(kv, random.Random(1), None) as server:
            return how(kv, server)

    return run


def test_a_server_that_is_right(talk):
    found = talk(RIGHT)
    found.add_afterwards(GET, b"80")
    found.check()


def test_a_server_that_loses_increments(talk):
    with pytest.raises(AssertionError, match="no order of these .* commands on n"):
        talk("return self.incr(key)").check()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("return self.incr(key) + b'+OK\\r\\n'", "sent 1 commands and got that many replies, and"),
        ("return b'+OK\\r\\n'", "client 1: INCR n was answered 'OK'"),
        ("return b'?\\r\\n'", "client 1: not a RESP reply"),
        ("raise SystemExit", "closed the connection before it answered client 1: INCR n"),
        ("time.sleep(1)", "no reply came to client 1: INCR n"),
    ],
)
def test_a_server_that_says_something_else(talk, answer, said):
    with pytest.raises(AssertionError, match=said):
        talk(answer, seconds=1.0)


def test_a_call_in_the_middle(talk):
    def until(kv, server):
        return converse_until(kv, server, PLANS, server.count, after=10)

    found = talk(RIGHT, until)
    with pytest.raises(AssertionError, match="no order"):
        found.check()  # the call counted too
