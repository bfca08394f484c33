"""Hidden tests of encode: every reply is read back by the client as what it was."""

from grader.testkit import points


@points(1, suite="protocol", hint="encode")
def test_arrays_lie_in_arrays(kv):
    """Lists and tuples are arrays, also inside of each other, and also empty ones."""
    encode = kv.protocol.encode
    assert encode([[1, [b"a"]], (), (2, "x")]) == (
        b"*3\r\n*2\r\n:1\r\n*1\r\n$1\r\na\r\n*0\r\n*2\r\n:2\r\n+x\r\n"
    )
    inside = kv.ErrorReply("ERR x")
    assert encode([inside, None]) == b"*2\r\n-ERR x\r\n$-1\r\n"


@points(1, suite="protocol", hint="encode")
def test_nothing_empty_and_zero_are_three_things(kv):
    """The null bulk string, the empty one, the empty array and zero differ on the wire."""
    replies = [kv.protocol.encode(reply) for reply in (None, b"", [], 0, -1, -(2**63))]
    assert replies == [
        b"$-1\r\n",
        b"$0\r\n\r\n",
        b"*0\r\n",
        b":0\r\n",
        b":-1\r\n",
        b":-9223372036854775808\r\n",
    ]


@points(2, suite="protocol", hint="encode")
def test_a_line_stays_one_line(kv):
    """CR and LF in a simple string or an error become spaces: no reply can be forged in them."""
    encode = kv.protocol.encode
    assert encode("a\r\n+b\nc\rd") == b"+a  +b c d\r\n"
    assert encode(kv.ErrorReply("ERR a\r\n+OK\nb\rc")) == b"-ERR a  +OK b c\r\n"


@points(1, suite="protocol", hint="encode")
def test_text_goes_out_in_utf8_and_bytes_as_they_are(kv):
    """A simple string and an error may hold any letters, and a bulk string any bytes."""
    encode = kv.protocol.encode
    assert encode("grün") == b"+gr\xc3\xbcn\r\n"
    assert encode(kv.ErrorReply("ERR €")) == b"-ERR \xe2\x82\xac\r\n"
    value = bytes(range(256)) + b"\r\n"
    assert encode(value) == b"$258\r\n" + value + b"\r\n"


@points(1, suite="protocol", hint="encode")
def test_what_resp_cannot_say_is_a_type_error(kv):
    """A float or a dict is no reply: TypeError, also for one deep inside an array."""
    for reply in (1.5, {"a": 1}, [b"a", [2.5]]):
        with kv.raises("TypeError"):
            kv.protocol.encode(reply)
