"""The server over real sockets, with a store in memory that a test can hold up."""

import contextlib
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from kvstore.memory import MemoryStore
from kvstore.server import Server

PATIENCE_SECONDS = 20.0  # a deadline for what should happen at once

Connect = Callable[..., socket.socket]


class GatedStore(MemoryStore):
    """Holds up every `set` of the key "slow" until the gate opens."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.gate = threading.Event()

    def set(self, key: str, value: bytes) -> None:
        if key == "slow":
            self.entered.set()
            assert self.gate.wait(PATIENCE_SECONDS)
        super().set(key, value)


@pytest.fixture
def store() -> Iterator[GatedStore]:
    store = GatedStore()
    yield store
    store.gate.set()


@pytest.fixture
def server(store: GatedStore) -> Iterator[Server]:
    with Server(store, max_clients=20) as server:
        yield server
        store.gate.set()


@pytest.fixture
def connect(server: Server) -> Iterator[Connect]:
    with contextlib.ExitStack() as connections:

        def connect(read_buffer_bytes: int | None = None) -> socket.socket:
            connection = connections.enter_context(socket.socket())
            connection.settimeout(PATIENCE_SECONDS)
            if read_buffer_bytes is not None:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, read_buffer_bytes)
            connection.connect(server.address)
            return connection

        yield connect


def receive(connection: socket.socket, size: int) -> bytes:
    """Read exactly so many bytes, or what there is until the connection ends."""
    received = bytearray()
    while data := connection.recv(min(size - len(received), 65_536)):
        received += data
    return bytes(received)


def receive_all(connection: socket.socket) -> bytes:
    return receive(connection, sys.maxsize)


def expect(connection: socket.socket, request: bytes, reply: bytes) -> None:
    connection.sendall(request)
    assert receive(connection, len(reply)) == reply


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.001)


def server_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("kvstore-")]


def in_background(run: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_pipelined_commands_are_answered_in_order(connect: Connect) -> None:
    wire = b"SET a 1\r\nSET b 2\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\nNOPE\r\nGET b\r\n"
    reply = b"+OK\r\n+OK\r\n$1\r\n1\r\n-ERR unknown command 'NOPE'\r\n$1\r\n2\r\n"
    expect(connect(), wire, reply)


def test_a_command_in_many_pieces(connect: Connect) -> None:
    connection = connect()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in b"*2\r\n$4\r\nECHO\r\n$2\r\nhi":
        connection.sendall(bytes([byte]))
    expect(connection, b"\r\n", b"$2\r\nhi\r\n")


def test_a_long_pipeline(connect: Connect) -> None:
    connection = connect()
    sender = in_background(lambda: connection.sendall(b"INCR n\r\n" * 20_000))
    expected = b"".join(b":%d\r\n" % n for n in range(1, 20_001))
    assert receive(connection, len(expected)) == expected
    sender.join()


def test_a_large_value(connect: Connect) -> None:
    value = bytes(range(256)) * 40_000
    connection = connect()
    wire = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$%d\r\n%b\r\n" % (len(value), value)
    expect(connection, wire, b"+OK\r\n")
    expect(connection, b"GET a\r\n", b"$%d\r\n%b\r\n" % (len(value), value))


def test_many_clients_at_once(connect: Connect) -> None:
    clients = [connect() for _ in range(20)]

    def count(client: socket.socket) -> None:
        for _ in range(50):
            client.sendall(b"INCR n\r\n")
            assert receive(client, 1) == b":"
            while client.recv(1) != b"\n":
                pass

    threads = [in_background(lambda client=client: count(client)) for client in clients]
    for thread in threads:
        thread.join()
    expect(clients[0], b"GET n\r\n", b"$4\r\n1000\r\n")


def test_a_client_may_stop_sending_and_still_gets_its_replies(connect: Connect) -> None:
    connection = connect()
    connection.sendall(b"PING\r\nPING\r\nPI")
    connection.shutdown(socket.SHUT_WR)
    assert receive_all(connection) == b"+PONG\r\n+PONG\r\n"


def test_a_slow_command_delays_nobody_else(connect: Connect, store: GatedStore) -> None:
    slow, quick = connect(), connect()
    slow.sendall(b"SET slow 1\r\n")
    assert store.entered.wait(PATIENCE_SECONDS)
    expect(quick, b"PING\r\n", b"+PONG\r\n")
    store.gate.set()
    expect(slow, b"", b"+OK\r\n")


def test_a_client_that_does_not_read_delays_nobody_else(
    connect: Connect, store: GatedStore
) -> None:
    value = bytes(4_000_000)
    store.set("big", value)
    deaf, quick = connect(read_buffer_bytes=4096), connect()
    deaf.sendall(b"GET big\r\nGET big\r\nINCR done\r\n")
    expect(quick, b"PING\r\n", b"+PONG\r\n")
    # It waits with its first reply unsent, and so has not come to its last command.
    assert not store.exists("done")
    # When it reads at last, it gets everything.
    reply = b"$%d\r\n%b\r\n" % (len(value), value)
    assert receive(deaf, 2 * len(reply) + 4) == reply * 2 + b":1\r\n"


def test_a_client_that_leaves_in_the_middle_is_forgotten(connect: Connect) -> None:
    for wire in (b"", b"*2\r\n$3\r\nGE", b"GET a\r\n" * 1000):
        connection = connect()
        connection.sendall(wire)
        connection.close()
    wait_until(lambda: len(server_threads()) == 1)
    expect(connect(), b"PING\r\n", b"+PONG\r\n")


@pytest.mark.parametrize(
    ("wire", "message"),
    [
        (b"*x\r\n", b"invalid multibulk length"),
        (b"*1\r\nPING\r\n", b"expected '$', got 'P'"),
        (b"x" * 200_000, b"too big inline request"),
        (b"*x\r\n" + b"y" * 200_000, b"invalid multibulk length"),
    ],
)
def test_a_protocol_error_is_told_and_ends_the_connection(
    connect: Connect, wire: bytes, message: bytes
) -> None:
    connection = connect()
    connection.sendall(b"SET a 1\r\n" + wire)
    assert receive_all(connection) == b"+OK\r\n-ERR Protocol error: " + message + b"\r\n"


def test_quit(connect: Connect) -> None:
    connection = connect()
    connection.sendall(b"SET a 1\r\nquit\r\nSET a 2\r\n")
    assert receive_all(connection) == b"+OK\r\n+OK\r\n"
    expect(connect(), b"GET a\r\n", b"$1\r\n1\r\n")


def test_one_client_too_many(connect: Connect) -> None:
    clients = [connect() for _ in range(20)]
    for client in clients:
        expect(client, b"PING\r\n", b"+PONG\r\n")
    assert receive_all(connect()) == b"-ERR max number of clients reached\r\n"
    expect(clients[-1], b"PING\r\n", b"+PONG\r\n")
    clients[0].close()
    wait_until(lambda: len(server_threads()) == 20)
    expect(connect(), b"PING\r\n", b"+PONG\r\n")


def test_stop_closes_idle_clients_at_once(server: Server, connect: Connect) -> None:
    idle = [connect() for _ in range(5)]
    for client in idle:
        expect(client, b"PING\r\n", b"+PONG\r\n")
    idle[0].sendall(b"*2\r\n$3\r\nGET\r\n")  # half a command is as good as none
    started = time.monotonic()
    server.stop()
    assert time.monotonic() - started < 1.5
    assert [receive_all(client) for client in idle] == [b""] * 5
    assert server_threads() == []


def test_stop_lets_the_command_under_way_finish(
    server: Server, connect: Connect, store: GatedStore
) -> None:
    busy, idle = connect(), connect()
    expect(idle, b"PING\r\n", b"+PONG\r\n")
    busy.sendall(b"PING\r\nSET slow 1\r\nSET next 2\r\n")
    assert store.entered.wait(PATIENCE_SECONDS)
    stopping = in_background(server.stop)
    assert receive_all(idle) == b""  # so the server is stopping
    assert stopping.is_alive()
    store.gate.set()
    assert receive_all(busy) == b"+PONG\r\n+OK\r\n"
    stopping.join()
    assert store.keys() == ["slow"]


def test_stop_does_not_wait_for_a_client_that_does_not_read(
    server: Server, connect: Connect, store: GatedStore
) -> None:
    store.set("big", bytes(16_000_000))
    deaf = connect(read_buffer_bytes=4096)
    deaf.sendall(b"INCR n\r\nGET big\r\n")
    wait_until(lambda: store.exists("n"))
    started = time.monotonic()
    server.stop()
    assert time.monotonic() - started < 10
    assert server_threads() == []


def test_stop_refuses_new_clients_and_may_be_called_again(server: Server) -> None:
    server.stop()
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(server.address, timeout=PATIENCE_SECONDS)


def test_serve_forever_ends_with_stop(store: GatedStore) -> None:
    server = Server(store)
    serving = in_background(server.serve_forever)
    wait_until(lambda: bool(server_threads()))
    assert serving.is_alive()
    server.stop()
    serving.join(PATIENCE_SECONDS)
    assert not serving.is_alive()
    server.serve_forever()  # there is nothing left to wait for


def test_a_server_starts_once(server: Server) -> None:
    with pytest.raises(RuntimeError, match="started before"):
        server.start()
    server.stop()
    with pytest.raises(RuntimeError, match="started before"):
        server.start()


def test_before_the_start(store: GatedStore) -> None:
    server = Server(store)
    with pytest.raises(RuntimeError, match="no address"):
        _ = server.address
    server.stop()
    with server:
        assert server.address[0] == "127.0.0.1"
        assert server.address[1] > 0


def test_a_port_in_use(server: Server, store: GatedStore) -> None:
    second = Server(store, port=server.address[1])
    with pytest.raises(OSError, match="in use"):
        second.start()
    second.stop()


def test_ipv6(store: GatedStore) -> None:
    try:
        server = Server(store, host="::1")
        server.start()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with contextlib.closing(socket.create_connection(server.address, PATIENCE_SECONDS)) as client:
        expect(client, b"PING\r\n", b"+PONG\r\n")
    server.stop()


def test_the_store_stays_open(server: Server, store: GatedStore, connect: Connect) -> None:
    expect(connect(), b"SET a 1\r\n", b"+OK\r\n")
    server.stop()
    assert store.get("a") == b"1"
