"""Visible tests of protocol.py: bytes in, commands out; replies in, bytes out."""

from grader.testkit import points

# The parser.


@points(1, suite="protocol", hint="inline")
def test_a_line_of_words_is_a_command(kv):
    """An inline command is one line: its words, as bytes, without the line's end."""
    parser = kv.Parser()
    parser.feed(b"SET colour green\r\n")
    assert parser.next_command() == [b"SET", b"colour", b"green"]


@points(1, suite="protocol", hint="inline")
def test_an_empty_line_is_no_command(kv):
    """An empty line is passed over, and the command after it comes out."""
    parser = kv.Parser()
    parser.feed(b"\r\n\r\nPING\r\n")
    assert parser.next_command() == [b"PING"]
    assert parser.next_command() is None


@points(1, suite="protocol", hint="resp-array")
def test_an_array_of_bulk_strings_is_a_command(kv):
    """A RESP array says how many arguments follow, and each argument how many bytes it has."""
    parser = kv.Parser()
    parser.feed(b"*3\r\n$3\r\nSET\r\n$6\r\ncolour\r\n$5\r\ngreen\r\n")
    assert parser.next_command() == [b"SET", b"colour", b"green"]


@points(1, suite="protocol", hint="need-more")
def test_half_a_command_waits_for_the_rest(kv):
    """The parser answers None until the command is complete, and keeps what it has."""
    parser = kv.Parser()
    parser.feed(b"*2\r\n$3\r\nGET\r\n$6\r\ncol")
    assert parser.next_command() is None
    parser.feed(b"our\r\n")
    assert parser.next_command() == [b"GET", b"colour"]


@points(1, suite="protocol", hint="need-more")
def test_two_commands_in_one_feed_come_out_in_order(kv):
    """Commands that arrive together come out one by one, and then None."""
    parser = kv.Parser()
    parser.feed(b"PING\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n")
    assert parser.next_command() == [b"PING"]
    assert parser.next_command() == [b"GET", b"a"]
    assert parser.next_command() is None


@points(1, suite="protocol", hint="damage")
def test_a_length_that_is_no_number_is_damage(kv):
    """`*abc` announces nothing that could be read: a ProtocolError."""
    parser = kv.Parser()
    with kv.raises("ProtocolError"):
        parser.feed(b"*abc\r\n")
        parser.next_command()


# Replies.


@points(1, suite="protocol", hint="encode")
def test_text_bytes_and_numbers_have_their_own_marks(kv):
    """A str is a simple string, bytes a bulk string, an int an integer, None the null bulk."""
    encode = kv.protocol.encode
    assert encode("OK") == b"+OK\r\n"
    assert encode(b"green") == b"$5\r\ngreen\r\n"
    assert encode(42) == b":42\r\n"
    assert encode(None) == b"$-1\r\n"


@points(1, suite="protocol", hint="encode")
def test_a_list_is_an_array_of_replies(kv):
    """An array says how many replies follow, and each of them is encoded by itself."""
    assert kv.protocol.encode([b"a", 1, None]) == b"*3\r\n$1\r\na\r\n:1\r\n$-1\r\n"


@points(1, suite="protocol", hint="encode")
def test_an_error_reply_begins_with_a_minus(kv):
    """An ErrorReply is one line: a minus and its message."""
    error = kv.ErrorReply("ERR unknown command 'NOPE'")
    assert kv.protocol.encode(error) == b"-ERR unknown command 'NOPE'\r\n"
