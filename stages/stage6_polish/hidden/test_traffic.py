"""Hidden tests of the server among many clients at once: whoever is slow, leaves or stops it, the
replies of all fit together.
"""

from grader.testkit import points
from grader.testkit.traffic import Packet, converse, converse_until, draw_plans, restless_server

_MIB = 1024 * 1024
# What a client may have sent of its last command when it leaves.
_BEGUN = (
    b"SET %b 666",
    b"INCR %b",
    b"DEL %b",
    b"*2\r\n$3\r\nDEL\r\n$9\r\n%b",
    b"*1\r\n$6\r\nDBSIZE",
)


def _names(letter, count):
    """Names of keys: a1, a2 and so on."""
    return [f"{letter}{number}" for number in range(1, count + 1)]


def _ask_the_store(kv, history, store, keys):
    """Let the store itself say what became of the keys, after all commands of the history."""
    values = kv.call_many([(store.get, (key,)) for key in keys], "ask the store itself")
    for key, value in zip(keys, values, strict=True):
        history.add_afterwards(("get", (key,)), value)


@points(3, suite="concurrency", hint="replies-fit")
def test_the_replies_to_many_clients_fit_together(kv, rng, clock):
    """Eight clients at once: one order of all their commands explains every reply."""
    with restless_server(kv, rng, kv.MemoryStore(clock=clock)) as server:
        for letter in "abcd":
            plans = draw_plans(rng, clients=8, packets=12, keys=_names(letter, 3))
            converse(kv, server, plans).check()


@points(3, suite="concurrency", hint="replies-fit")
def test_the_replies_to_pipelines_fit_together(kv, rng, clock):
    """Four clients at once, several commands in a packet: each packet is done in its order."""
    with restless_server(kv, rng, kv.MemoryStore(clock=clock)) as server:
        for letter in "ab":
            plans = draw_plans(rng, clients=4, packets=12, keys=_names(letter, 4), depth=6)
            converse(kv, server, plans).check()


@points(3, suite="concurrency", hint="replies-fit")
def test_clients_that_leave_spoil_no_reply(kv, rng, clock):
    """Clients leave without waiting, in the middle of a command: what they only began is not done,
    and the others' replies fit together.
    """
    keys = _names("a", 15)
    plans = draw_plans(rng, clients=14, packets=30, keys=keys, depth=2)
    for place, plan in enumerate(plans[4:]):
        first, *others = plan[3 * place : 3 * place + 3]
        begun = _BEGUN[place % len(_BEGUN)].replace(b"%b", first.ops[0][1][0].encode())
        unread = others if place < len(_BEGUN) else []
        plan[:] = [first, *(Packet(packet.ops, waits=False) for packet in unread)]
        plan.append(Packet((), tail=begun, waits=False))
    store = kv.MemoryStore(clock=clock)
    with restless_server(kv, rng, store) as server:
        history = converse(kv, server, plans)
    _ask_the_store(kv, history, store, keys)
    history.check()


@points(3, suite="concurrency", hint="stop")
def test_what_was_answered_before_stop_is_true(kv, rng, clock, data_dir):
    """stop amid the commands of six clients: each reply that went out is true, also when the
    process is killed right after it.
    """
    keys = _names("a", 12)
    plans = draw_plans(rng, clients=6, packets=60, keys=keys, depth=2)
    store = kv.Store.open(data_dir, sync="never", clock=clock)
    with restless_server(kv, rng, store) as server:
        history = converse_until(kv, server, plans, server.stop, after=rng.randrange(60, 180))
    kv.kill()
    _ask_the_store(kv, history, kv.Store.open(data_dir, clock=clock), keys)
    history.check()


@points(3, suite="concurrency", hint="many-clients")
def test_forty_slow_clients_delay_nobody(kv):
    """Clients that say nothing, that stop in the middle of a command, that send it byte by byte or
    leave their replies unread: others are served, and new ones too.
    """
    store = kv.MemoryStore()
    store.set("big", bytes(4 * _MIB))
    with kv.Server(store) as server:
        quick = kv.connect(server)

        def others_are_served():
            assert quick.command(b"INCR", b"n") > 0
            newcomer = kv.connect(server)
            assert newcomer.command(b"EXISTS", b"n") == 1
            newcomer.close()

        silent = [kv.connect(server) for _ in range(20)]
        others_are_served()
        halfway = [kv.connect(server) for _ in range(18)]
        for client in halfway:
            client.send(b"*2\r\n$4\r\nPI")
        others_are_served()
        deaf = kv.connect(server)
        deaf.send(b"GET big\r\n" * 8)
        kv.note("this client reads the first byte of 32 MiB, and then no more")
        assert deaf.read(1) == b"$"
        others_are_served()
        dribbling = kv.connect(server)
        for byte in b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$2\r\nok\r\n":
            others_are_served()
            dribbling.send(bytes([byte]))
        assert dribbling.reply() == "OK"
        for client in silent:
            assert client.command(b"GET", b"a") == b"ok"
        for client in halfway:
            client.send(b"NG\r\n$1\r\na\r\n")
            assert client.reply() == b"a"
        deaf.close()
