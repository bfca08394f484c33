"""Hidden tests of the dispatcher: every command, and every way to get it wrong."""

from grader.testkit import points

_NOT_AN_INTEGER = "ERR value is not an integer or out of range"


def _run(kv, dispatcher, *lines):
    """Execute commands, each written as one line of words; their replies."""
    calls = [(dispatcher.execute, (line.split(),)) for line in lines]
    return kv.call_many(calls, f"execute {b'; '.join(lines).decode('utf-8', 'replace')}")


def _message(reply):
    """The text of an error reply."""
    plain = isinstance(reply, str | bytes | int | list | None)
    assert not plain, f"expected an ErrorReply, got {reply!r}"
    return reply.message


def _is_error(reply):
    """Whether a reply is an error reply."""
    return not isinstance(reply, str | bytes | int | list | None)


# What commands answer.


@points(2, suite="protocol", hint="dispatch")
def test_each_command_has_its_kind_of_reply(kv):
    """OK, a value, a count, or 1 and 0 for yes and no, in whatever case the name is written."""
    conversation = [
        (b"Echo hello", b"$5\r\nhello\r\n"),
        (b"setnx a 1", b":1\r\n"),
        (b"SetNX a 2", b":0\r\n"),
        (b"sEt B 2", b"+OK\r\n"),
        (b"gEt a", b"$1\r\n1\r\n"),
        (b"incr a", b":2\r\n"),
        (b"IncrBy a 40", b":42\r\n"),
        (b"decr a", b":41\r\n"),
        (b"DecrBy a 50", b":-9\r\n"),
        (b"INCRBY a -1", b":-10\r\n"),
        (b"tTl a", b":-1\r\n"),
        (b"persist a", b":0\r\n"),
        (b"Expire a 100", b":1\r\n"),
        (b"PERSIST a", b":1\r\n"),
        (b"exists a", b":1\r\n"),
        (b"DbSize", b":2\r\n"),
        (b"del a", b":1\r\n"),
        (b"Exists a", b":0\r\n"),
        (b"DEL a b", b":0\r\n"),
        (b"keys *", b"*1\r\n$1\r\nB\r\n"),
        (b"gEt a", b"$-1\r\n"),
    ]
    dispatcher = kv.Dispatcher(kv.MemoryStore())
    lines = [line for line, _ in conversation]
    replies = _run(kv, dispatcher, *lines)
    wire = kv.call_many([(kv.protocol.encode, (reply,)) for reply in replies], "encode them")
    assert list(zip(lines, wire, strict=True)) == conversation


@points(1, suite="protocol", hint="dispatch")
def test_a_key_named_twice(kv):
    """EXISTS counts a key as often as it is named; DEL deletes it once."""
    dispatcher = kv.Dispatcher(kv.MemoryStore())
    replies = _run(kv, dispatcher, b"SET a 1", b"SET b 2", b"EXISTS a a no b", b"DEL a a no b")
    assert replies == ["OK", "OK", 3, 2]


@points(1, suite="protocol", hint="dispatch")
def test_values_and_messages_are_any_bytes(kv):
    """What SET stores and what ECHO and PING repeat may be any bytes at all."""
    anything = bytes(range(256)) + b"\r\n "
    dispatcher = kv.Dispatcher(kv.MemoryStore())
    dispatcher.execute([b"SET", b"a", anything])
    asked = ([b"GET", b"a"], [b"ECHO", anything], [b"PING", anything])
    assert [dispatcher.execute(args) for args in asked] == [anything] * 3


@points(1, suite="correctness", hint="dispatch")
def test_keys_filters_by_a_glob(kv):
    """KEYS answers the keys that match its pattern, as bytes."""
    dispatcher = kv.Dispatcher(kv.MemoryStore())
    _run(kv, dispatcher, *(b"SET %b 1" % key for key in (b"cat", b"cut", b"coat", b"dog")))
    replies = _run(kv, dispatcher, b"KEYS c?t", b"KEYS c*", b"KEYS [cd]o*", b"KEYS c[^a]t")
    assert [sorted(keys) for keys in replies] == [
        [b"cat", b"cut"],
        [b"cat", b"coat", b"cut"],
        [b"coat", b"dog"],
        [b"cut"],
    ]


# Deadlines.


@points(1, suite="correctness", hint="whole-numbers")
def test_ttl_rounds_to_the_nearest_second(kv, clock):
    """7.6 seconds left are 8, and 7.4 are 7; with 0.4 left the key still lives."""
    dispatcher = kv.Dispatcher(kv.MemoryStore(clock=clock))
    _run(kv, dispatcher, b"SET a 1", b"EXPIRE a 10")
    clock.advance(2.4)
    assert dispatcher.execute([b"TTL", b"a"]) == 8
    clock.advance(0.2)
    assert dispatcher.execute([b"TTL", b"a"]) == 7
    clock.advance(7.0)
    assert _run(kv, dispatcher, b"TTL a", b"GET a") == [0, b"1"]


@points(1, suite="correctness", hint="whole-numbers")
def test_keys_whose_time_is_over(kv, clock):
    """EXPIRE of no time removes the key and answers 1, or 0 if there is none; then TTL says -2."""
    dispatcher = kv.Dispatcher(kv.MemoryStore(clock=clock))
    _run(kv, dispatcher, b"SET a 1", b"SET b 1", b"SET c 1", b"SET d 1")
    lines = [b"EXPIRE a -1", b"EXPIRE b 0", b"EXPIRE c 5", b"EXPIRE no 5"]
    assert _run(kv, dispatcher, *lines) == [1, 1, 1, 0]
    clock.advance(5)
    asked = [b"TTL a", b"TTL b", b"TTL c", b"TTL no", b"TTL d", b"EXISTS a b c", b"DBSIZE"]
    assert _run(kv, dispatcher, *asked) == [-2, -2, -2, -2, -1, 0, 1]


@points(1, suite="protocol", hint="whole-numbers")
def test_expire_wants_a_whole_number_in_range(kv, clock):
    """Seconds that are no integer and seconds that no clock can reach have an error each."""
    dispatcher = kv.Dispatcher(kv.MemoryStore(clock=clock))
    lines = [b"EXPIRE a soon", b"EXPIRE a 1.5", b"EXPIRE a 9223372036854775807", b"TTL a"]
    _, *errors, left = _run(kv, dispatcher, b"SET a 1", *lines)
    invalid = "ERR invalid expire time in 'expire' command"
    assert [_message(reply) for reply in errors] == [_NOT_AN_INTEGER, _NOT_AN_INTEGER, invalid]
    assert left == -1


# What goes wrong.


@points(2, suite="protocol", hint="dispatch")
def test_each_command_counts_its_arguments(kv):
    """Too few or too many arguments are an error that names the command, and nothing is done."""
    wrong = (
        b"PING a b|ECHO|ECHO a b|SET|SET a|GET|GET a b|DEL|EXISTS|KEYS|KEYS a b|EXPIRE a"
        b"|EXPIRE a 1 2|TTL|TTL a b|PERSIST|PERSIST a b|INCR|INCR a b|INCRBY a|INCRBY a 1 2|DECR"
        b"|DECR a b|DECRBY a|SETNX a|SETNX a b c|DBSIZE a"
    ).split(b"|")
    store = kv.MemoryStore()
    replies = _run(kv, kv.Dispatcher(store), *wrong)
    told = {line: _message(reply) for line, reply in zip(wrong, replies, strict=True)}
    names = [line.split()[0].decode().lower() for line in wrong]
    assert list(told.values()) == [
        f"ERR wrong number of arguments for '{name}' command" for name in names
    ]
    (reply,) = _run(kv, kv.Dispatcher(store), b"SET a 1 EX 10")
    assert _message(reply)[:4] == "ERR "
    assert len(store) == 0


@points(1, suite="protocol", hint="encode")
def test_an_unknown_name_cannot_forge_a_reply(kv):
    """An unknown name with CR and LF in it is answered by one line, whatever it holds."""
    reply = kv.Dispatcher(kv.MemoryStore()).execute([b"NO\r\n+OK\r\nPE\n"])
    wire = kv.protocol.encode(reply)
    assert wire[:21] == b"-ERR unknown command "
    line = wire[:-2]
    assert (wire[-2:], line.count(b"\r"), line.count(b"\n")) == (b"\r\n", 0, 0)


@points(2, suite="protocol", hint="error-replies")
def test_nothing_that_a_client_sends_escapes(kv):
    """An empty command, an empty key, one that is not UTF-8 or too long: all are error replies."""
    bad = (
        [[], [b""], [b"\xff\xfe"]]
        + [[b"GET", key] for key in (b"", b"\xff", b"k" * 65_537)]
        + [[b"SET", key, b"1"] for key in (b"", b"a\xff", b"k" * 65_537)]
        + [[b"INCR", b"\xff"], [b"DEL", b"\xff"], [b"EXPIRE", b"\xff", b"1"], [b"TTL", b"\xff"]]
    )
    store = kv.MemoryStore()
    dispatcher = kv.Dispatcher(store)
    replies = kv.call_many([(dispatcher.execute, (args,)) for args in bad], "13 bad commands")
    assert [_message(reply)[:4] for reply in replies] == ["ERR "] * len(bad)
    assert len(store) == 0


@points(2, suite="protocol", hint="whole-numbers")
def test_amounts_that_are_no_integers(kv):
    """INCRBY and DECRBY take the decimal digits of 64 bits: no blank, plus sign or underscore."""
    dispatcher = kv.Dispatcher(kv.MemoryStore())
    amounts = [b"", b"x", b"1.0", b" 1", b"1 ", b"+1", b"1_0", b"9223372036854775808"]
    calls = [[name, b"n", amount] for name in (b"INCRBY", b"DECRBY") for amount in amounts]
    replies = kv.call_many([(dispatcher.execute, (args,)) for args in calls], "16 bad amounts")
    assert [_message(reply) for reply in replies] == [_NOT_AN_INTEGER] * len(calls)
    assert dispatcher.execute([b"GET", b"n"]) is None


@points(1, suite="correctness", hint="whole-numbers")
def test_counting_stops_at_64_bits(kv):
    """A step over the end of 64 bits is an error reply, and the number stays."""
    low, high = b"-9223372036854775808", b"9223372036854775807"
    dispatcher = kv.Dispatcher(kv.MemoryStore())
    _run(kv, dispatcher, b"SET low " + low, b"SET high " + high)
    steps = [b"INCR high", b"INCRBY high 5", b"DECR low", b"DECRBY low 5", b"DECRBY zero " + low]
    assert [_is_error(reply) for reply in _run(kv, dispatcher, *steps)] == [True] * len(steps)
    assert _run(kv, dispatcher, b"GET low", b"GET high", b"GET zero") == [low, high, None]
    assert _run(kv, dispatcher, b"INCRBY low " + high, b"DECRBY high " + high) == [-1, 0]


@points(1, suite="protocol", hint="error-replies")
def test_a_store_that_refuses_is_an_error_reply(kv, data_dir):
    """What the store says when it refuses is what the client is told, after ERR."""
    store = kv.Store.open(data_dir)
    dispatcher = kv.Dispatcher(store)
    store.close()
    with kv.raises("StoreClosedError") as refused:
        store.get("a")
    assert _message(dispatcher.execute([b"GET", b"a"])) == f"ERR {refused.message}"


@points(2, suite="protocol", hint="error-replies")
def test_a_disk_that_fails_is_an_error_reply(kv, data_dir):
    """An OSError of the store is an internal error for the client, and the dispatcher lives on."""
    store = kv.Store.open(data_dir)
    dispatcher = kv.Dispatcher(store)
    kv.disk().fail_next("fsync")
    reply = dispatcher.execute([b"SET", b"a", b"1"])
    assert _message(reply)[:20] == "ERR internal error: "
    assert dispatcher.execute([b"PING"]) == "PONG"
