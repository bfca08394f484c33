"""Visible tests of server.py: many clients, one store."""

from grader.testkit import points


@points(2, suite="protocol", hint="pipelining")
def test_commands_of_one_packet_are_answered_in_order(kv):
    """Three commands in one packet get three replies, in their order."""
    with kv.Server(kv.MemoryStore()) as server:
        client = kv.connect(server)
        client.send(b"SET a 1\r\nSET b 2\r\nGET a\r\n")
        assert client.read(17) == b"+OK\r\n+OK\r\n$1\r\n1\r\n"


@points(1, suite="protocol", hint="pipelining")
def test_damage_is_answered_and_ends_the_connection(kv):
    """A client that sends damage is told so in one error reply, and its connection is closed."""
    with kv.Server(kv.MemoryStore()) as server:
        client = kv.connect(server)
        client.send(b"*abc\r\n")
        reply = client.read_to_end()
        client.close()
        assert reply[:20] == b"-ERR Protocol error:"


@points(2, suite="concurrency", hint="many-clients")
def test_a_silent_client_holds_up_nobody(kv):
    """While one client has sent half a command, another one is served."""
    with kv.Server(kv.MemoryStore()) as server:
        silent, lively = kv.connect(server), kv.connect(server)
        silent.send(b"*2\r\n$3\r\nGE")
        assert lively.command(b"SET", b"a", b"1") == "OK"
        silent.send(b"T\r\n$1\r\na\r\n")
        assert silent.reply() == b"1"


@points(2, suite="concurrency", hint="stop")
def test_stop_closes_the_connection_of_an_idle_client(kv):
    """When the server stops, a client that waits for nothing sees its connection end."""
    server = kv.Server(kv.MemoryStore())
    server.start()
    client = kv.connect(server)
    assert client.command(b"PING") == "PONG"
    server.stop()
    assert client.read_to_end() == b""
