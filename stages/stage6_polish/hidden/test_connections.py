"""Hidden tests of the server: what one connection may expect, and what it may not do to others."""

from grader.testkit import eventually, points, random_value

_MIB = 1024 * 1024


def _array(*words):
    parts = [b"*%d\r\n" % len(words)]
    parts += [b"$%d\r\n%b\r\n" % (len(word), word) for word in words]
    return b"".join(parts)


def _bulk(value):
    return b"$%d\r\n%b\r\n" % (len(value), value)


# One connection.


@points(2, suite="protocol", hint="pipelining")
def test_a_thousand_commands_at_once(kv, rng):
    """A thousand commands sent without waiting get a thousand replies, in order, errors too."""
    sent, expected = [], []
    for number in range(333):
        value = random_value(rng, rng.randrange(400))
        sent += [_array(b"SET", b"k%d" % number, value), b"NO%d\r\n" % number]
        sent += [b"GET k%d\r\n" % number]
        expected += [b"+OK\r\n", b"-ERR unknown command 'NO%d'\r\n" % number, _bulk(value)]
    with kv.Server(kv.MemoryStore()) as server:
        client = kv.connect(server)
        client.send(b"".join(sent))
        replies = b"".join(expected)
        assert client.read(len(replies)) == replies


@points(1, suite="protocol", hint="pipelining")
def test_a_command_in_two_packets(kv):
    """The half of a command that came with one packet waits for the other half."""
    with kv.Server(kv.MemoryStore()) as server:
        client = kv.connect(server)
        client.send(b"SET a 1\r\n*2\r\n$3\r\nGE")
        assert client.reply() == "OK"
        client.send(b"T\r\n$1\r\na\r\nPI")
        assert client.reply() == b"1"
        client.send(b"NG\r\n")
        assert client.reply() == "PONG"


@points(2, suite="protocol", hint="pipelining")
def test_a_mebibyte_in_and_out(kv, rng):
    """A value of 1 MiB of any bytes goes in and comes out as it was."""
    value = rng.randbytes(_MIB)
    with kv.Server(kv.MemoryStore()) as server:
        client = kv.connect(server)
        assert client.command(b"SET", b"big", value) == "OK"
        assert client.command(b"GET", b"big") == value


@points(2, suite="protocol", hint="pipelining")
def test_damage_harms_only_the_one_who_sends_it(kv):
    """What came before the damage is answered, then comes the error; the other clients stay."""
    with kv.Server(kv.MemoryStore()) as server:
        bystander, vandal = kv.connect(server), kv.connect(server)
        vandal.send(b"SET a 1\r\nGET a\r\n*1\r\n$-5\r\n")
        replies = vandal.read_to_end()
        vandal.close()
        assert replies[:32] == b"+OK\r\n$1\r\n1\r\n-ERR Protocol error:"
        assert (replies[-2:], replies.count(b"\n")) == (b"\r\n", 4)
        assert bystander.command(b"GET", b"a") == b"1"
        assert kv.connect(server).command(b"GET", b"a") == b"1"


# Many connections.


@points(3, suite="concurrency", hint="many-clients")
def test_a_client_that_does_not_read_delays_nobody(kv):
    """While the server cannot get rid of one client's replies, another client is served."""
    store = kv.MemoryStore()
    store.set("big", bytes(4 * _MIB))
    with kv.Server(store) as server:
        slow, quick = kv.connect(server), kv.connect(server)
        slow.send(b"GET big\r\n" * 8)
        kv.note("client 1 reads the first byte of 32 MiB, and then no more")
        assert slow.read(1) == b"$"
        assert quick.command(b"SET", b"a", b"1") == "OK"
        assert quick.command(b"GET", b"a") == b"1"
        slow.close()


@points(2, suite="concurrency", hint="many-clients")
def test_many_clients_count_together(kv):
    """Twelve clients count one key up at the same time: each number is handed out once."""
    with kv.Server(kv.MemoryStore()) as server:
        clients = [kv.connect(server) for _ in range(12)]
        for client in clients:
            client.send(b"INCR n\r\n" * 50)
        numbers = [[client.reply() for _ in range(50)] for client in clients]
        assert [sorted(each) for each in numbers] == numbers
        everything = sorted(number for each in numbers for number in each)
        assert everything == list(range(1, 601))


@points(2, suite="concurrency", hint="many-clients")
def test_a_client_too_many_is_told_so(kv):
    """Above max_clients a client gets an error reply and its connection is closed; others stay."""
    with kv.Server(kv.MemoryStore(), max_clients=2) as server:
        welcome = [kv.connect(server) for _ in range(2)]
        assert [client.command(b"PING") for client in welcome] == ["PONG"] * 2
        refused = kv.connect(server)
        assert refused.read_to_end() == b"-ERR max number of clients reached\r\n"
        assert [client.command(b"PING") for client in welcome] == ["PONG"] * 2


@points(2, suite="concurrency", hint="many-clients")
def test_a_client_that_leaves_makes_room(kv):
    """A client that leaves, even in the middle of a command, is no longer counted."""
    with kv.Server(kv.MemoryStore(), max_clients=1) as server:
        leaving = kv.connect(server)
        assert leaving.command(b"PING") == "PONG"
        leaving.send(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$100\r\nha")
        leaving.close()

        def served():
            client = kv.connect(server)
            client.send(b"PING\r\n")
            first_byte = client.read(1)
            client.close()
            return first_byte == b"+"

        eventually(served, "room for another client")


# Starting and stopping.


@points(3, suite="concurrency", hint="stop")
def test_stop_lets_a_reply_go_out(kv):
    """A reply that is on its way when stop is called arrives whole; then the connection ends."""
    value = bytes(8 * _MIB)
    store = kv.MemoryStore()
    store.set("big", value)
    server = kv.Server(store)
    server.start()
    client = kv.connect(server)
    client.send(b"GET big\r\n")
    reply = client.read(1)
    stopper = kv.actor("stopper")
    stopper.begin(server.stop)
    stopper.blocked()
    reply += client.read_to_end()
    assert (len(reply), reply == _bulk(value)) == (len(_bulk(value)), True)
    stopper.finish()


@points(2, suite="concurrency", hint="stop")
def test_stop_frees_the_port(kv):
    """After stop, nobody answers on the port, and a new server can have it at once."""
    server = kv.Server(kv.MemoryStore())
    server.start()
    host, port = server.address
    client = kv.connect(server)
    assert client.command(b"PING") == "PONG"
    server.stop()
    assert client.read_to_end() == b""
    with kv.raises("ConnectionRefusedError"):
        kv.connect((host, port))
    with kv.Server(kv.MemoryStore(), host, port) as successor:
        assert successor.address == (host, port)
        assert kv.connect(successor).command(b"PING") == "PONG"


@points(1, suite="concurrency", hint="stop")
def test_stop_twice(kv):
    """A second stop does nothing."""
    with kv.Server(kv.MemoryStore()) as server:
        server.stop()
        assert server.stop() is None


@points(1, suite="concurrency", hint="stop")
def test_leaving_the_with_block_stops(kv):
    """As a context manager the server stops when the block is left."""
    with kv.Server(kv.MemoryStore()) as server:
        client = kv.connect(server)
        assert client.command(b"PING") == "PONG"
    assert client.read_to_end() == b""


@points(2, suite="concurrency", hint="stop")
def test_serve_forever_lasts_until_stop(kv):
    """serve_forever returns when another thread calls stop, and not before."""
    server = kv.Server(kv.MemoryStore())
    server.start()
    main = kv.actor("main")
    main.begin(server.serve_forever)
    assert main.blocked() is True
    assert kv.connect(server).command(b"PING") == "PONG"
    server.stop()
    assert main.finish() is None


@points(1, suite="correctness", hint="stop")
def test_the_store_outlives_the_server(kv, data_dir):
    """The server does not close the store: it belongs to the one who opened it."""
    store = kv.Store.open(data_dir)
    with kv.Server(store) as server:
        assert kv.connect(server).command(b"SET", b"a", b"1") == "OK"
    assert store.get("a") == b"1"
