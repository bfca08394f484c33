"""Visible tests of commands.py: what a command does to the store, and what it answers."""

from grader.testkit import points, random_key, random_value


def _message(reply):
    """The text of an error reply."""
    plain = isinstance(reply, str | bytes | int | list | None)
    assert not plain, f"expected an ErrorReply, got {reply!r}"
    return reply.message


@points(1, suite="protocol", hint="dispatch")
def test_get_returns_what_set_stored(kv, rng):
    """SET answers OK, a simple string; GET answers the value, as bytes, or None."""
    key, value = random_key(rng).encode(), random_value(rng)
    dispatcher = kv.Dispatcher(kv.MemoryStore())
    assert dispatcher.execute([b"SET", key, value]) == "OK"
    assert dispatcher.execute([b"GET", key]) == value
    assert dispatcher.execute([b"GET", b"another"]) is None


@points(1, suite="protocol", hint="dispatch")
def test_ping_answers_pong_or_its_message(kv):
    """PING answers the simple string PONG; with a message it answers the message, as bytes."""
    dispatcher = kv.Dispatcher(kv.MemoryStore())
    assert dispatcher.execute([b"PING"]) == "PONG"
    assert dispatcher.execute([b"PING", b"hello"]) == b"hello"


@points(1, suite="protocol", hint="dispatch")
def test_a_command_may_be_written_in_any_case(kv):
    """`ping`, `Ping` and `PING` are one command."""
    dispatcher = kv.Dispatcher(kv.MemoryStore())
    replies = [dispatcher.execute([name]) for name in (b"ping", b"Ping", b"PING")]
    assert replies == ["PONG", "PONG", "PONG"]


@points(1, suite="protocol", hint="error-replies")
def test_an_unknown_command_is_an_error_reply(kv):
    """A command that does not exist is answered with an error that repeats its name."""
    reply = kv.Dispatcher(kv.MemoryStore()).execute([b"NOPE", b"a"])
    assert _message(reply) == "ERR unknown command 'NOPE'"


@points(1, suite="protocol", hint="dispatch")
def test_too_few_arguments_are_an_error_reply(kv):
    """A command with too few arguments is answered with an error that names it in lower case."""
    reply = kv.Dispatcher(kv.MemoryStore()).execute([b"GET"])
    assert _message(reply) == "ERR wrong number of arguments for 'get' command"


@points(1, suite="protocol", hint="error-replies")
def test_incr_on_text_is_an_error_reply(kv):
    """INCR on a value that is no number is answered with an error, and the value stays."""
    store = kv.MemoryStore()
    store.set("word", b"green")
    reply = kv.Dispatcher(store).execute([b"INCR", b"word"])
    assert _message(reply) == "ERR value is not an integer or out of range"
    assert store.get("word") == b"green"


@points(1, suite="correctness", hint="whole-numbers")
def test_ttl_counts_down_what_expire_gave(kv, clock):
    """EXPIRE answers 1; TTL answers the whole seconds that are left."""
    dispatcher = kv.Dispatcher(kv.MemoryStore(clock=clock))
    dispatcher.execute([b"SET", b"a", b"1"])
    assert dispatcher.execute([b"EXPIRE", b"a", b"10"]) == 1
    assert dispatcher.execute([b"TTL", b"a"]) == 10
    clock.advance(4)
    assert dispatcher.execute([b"TTL", b"a"]) == 6
