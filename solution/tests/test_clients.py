"""Clients that others wrote: redis-py, redis-cli, nc. And a real Redis, asked the same things."""

import contextlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from kvstore.memory import MemoryStore
from kvstore.protocol import encode
from kvstore.server import Server

PATIENCE_SECONDS = 20.0


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(MemoryStore()) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[redis.Redis]:
    host, port = server.address
    with redis.Redis(host, port, protocol=2, socket_timeout=PATIENCE_SECONDS) as client:
        yield client


def test_redis_py(client: redis.Redis) -> None:
    assert client.ping()
    assert client.echo("hello") == b"hello"
    assert client.set("a", b"\x00\r\n\xff")
    assert client.get("a") == b"\x00\r\n\xff"
    assert client.get("b") is None
    assert client.exists("a", "b", "a") == 2
    assert client.keys("*") == [b"a"]
    assert client.expire("a", 100)
    assert client.ttl("a") == 100
    assert client.persist("a")
    assert client.ttl("a") == -1
    assert client.setnx("a", "x") is False
    assert client.incr("n") == 1
    assert client.incrby("n", 9) == 10
    assert client.decr("n", 3) == 7
    assert client.dbsize() == 2
    assert client.delete("a", "b") == 1
    with pytest.raises(redis.ResponseError, match="unknown command 'LPUSH'"):
        client.lpush("list", 1)


def test_redis_py_pipeline(client: redis.Redis) -> None:
    with client.pipeline(transaction=False) as pipeline:
        for number in range(1000):
            pipeline.set(f"key:{number}", number)
            pipeline.get(f"key:{number}")
        replies = pipeline.execute()
    assert replies[::2] == [True] * 1000
    assert replies[1::2] == [b"%d" % number for number in range(1000)]


def test_redis_py_introduces_itself(server: Server) -> None:
    host, port = server.address
    with redis.Redis(host, port, db=0, protocol=2, client_name="me") as client:
        assert client.client_getname() in ("me", b"me")
        assert client.client_id() > 0
        assert client.info()["db0"] == {"keys": 0}
        assert client.command_count() > 0


def run(program: str, *arguments: str, text: str = "") -> str:
    done = subprocess.run(
        [program, *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout


@needs("redis-cli")
def test_redis_cli(server: Server) -> None:
    port = str(server.address[1])
    commands = 'SET a "two words"\nGET a\nEXPIRE a 100\nTTL a\nDEL a\nGET a\nNOPE\nKEYS *\n'
    replies = 'OK\n"two words"\n(integer) 1\n(integer) 100\n(integer) 1\n(nil)\n'
    replies += "(error) ERR unknown command 'NOPE'\n(empty array)\n"
    said = run("redis-cli", "--no-raw", "-p", port, text=commands)
    assert said.replace("\n\n", "\n") == replies  # some versions leave a blank line after an error


@needs("redis-cli")
def test_redis_cli_loads_many_keys_through_a_pipe(server: Server) -> None:
    port = str(server.address[1])
    commands = "".join(f"SET key:{number} {number}\r\n" for number in range(5000))
    assert "errors: 0, replies: 5000" in run("redis-cli", "-p", port, "--pipe", text=commands)
    assert run("redis-cli", "-p", port, "DBSIZE") == "5000\n"


@needs("nc")
def test_nc(server: Server) -> None:
    host, port = server.address
    text = "SET a 1\nINCR a\nQUIT\n"
    assert run("nc", host, str(port), text=text) == "+OK\n:2\n+OK\n"


COURSE = r"""
PING
ping hello
PING a b
ECHO hello
SET a 1
get a
GET missing
SET empty ""
GET empty
SET quoted "two words \x00\xff\t\"\\"
GET quoted
SET single 'it\'s "so"'
GET single
SETNX a 2
SETNX new 2
EXISTS a missing a new
DEL new missing new
TTL a
TTL missing
EXPIRE a 100
TTL a
PERSIST a
PERSIST a
PERSIST missing
TTL a
EXPIRE missing 100
EXPIRE a 0
EXISTS a
SET a 1
EXPIRE a -5
EXISTS a
EXPIRE quoted 1.5
EXPIRE quoted soon
EXPIRE quoted 9223372036854775807
EXPIRE quoted 9223372036854775808
INCR n
INCRBY n 41
DECR n
DECRBY n 10
INCRBY n -1
INCRBY n +1
INCRBY n 01
INCRBY n -0
INCRBY n " 1"
INCRBY n 9223372036854775808
DECRBY n -9223372036854775808
GET n
EXPIRE n 100
INCR n
TTL n
SET n 1
TTL n
INCR quoted
INCR empty
SET zero 007
INCR zero
DBSIZE
KEYS n
KEYS n?
KEYS [m-o]
KEYS [^n]
KEYS q*d
KEYS z[*
SELECT 0
SELECT 99
SELECT x
CLIENT GETNAME
CLIENT SETNAME me
CLIENT GETNAME
HELLO 4
ECHO
GET
GET a b
SET a
DEL
EXISTS
KEYS
EXPIRE a
TTL
PERSIST
INCR
INCRBY a
DECR
DECRBY a
SETNX a
DBSIZE a
QUIT
""".strip().splitlines()

DAMAGED = [
    b"*x\r\n",
    b"*9999999999\r\n",
    b"*1\r\n$x\r\n",
    b"*1\r\n$-1\r\n",
    b"*1\r\nPING\r\n",
    b"*1\r\n$4\r\nPING\r\n*01\r\n",
    b"*0\r\n*-1\r\n\r\n*x\r\n",
    b'GET "a\r\n',
    b"GET 'a'b\r\n",
    b"x" * 65_537,  # and no more: input that a server leaves unread may cost us its last words
    b"*" + b"1" * 65_536,
]

Connect = Callable[[], socket.socket]


@pytest.fixture
def connect(server: Server) -> Connect:
    return lambda: socket.create_connection(server.address, PATIENCE_SECONDS)


@pytest.fixture
def connect_redis(tmp_path: Path) -> Iterator[Connect]:
    """A real Redis on a socket in a folder: no port to collide with anybody's."""
    path = tmp_path / "redis.sock"

    def connect() -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PATIENCE_SECONDS)
        try:
            connection.connect(str(path))
        except OSError:
            connection.close()
            raise
        return connection

    command = ["redis-server", "--port", "0", "--unixsocket", str(path), "--save", ""]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
        try:
            wait_until_it_listens(connect)
            yield connect
        finally:
            process.kill()


def wait_until_it_listens(connect: Connect) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            connect().close()
        except OSError:
            assert time.monotonic() < deadline, "redis-server did not start"
            time.sleep(0.01)
        else:
            return


def converse(connect: Connect, request: bytes) -> bytes:
    """Send everything at once, and return all that comes until the server closes."""
    received = b""
    with connect() as connection, contextlib.suppress(ConnectionError):
        connection.sendall(request)
        while data := connection.recv(65_536):
            received += data
    return received


@needs("redis-server")
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no Unix sockets")
def test_the_course_reads_as_on_a_real_redis(connect: Connect, connect_redis: Connect) -> None:
    request = "\r\n".join([*COURSE, ""]).encode()
    ours = converse(connect, request)
    assert ours.split(b"\r\n") == converse(connect_redis, request).split(b"\r\n")


@needs("redis-server")
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no Unix sockets")
def test_damage_reads_as_on_a_real_redis(connect: Connect, connect_redis: Connect) -> None:
    for wire in DAMAGED:
        ours = converse(connect, wire)
        assert ours.endswith(b"\r\n")
        assert ours == converse(connect_redis, wire), wire[:40]


@needs("redis-server")
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no Unix sockets")
def test_odd_bytes_read_as_on_a_real_redis(connect: Connect, connect_redis: Connect) -> None:
    odd = bytes(range(256)) * 3
    commands = [[b"SET", b"a", odd], [b"GET", b"a"], [b"ECHO", b""], [b"eChO", odd], [b"QUIT"]]
    request = b"".join(map(encode, commands))
    assert converse(connect, request) == converse(connect_redis, request)
