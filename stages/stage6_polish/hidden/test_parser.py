"""Hidden tests of the parser: every way to cut the bytes, and every kind of damage."""

from grader.testkit import points, random_key, random_value

_EVERY_BYTE = bytes(range(256))


def _array(*words):
    parts = [b"*%d\r\n" % len(words)]
    parts += [b"$%d\r\n%b\r\n" % (len(word), word) for word in words]
    return b"".join(parts)


def _stream(rng):
    """Commands of both kinds: their bytes, and what they say."""
    key, value = random_key(rng, 4).encode(), b"\r\n" + random_value(rng, 6)
    data = b"GET  %b\r\n" % key + _array(b"SET", key, value) + b"\n*0\r\n" + _array(b"", b"x")
    return data + b"PING\n", [[b"GET", key], [b"SET", key, value], [b"", b"x"], [b"PING"]]


def _calls(parser, *pieces):
    """Feed each piece, and ask for more commands than can be there."""
    calls = []
    for piece in pieces:
        calls.append((parser.feed, (piece,)))
        calls += [(parser.next_command, ())] * min(len(piece) + 1, 6)
    return calls


def _commands(kv, parser, *pieces):
    """All the commands that the pieces hold."""
    text = f"feed {len(pieces)} pieces and take the commands out"
    replies = kv.call_many(_calls(parser, *pieces), text)
    return [reply for reply in replies if reply is not None]


def _is_damage(kv, data, **limits):
    """Whether these bytes, alone, are a ProtocolError."""
    parser = kv.Parser(**limits)
    caught = kv.raises("ProtocolError")
    try:
        with caught:
            parser.feed(data)
            parser.next_command()
    except AssertionError:
        return False
    return True


# Whole commands.


@points(1, suite="protocol", hint="inline")
def test_lines_as_people_type_them(kv):
    """Blanks and tabs may come in runs and around the words; LF ends a line as CRLF does."""
    lines = b"  GET \t  a  \r\nGET b\n\n \nGET c\n"
    assert _commands(kv, kv.Parser(), lines) == [[b"GET", b"a"], [b"GET", b"b"], [b"GET", b"c"]]


@points(2, suite="protocol", hint="resp-array")
def test_an_argument_may_hold_any_bytes(kv):
    """NUL, CR, LF, `$` and `*` inside an argument are bytes like all others."""
    tricky = [b"SET", b"\r\n$1\r\n", _EVERY_BYTE, b"*2\r\n", b"\x00"]
    assert _commands(kv, kv.Parser(), _array(*tricky) + b"PING\r\n") == [tricky, [b"PING"]]


@points(1, suite="protocol", hint="resp-array")
def test_an_empty_argument_and_an_empty_array(kv):
    """`$0` is an argument of no bytes; `*0` and `*-1` are no commands and are passed over."""
    words = [b"SET", b"a", b""]
    data = b"*0\r\n" + _array(*words) + b"*-1\r\n" + _array(b"PING")
    assert _commands(kv, kv.Parser(), data) == [words, [b"PING"]]


# Cut anywhere.


@points(2, suite="protocol", hint="need-more")
def test_a_stream_byte_by_byte(kv, rng):
    """Commands that arrive one byte at a time come out as if they had come at once."""
    data, expected = _stream(rng)
    pieces = [data[i : i + 1] for i in range(len(data))]
    assert _commands(kv, kv.Parser(), *pieces) == expected


@points(2, suite="protocol", hint="need-more")
def test_a_stream_cut_at_every_byte(kv, rng):
    """Wherever the bytes are cut in two, the same commands come out."""
    data, expected = _stream(rng)
    for cut in range(1, len(data)):
        commands = _commands(kv, kv.Parser(), data[:cut], data[cut:])
        assert (cut, commands) == (cut, expected)


# Damage.


@points(2, suite="protocol", hint="damage")
def test_commands_before_the_damage_come_out_first(kv):
    """Damage takes nothing away from the commands that were complete before it."""
    parser = kv.Parser()
    parser.feed(b"PING\r\n" + _array(b"GET", b"a") + b"*abc\r\n")
    assert parser.next_command() == [b"PING"]
    assert parser.next_command() == [b"GET", b"a"]
    with kv.raises("ProtocolError"):
        parser.next_command()


@points(2, suite="protocol", hint="damage")
def test_a_spent_parser_stays_spent(kv):
    """After damage every call raises the same ProtocolError, whatever is fed."""
    parser = kv.Parser()
    with kv.raises("ProtocolError") as first:
        parser.feed(b"*abc\r\n")
        parser.next_command()
    with kv.raises("ProtocolError") as second:
        parser.feed(b"PING\r\n")
    with kv.raises("ProtocolError") as third:
        parser.next_command()
    assert [second.message, third.message] == [first.message, first.message]


@points(1, suite="protocol", hint="damage")
def test_an_array_holds_nothing_but_bulk_strings(kv):
    """An argument begins with `$` and ends with CRLF where its length says, or it is damage."""
    starts = [b"*1\r\n:4\r\n", b"*1\r\n+PING\r\n", b"*1\r\nPING\r\n", b"*1\r\n*1\r\n"]
    starts += [b"*1\r\n$4\r\nPINGPONG\r\n", b"*2\r\n$3\r\nGET\r$1\r\na\r\n"]
    assert [start for start in starts if not _is_damage(kv, start)] == []


@points(2, suite="protocol", hint="damage")
def test_counts_and_lengths_are_digits_and_nothing_else(kv):
    """A count or a length with a blank, a plus sign, an underscore or no digit at all is damage."""
    counts = [b"", b"abc", b"1x", b"+1", b" 1", b"1 ", b"1_0", b"1.0", b"-", b"0x1"]
    assert [count for count in counts if not _is_damage(kv, b"*%b\r\n" % count)] == []
    lengths = [*counts, b"-5", b"-1"]
    assert [n for n in lengths if not _is_damage(kv, b"*1\r\n$%b\r\n" % n)] == []


# Limits.


@points(2, suite="protocol", hint="resp-limits")
def test_what_is_too_much_is_refused_when_it_is_announced(kv):
    """A length over max_bulk or a count over max_arguments is damage before its bytes arrive."""
    limits = {"max_bulk": 10, "max_arguments": 3}
    assert _is_damage(kv, b"*1\r\n$11\r\n", **limits) is True
    assert _is_damage(kv, b"*4\r\n", **limits) is True
    words = [b"1234567890", b"0987654321", b""]
    assert _commands(kv, kv.Parser(**limits), _array(*words)) == [words]


@points(2, suite="protocol", hint="resp-limits")
def test_a_line_that_never_ends_is_refused(kv):
    """An inline command that is longer than max_inline is damage, even without its line's end."""
    assert _is_damage(kv, b"x" * 21, max_inline=20) is True
    parser = kv.Parser(max_inline=20)
    with kv.raises("ProtocolError"):
        for _ in range(5):
            parser.feed(b"x" * 5)
            parser.next_command()


@points(1, suite="protocol", hint="resp-limits")
def test_max_inline_measures_the_words_of_a_line(kv):
    """max_inline counts neither a line's end, however it arrives, nor the bytes of an argument."""
    word, words = b"x" * 20, [b"SET", b"a", b"x" * 100]
    assert _commands(kv, kv.Parser(max_inline=20), _array(*words)) == [words]
    assert _commands(kv, kv.Parser(max_inline=20), word + b"\r\n") == [[word]]
    assert _commands(kv, kv.Parser(max_inline=20), word, b"\r", b"\n") == [[word]]


@points(1, suite="protocol", hint="resp-limits")
def test_the_limits_that_a_parser_has_by_itself(kv):
    """Without being told, a parser takes 64 KiB lines, 1,048,576 arguments, and 64 MiB each."""
    refused = [b"*1048577\r\n", b"*99999999999\r\n", b"*1\r\n$67108865\r\n", b"x" * 65_537]
    assert [data[:20] for data in refused if not _is_damage(kv, data)] == []
    awaited = [b"*1048576\r\n", b"*1\r\n$67108864\r\n", b"x" * 65_536]
    assert [data[:20] for data in awaited if _is_damage(kv, data)] == []
