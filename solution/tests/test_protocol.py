"""The parser and the encoder, with no socket in sight.

One table of cases drives every way to read: whole, byte by byte, cut off at every byte, and with
more behind it.
"""

import itertools
import time
import tracemalloc
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kvstore.errors import ProtocolError
from kvstore.protocol import ErrorReply, Parser, encode

AFTER_BULK = "expected CRLF after a bulk string"
LIMITS = {"max_inline": 20, "max_arguments": 5, "max_bulk": 10}


@dataclass
class Case:
    name: str
    wire: bytes
    commands: list[list[bytes]] = field(default_factory=list)
    error: str | None = None


CASES = [
    Case("inline", b"SET a 1\r\n", [[b"SET", b"a", b"1"]]),
    Case("inline, LF alone", b"PING\n", [[b"PING"]]),
    Case("inline, white space of all kinds", b" \t GET \x0b a \r\n", [[b"GET", b"a"]]),
    Case("inline, several lines", b"GET a\r\nGET b\n", [[b"GET", b"a"], [b"GET", b"b"]]),
    Case("inline, bytes that are no text", b"GET \xff\x00\r\n", [[b"GET", b"\xff\x00"]]),
    Case("inline, CR inside a line is white space", b"GET\ra\r\n", [[b"GET", b"a"]]),
    Case("inline, longest", b"x" * 20 + b"\r\n", [[b"x" * 20]]),
    Case("empty lines", b"\r\n\n   \r\nPING\r\n\r\n", [[b"PING"]]),
    Case("double quotes", b'SET a "b  c"\r\n', [[b"SET", b"a", b"b  c"]]),
    Case("single quotes", b"SET 'a b' c\r\n", [[b"SET", b"a b", b"c"]]),
    Case("empty quotes", b"SET a \"\" ''\r\n", [[b"SET", b"a", b"", b""]]),
    Case("escapes in double quotes", rb'"\x41\n\t\"\\\q"' + b"\n", [[b'A\n\t"\\q']]),
    Case("escapes in single quotes", rb"'\'\n'" + b"\n", [[rb"'\n"]]),
    Case("quotes that begin inside a word", b"SET a\"b c\" d\r\n", [[b"SET", b"ab c", b"d"]]),
    Case("quotes of the other kind", b"\"'\" '\"'\r\n", [[b"'", b'"']]),
    Case("array", b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n", [[b"GET", b"a"]]),
    Case("array, empty argument", b"*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", [[b"ECHO", b""]]),
    Case("array, CRLF inside an argument", b"*1\r\n$4\r\n\r\n\r\n\r\n", [[b"\r\n\r\n"]]),
    Case("array, largest", b"*5\r\n" + b"$10\r\n0123456789\r\n" * 5, [[b"0123456789"] * 5]),
    Case("array, header lines with LF alone", b"*1\n$4\nPING\r\n", [[b"PING"]]),
    Case("array of nothing", b"*0\r\nPING\r\n", [[b"PING"]]),
    Case("null array", b"*-1\r\nPING\r\n", [[b"PING"]]),
    Case("arrays and lines", b"*1\r\n$1\r\na\r\nb\r\n*1\r\n$1\r\nc\r\n", [[b"a"], [b"b"], [b"c"]]),
    Case("line too long", b"x" * 21 + b"\r\n", error="too big inline request"),
    Case("line too long after a command", b"a\n" + b"x" * 99, [[b"a"]], "too big inline request"),
    Case("quotes never closed", b'SET a "b\r\n', error="unbalanced quotes in request"),
    Case("escaped quote closes nothing", rb"'a\' b" + b"\n", error="unbalanced quotes in request"),
    Case("quotes that go on", b"'a'b\r\n", error="unbalanced quotes in request"),
    Case("array header too long", b"*" + b"1" * 20, error="too big mbulk count string"),
    Case("bulk header too long", b"*1\r\n$" + b"1" * 20, error="too big bulk count string"),
    Case("too many arguments", b"*6\r\n", error="invalid multibulk length"),
    Case("count below -1", b"*-2\r\n", error="invalid multibulk length"),
    Case("count missing", b"*\r\n", error="invalid multibulk length"),
    Case("count is no number", b"*one\r\n", error="invalid multibulk length"),
    Case("count with a plus", b"*+1\r\n", error="invalid multibulk length"),
    Case("count with a space", b"* 1\r\n", error="invalid multibulk length"),
    Case("count with a leading zero", b"*01\r\n", error="invalid multibulk length"),
    Case("count with an underscore", b"*1_0\r\n", error="invalid multibulk length"),
    Case("bulk too long", b"*1\r\n$11\r\n", error="invalid bulk length"),
    Case("negative bulk", b"*1\r\n$-1\r\n", error="invalid bulk length"),
    Case("bulk length is no number", b"*1\r\n$x\r\n", error="invalid bulk length"),
    Case("not a bulk", b"*1\r\n:1\r\n", error="expected '$', got ':'"),
    Case("not a bulk, nor printable", b"*1\r\n\xff", error="expected '$', got '\\xff'"),
    Case("not a bulk, in the middle", b"*2\r\n$1\r\na\r\nb", error="expected '$', got 'b'"),
    Case("bulk longer than it said", b"*1\r\n$1\r\nab\r\n", error=AFTER_BULK),
    Case("damage after a command", b"PING\n*x\nPING\n", [[b"PING"]], "invalid multibulk length"),
]  # fmt: skip

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def parse(*pieces: bytes, **limits: int) -> tuple[list[list[bytes]], str | None]:
    """Feed the pieces one after the other; return the commands, and the error that ended them."""
    parser = Parser(**(limits or LIMITS))
    commands = []
    try:
        for piece in pieces:
            parser.feed(piece)
            while (command := parser.next_command()) is not None:
                commands.append(command)
    except ProtocolError as error:
        return commands, str(error)
    return commands, None


def split(data: bytes) -> list[bytes]:
    return [data[n : n + 1] for n in range(len(data))]


@every_case
def test_whole(case: Case) -> None:
    expected = case.error and f"Protocol error: {case.error}"
    assert parse(case.wire) == (case.commands, expected)


@every_case
def test_byte_by_byte(case: Case) -> None:
    assert parse(*split(case.wire)) == parse(case.wire)


@every_case
def test_cut_off_at_every_byte(case: Case) -> None:
    whole = parse(case.wire)
    for size in range(len(case.wire)):
        commands, error = parse(case.wire[:size])
        assert commands == case.commands[: len(commands)]
        assert error in (None, whole[1])
        # What was held back comes out with the rest.
        assert parse(case.wire[:size], case.wire[size:]) == whole


@every_case
def test_with_more_behind_it(case: Case) -> None:
    more = b"*1\r\n$4\r\nMORE\r\n"
    commands, error = parse(case.wire)
    assert parse(case.wire + more) == (commands + ([] if error else [[b"MORE"]]), error)


def test_the_default_limits_are_those_of_the_documentation() -> None:
    assert parse(b"x" * 65_536 + b"\n", max_inline=65_536)[1] is None
    for parser_input, fits in [
        (b"x" * 65_536 + b"\r", True),
        (b"x" * 65_537, False),
        (b"*1048576\r\n", True),
        (b"*1048577\r\n", False),
        (b"*1\r\n$67108864\r\n", True),
        (b"*1\r\n$67108865\r\n", False),
    ]:
        parser = Parser()
        parser.feed(parser_input)
        if fits:
            assert parser.next_command() is None
        else:
            with pytest.raises(ProtocolError):
                parser.next_command()


def test_a_spent_parser_raises_the_same_for_ever() -> None:
    parser = Parser()
    parser.feed(b"PING\r\n*x\r\nPING\r\n")
    assert parser.next_command() == [b"PING"]
    for call in (parser.next_command, parser.next_command, lambda: parser.feed(b"PING\r\n")):
        with pytest.raises(ProtocolError, match=r"^Protocol error: invalid multibulk length$"):
            call()


def test_a_long_number_is_refused_not_converted() -> None:
    wire = b"*" + b"9" * 10_000 + b"\r\n"
    assert parse(wire, max_inline=65_536)[1] == "Protocol error: invalid multibulk length"


def test_an_announcement_allocates_nothing() -> None:
    tracemalloc.start()
    try:
        assert parse(b"*1048576\r\n$67108864\r\n", max_inline=64) == ([], None)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 100_000


def test_a_large_value_in_small_pieces_takes_linear_time() -> None:
    value = bytes(67_108_864)
    wire = b"*1\r\n$67108864\r\n" + value + b"\r\n"
    pieces = (wire[n : n + 4096] for n in range(0, len(wire), 4096))
    started = time.monotonic()
    commands, error = parse(*pieces, max_inline=64)
    assert error is None
    assert commands == [[value]]
    assert time.monotonic() - started < 20  # well under one; copying it for every piece: minutes


def test_a_long_pipeline_takes_linear_time() -> None:
    started = time.monotonic()
    commands, _ = parse(b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n" * 100_000, max_inline=64)
    assert len(commands) == 100_000
    assert time.monotonic() - started < 20  # well under one


# Fragments that nearly make sense reach further into the parser than noise does.
fragments = st.sampled_from(
    [b"*1\r\n", b"*2\r\n", b"*0\r\n", b"*-1\r\n", b"$0\r\n", b"$1\r\n", b"$3\r\n", b"*", b"$"]
) | st.sampled_from(
    [b"PING\n", b"a", b"abc", b"\r\n", b"\n", b"\r", b" ", b'"', b"'", b"\\", b"\\x4", b"9", b"-"]
)
noise = st.lists(fragments | st.binary(max_size=4)).map(b"".join)


@given(noise)
def test_any_input_yields_commands_or_need_more_or_a_protocol_error(data: bytes) -> None:
    commands, _ = parse(data)
    for command in commands:
        assert command
        assert all(type(argument) is bytes for argument in command)


@given(noise, st.lists(st.integers(0, 60)))
def test_how_the_bytes_are_cut_changes_nothing(data: bytes, cuts: list[int]) -> None:
    bounds = [0, *sorted(cuts), len(data)]
    pieces = [data[a:b] for a, b in itertools.pairwise(bounds)]
    assert parse(*pieces) == parse(*split(data)) == parse(data)


@given(st.lists(st.lists(st.binary(max_size=10), min_size=1, max_size=5)))
def test_any_arguments_survive_the_journey(commands: list[list[bytes]]) -> None:
    wire = b"".join(encode(command) for command in commands)
    assert parse(wire) == (commands, None)


@given(st.lists(st.binary(max_size=5), min_size=1, max_size=3))
def test_any_argument_can_be_quoted(words: list[bytes]) -> None:
    quoted = ("".join(f"\\x{byte:02x}" for byte in word) for word in words)
    line = " ".join(f'"{word}"' for word in quoted).encode() + b"\r\n"
    assert parse(line, max_inline=1000) == ([words], None)


ENCODED = [
    ("OK", b"+OK\r\n"),
    ("two\r\nlines", b"+two  lines\r\n"),
    ("é", b"+\xc3\xa9\r\n"),
    (b"", b"$0\r\n\r\n"),
    (b"a\r\nb", b"$4\r\na\r\nb\r\n"),
    (0, b":0\r\n"),
    (-2, b":-2\r\n"),
    (2**63 - 1, b":9223372036854775807\r\n"),
    (None, b"$-1\r\n"),
    ([], b"*0\r\n"),
    ((b"a", None), b"*2\r\n$1\r\na\r\n$-1\r\n"),
    ([1, [2, ["x"]]], b"*2\r\n:1\r\n*2\r\n:2\r\n*1\r\n+x\r\n"),
    (ErrorReply("ERR no"), b"-ERR no\r\n"),
    (ErrorReply("ERR a\nb\udcff"), b"-ERR a b\\udcff\r\n"),
]


@pytest.mark.parametrize(("reply", "wire"), ENCODED, ids=repr)
def test_encode(reply: object, wire: bytes) -> None:
    assert encode(reply) == wire


@pytest.mark.parametrize("reply", [1.5, True, {}, {1}, bytearray(b"x"), object(), [b"a", 2.0]])
def test_encode_refuses_what_resp2_has_no_word_for(reply: object) -> None:
    with pytest.raises(TypeError, match="a reply cannot be a"):
        encode(reply)


def decode(wire: bytes) -> tuple[object, bytes]:
    """An independent reading of RESP2: the first reply, and what follows it."""
    kind, (head, rest) = wire[:1], wire[1:].split(b"\r\n", 1)
    if kind == b"+":
        return head.decode(), rest
    if kind == b"-":
        return ErrorReply(head.decode()), rest
    if kind == b":":
        return int(head), rest
    size = int(head)
    if size == -1:
        return None, rest
    if kind == b"$":
        assert rest[size : size + 2] == b"\r\n"
        return rest[:size], rest[size + 2 :]
    assert kind == b"*"
    items = []
    for _ in range(size):
        item, rest = decode(rest)
        items.append(item)
    return items, rest


lines = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"))
replies = st.recursive(
    st.none() | st.binary() | st.integers(-(2**63), 2**63 - 1) | lines | lines.map(ErrorReply),
    st.lists,
)


@given(replies)
def test_any_reply_survives_the_journey(reply: object) -> None:
    assert decode(encode(reply)) == (reply, b"")
