"""The commands, on a store in memory with a clock that stands still until told otherwise."""

import pytest
from kvstore.commands import Dispatcher
from kvstore.errors import StoreClosedError
from kvstore.memory import MemoryStore
from kvstore.protocol import ErrorReply, Parser

NOT_AN_INTEGER = ErrorReply("ERR value is not an integer or out of range")
INT64_MAX, INT64_MIN = 2**63 - 1, -(2**63)


class Clock:
    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> MemoryStore:
    return MemoryStore(clock=clock)


@pytest.fixture
def dispatcher(store: MemoryStore) -> Dispatcher:
    return Dispatcher(store)


def words(line: str) -> list[bytes]:
    parser = Parser()
    parser.feed(line.encode() + b"\n")
    command = parser.next_command()
    assert command is not None
    return command


CONVERSATIONS = {
    "strings": [
        ("SET a 1", "OK"),
        ("GET a", b"1"),
        ("GET b", None),
        ("SETNX a 2", 0),
        ("SETNX b 2", 1),
        ("GET b", b"2"),
        ('SET empty ""', "OK"),
        ("GET empty", b""),
    ],
    "any case": [("set A 1", "OK"), ("gEt A", b"1"), ("GET a", None)],
    "keys": [
        ("SET a 1", "OK"),
        ("SET b 2", "OK"),
        ("EXISTS a b c a", 3),
        ("KEYS a*", [b"a"]),
        ("KEYS z*", []),
        ("DBSIZE", 2),
        ("DEL a a c", 1),
        ("DBSIZE", 1),
        ('SET "\\xc3\\xa9" 1', "OK"),
        ("KEYS [^b]", ["é".encode()]),
    ],
    "integers": [
        ("INCR n", 1),
        ("INCRBY n 41", 42),
        ("DECR n", 41),
        ("DECRBY n 1", 40),
        ("DECRBY n -2", 42),
        ("GET n", b"42"),
        (f"INCRBY big {INT64_MAX}", INT64_MAX),
        ("INCR big", NOT_AN_INTEGER),
        (f"INCRBY small {INT64_MIN}", INT64_MIN),
        ("DECR small", NOT_AN_INTEGER),
        (f"DECRBY small {INT64_MIN}", ErrorReply("ERR decrement would overflow")),
        ("GET small", str(INT64_MIN).encode()),
        ("SET t text", "OK"),
        ("INCR t", NOT_AN_INTEGER),
    ],
    "deadlines": [
        ("TTL a", -2),
        ("EXPIRE a 10", 0),
        ("SET a 1", "OK"),
        ("TTL a", -1),
        ("PERSIST a", 0),
        ("EXPIRE a 10", 1),
        ("TTL a", 10),
        ("PERSIST a", 1),
        ("TTL a", -1),
        ("EXPIRE a 0", 1),
        ("EXISTS a", 0),
        ("SET a 1", "OK"),
        ("EXPIRE a -1", 1),
        ("EXISTS a", 0),
    ],
    "expiry that no clock can hold": [
        ("SET a 1", "OK"),
        (f"EXPIRE a {INT64_MAX}", ErrorReply("ERR invalid expire time in 'expire' command")),
        ("EXPIRE a 1.5", NOT_AN_INTEGER),
        ("EXPIRE a soon", NOT_AN_INTEGER),
        ("TTL a", -1),
    ],
    "the connection": [
        ("PING", "PONG"),
        ("PING hello", b"hello"),
        ("ECHO hello", b"hello"),
        ("SELECT 0", "OK"),
        ("SELECT 1", ErrorReply("ERR DB index is out of range")),
        ("SELECT x", NOT_AN_INTEGER),
        ("CLIENT SETINFO LIB-NAME mine", "OK"),
        ("CLIENT GETNAME", None),
        ("CLIENT SETNAME me", "OK"),
        ("client getname", b"me"),
        ("CLIENT SETNAME ''", "OK"),
        ("CLIENT GETNAME", None),
        ("COMMAND", []),
        ("COMMAND DOCS get nope", [b"get", [b"summary", b"Return the value of a key, or nil."]]),
        ("HELLO 3", ErrorReply("NOPROTO unsupported protocol version")),
        ("INFO", b"# Keyspace\r\ndb0:keys=0\r\n"),
        ("QUIT", "OK"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("conversation", CONVERSATIONS.values(), ids=CONVERSATIONS)
def test_conversation(dispatcher: Dispatcher, conversation: list[tuple[str, object]]) -> None:
    for line, reply in conversation:
        answer = dispatcher.execute(words(line))
        assert answer == reply, line
        assert type(answer) is type(reply), line


ARITIES = {
    "PING": (0, 1), "ECHO": (1, 1), "SET": (2, 2), "GET": (1, 1), "DEL": (1, None),
    "EXISTS": (1, None), "KEYS": (1, 1), "EXPIRE": (2, 2), "TTL": (1, 1), "PERSIST": (1, 1),
    "INCR": (1, 1), "INCRBY": (2, 2), "DECR": (1, 1), "DECRBY": (2, 2), "SETNX": (2, 2),
    "DBSIZE": (0, 0), "SELECT": (1, 1),
}  # fmt: skip


@pytest.mark.parametrize("name", ARITIES)
def test_arity(dispatcher: Dispatcher, name: str) -> None:
    least, most = ARITIES[name]
    wrong = ErrorReply(f"ERR wrong number of arguments for '{name.lower()}' command")
    for count in range(6):
        reply = dispatcher.execute([name.encode(), *[b"0"] * count])
        assert (reply == wrong) == (count < least or (most is not None and count > most)), count


def test_ttl_is_the_nearest_second_half_up(dispatcher: Dispatcher, clock: Clock) -> None:
    dispatcher.execute(words("SET a 1"))
    dispatcher.execute(words("EXPIRE a 10"))
    for passed, ttl in [(0.25, 10), (0.25, 10), (0.25, 9), (0.75, 9), (8.25, 0), (0.25, -2)]:
        clock.now += passed
        assert dispatcher.execute(words("TTL a")) == ttl


@pytest.mark.parametrize(
    "number",
    ["+1", "01", "-0", "", " 1", "1 ", "1_0", "\u0663", "1.0", "0x1", str(2**63), "9" * 5000],
)
def test_what_is_no_integer(dispatcher: Dispatcher, number: str) -> None:
    assert dispatcher.execute([b"INCRBY", b"n", number.encode()]) == NOT_AN_INTEGER


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"NOPE", "NOPE"),
        (b"nope", "nope"),
        (b"", ""),
        (b"\xff", "\\xff"),
        (b"x" * 1000, "x" * 128),
        ("p\u0131ng".encode(), "p\u0131ng"),  # PING is its upper case, as far as `str` can tell
    ],
)  # fmt: skip
def test_unknown_command(dispatcher: Dispatcher, name: bytes, shown: str) -> None:
    reply = ErrorReply(f"ERR unknown command '{shown}'")
    assert dispatcher.execute([name, b"argument"]) == reply


def test_no_words_at_all(dispatcher: Dispatcher) -> None:
    assert dispatcher.execute([]) == ErrorReply("ERR unknown command ''")


@pytest.mark.parametrize(
    "command", [[b"GET"], [b"SET", b"1"], [b"DEL"], [b"INCR"], [b"TTL"], [b"EXPIRE", b"1"]]
)
def test_a_key_that_is_not_text(dispatcher: Dispatcher, command: list[bytes]) -> None:
    name, *rest = command
    reply = dispatcher.execute([name, b"ab\xff", *rest])
    assert reply == ErrorReply("ERR invalid key: not UTF-8 at byte 2")


def test_a_pattern_that_is_not_text(dispatcher: Dispatcher) -> None:
    reply = dispatcher.execute([b"KEYS", b"\xff*"])
    assert reply == ErrorReply("ERR invalid pattern: not UTF-8 at byte 0")


@pytest.mark.parametrize("bad", [b"", b"x" * 65_537, b"\xff"])
def test_del_with_a_bad_key_deletes_nothing(dispatcher: Dispatcher, bad: bytes) -> None:
    dispatcher.execute(words("SET a 1"))
    reply = dispatcher.execute([b"DEL", b"a", bad])
    assert isinstance(reply, ErrorReply)
    assert reply.message.startswith("ERR ")
    assert dispatcher.execute(words("EXISTS a")) == 1


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (StoreClosedError("the store is closed"), "ERR the store is closed"),
        (OSError(28, "Disk full"), "ERR internal error: [Errno 28] Disk full"),
        (KeyError(), "ERR internal error: KeyError"),
    ],
)  # fmt: skip
def test_a_failing_store(error: Exception, message: str) -> None:
    class FailingStore(MemoryStore):
        def get(self, key: str) -> bytes | None:
            raise error

    assert Dispatcher(FailingStore()).execute([b"GET", b"a"]) == ErrorReply(message)


def test_clients_are_told_apart(store: MemoryStore) -> None:
    one, other = Dispatcher(store), Dispatcher(store)
    assert one.execute(words("CLIENT ID")) != other.execute(words("CLIENT ID"))
    one.execute(words("CLIENT SETNAME me"))
    assert other.execute(words("CLIENT GETNAME")) is None


@pytest.mark.parametrize("line", ["CLIENT KILL", "CLIENT ID x", "CLIENT SETNAME", "CLIENT"])
def test_what_client_does_not_know(dispatcher: Dispatcher, line: str) -> None:
    assert isinstance(dispatcher.execute(words(line)), ErrorReply)


@pytest.mark.parametrize("line", ["HELLO", "HELLO 2", "HELLO 2 SETNAME me"])
def test_hello_describes_the_server(dispatcher: Dispatcher, line: str) -> None:
    reply = dispatcher.execute(words(line))
    assert isinstance(reply, list)
    about = dict(zip(reply[::2], reply[1::2], strict=True))
    assert about[b"server"] == b"kvstore"
    assert about[b"proto"] == 2


def test_every_command_is_documented(dispatcher: Dispatcher) -> None:
    docs = dispatcher.execute(words("COMMAND DOCS"))
    assert isinstance(docs, list)
    assert len(docs) == 2 * dispatcher.execute(words("COMMAND COUNT"))
    assert {name.decode() for name in docs[::2]} >= {name.lower() for name in ARITIES}
