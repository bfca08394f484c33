"""Hidden tests of memory.py: many threads at once, and no step that another one cuts in two.

Where only one thread sets a key, whatever that thread reads next must be what it set.
"""

from grader.testkit import points, random_value

ROUNDS = 2
CHANCE = 0.3
CYCLES = 10
FAR_NS = 2**62


def _rush(kv, rng, *plans):
    return kv.at_once(*plans, seed=rng.randrange(10_000), chance=CHANCE)


def _of_thread(kv, history, thread, method):
    """What one method returned to one thread, in order."""
    calls = [record for record in history if record.thread == thread and record.method == method]
    return kv.results(calls)


@points(2, suite="concurrency", hint="one-step")
def test_counters_up_and_down_add_up(kv, rng):
    """Threads that count several keys up and down lose no step."""
    store = kv.MemoryStore()
    up = [(store.incr, (key, 3)) for key in ("a", "b")] * 8
    down = [(store.incr, (key, -1)) for key in ("b", "a")] * 8
    for done in range(1, ROUNDS + 1):
        kv.results(_rush(kv, rng, up, down, up, down))
        assert store.dump() == ({"a": b"%d" % (32 * done), "b": b"%d" % (32 * done)}, {})


@points(2, suite="concurrency", hint="one-step")
def test_a_key_is_won_as_often_as_it_is_freed(kv, rng):
    """Many threads win a key by setnx and free it by delete: nobody wins or frees it twice."""
    store = kv.MemoryStore()
    plan = [(store.setnx, ("seat", b"taken")), (store.delete, ("seat",))] * 25
    history = _rush(kv, rng, *[plan] * 4)
    kv.results(history)
    wins, frees = (
        sum(record.result is True for record in history if record.method == method)
        for method in ("setnx", "delete")
    )
    assert wins == frees + len(store)


@points(1, suite="concurrency", hint="one-step")
def test_set_is_not_undone_by_incr(kv, rng):
    """Only one thread sets the key, while another counts it up: what was set is never lost."""
    store = kv.MemoryStore()
    setting = []
    for number in range(1, 26):
        setting += [(store.set, ("key", b"%d" % (number * 1000))), (store.get, ("key",))]
    history = _rush(kv, rng, setting, [(store.incr, ("key",))] * 60)
    kv.results(history)
    seen = [int(value) // 1000 for value in _of_thread(kv, history, 0, "get")]
    assert seen == list(range(1, 26))


@points(1, suite="concurrency", hint="one-step")
def test_set_is_not_undone_by_setnx(kv, rng):
    """Only one thread deletes and sets the key: a setnx in between cannot overwrite what it set."""
    store = kv.MemoryStore()
    values = [random_value(rng) for _ in range(25)]
    setting = []
    for value in values:
        setting += [(store.delete, ("key",)), (store.set, ("key", value)), (store.get, ("key",))]
    history = _rush(kv, rng, setting, [(store.setnx, ("key", b"absent"))] * 60)
    kv.results(history)
    assert _of_thread(kv, history, 0, "get") == values


@points(2, suite="concurrency", hint="one-record")
def test_set_is_not_undone_by_expire(kv, rng):
    """Only one thread sets the key, another gives it deadlines: the old value never returns."""
    store = kv.MemoryStore()
    values = [random_value(rng) for _ in range(25)]
    setting = []
    for value in values:
        setting += [(store.set, ("key", value)), (store.get, ("key",))]
    history = _rush(kv, rng, setting, [(store.expire, ("key", 100))] * 70)
    kv.results(history)
    assert _of_thread(kv, history, 0, "get") == values


@points(1, suite="concurrency", hint="one-step")
def test_a_deadline_is_taken_away_once(kv, rng):
    """When many threads persist the same keys, each deadline is taken away by one of them."""
    store = kv.MemoryStore()
    keys = [f"key {number}" for number in range(6)]
    for _ in range(5):
        calls = [call for k in keys for call in ((store.set, (k, b"x")), (store.expire, (k, 100)))]
        kv.call_many(calls, "6 x store.set and store.expire")
        history = _rush(kv, rng, *[[(store.persist, (key,)) for key in keys]] * 4)
        assert kv.results(history).count(True) == 6


@points(1, suite="concurrency", hint="one-record")
def test_delete_is_not_undone_by_expire(kv, rng):
    """Only one thread sets and deletes the key: an expire in between does not bring it back."""
    store = kv.MemoryStore()
    life = [(store.set, ("key", b"x")), (store.delete, ("key",)), (store.exists, ("key",))] * 25
    history = _rush(kv, rng, life, [(store.expire, ("key", 100))] * 60)
    kv.results(history)
    assert _of_thread(kv, history, 0, "exists") == [False] * 25


@points(1, suite="concurrency", hint="one-record")
def test_a_deadline_is_not_undone_by_incr(kv, rng):
    """Only one thread gives the key a deadline, while another counts it up: the deadline stays."""
    store = kv.MemoryStore()
    store.set("key", b"0")
    deadlines = [FAR_NS + number for number in range(25)]
    giving = []
    for deadline in deadlines:
        giving += [(store.persist, ("key",)), (store.expire_at, ("key", deadline))]
        giving += [(store.deadline, ("key",))]
    history = _rush(kv, rng, giving, [(store.incr, ("key",))] * 60)
    kv.results(history)
    assert _of_thread(kv, history, 0, "deadline") == deadlines


@points(2, suite="concurrency", hint="one-step")
def test_purging_never_takes_a_fresh_value(kv, clock, rng):
    """A key that is set again while a purge is under way keeps its new value."""
    store = kv.MemoryStore(clock=clock)
    for number in range(ROUNDS):
        values = {f"key {n}": random_value(rng) for n in range(20)}
        _let_die(kv, clock, store, values)
        setting = [(store.set, (key, value)) for key, value in values.items()]
        plans = setting[:10], setting[10:], [(store.purge_expired, ())] * 4
        kv.results(_rush(kv, rng, *plans))
        assert store.dump() == (values, {}), f"round {number + 1}"


@points(1, suite="concurrency", hint="one-step")
def test_a_dead_key_is_purged_once(kv, clock, rng):
    """When many threads purge at once, the numbers they return add up to the dead keys."""
    store = kv.MemoryStore(clock=clock)
    for _ in range(ROUNDS):
        _let_die(kv, clock, store, [f"key {number}" for number in range(20)])
        history = _rush(kv, rng, *[[(store.purge_expired, ())] * 2] * 3)
        assert sum(kv.results(history)) == 20


@points(2, suite="concurrency", hint="one-instant")
def test_looking_while_others_write_raises_nothing(kv, rng):
    """keys, len and dump work while another thread adds and removes keys."""
    store = kv.MemoryStore()
    _add(kv, store, "old", 10)
    adding = [(store.set, (f"new {number}", b"x")) for number in range(5)]
    removing = [(store.delete, (f"new {number}",)) for number in range(5)]
    views = (store.keys, ("old*",)), (kv.len_of(store), ()), (store.dump, ())
    history = _rush(kv, rng, (adding + removing) * 4, *[[view] * 20 for view in views])
    kv.results(history)
    found = [sorted(keys) for keys in _of_thread(kv, history, 1, "keys")]
    assert found == [[f"old {n}" for n in range(10)]] * 20


@points(2, suite="concurrency", hint="one-instant")
def test_keys_and_len_see_one_instant(kv, rng):
    """A marker that moves from key to key is always somewhere: keys and len never miss it."""
    store = kv.MemoryStore()
    _add(kv, store, "old", 15)
    places = [f"marker at {number}" for number in range(5)]
    store.set(places[-1], b"x")
    moving = []
    for here, there in zip(places[-1:] + places, places, strict=False):
        moving += [(store.set, (there, b"x")), (store.delete, (here,))]
    views = (store.keys, ()), (kv.len_of(store), ())
    history = _rush(kv, rng, moving * 5, *[[view] * 15 for view in views])
    kv.results(history)
    assert [len(keys) for keys in _of_thread(kv, history, 1, "keys") if len(keys) < 16] == []
    assert [count for count in _of_thread(kv, history, 2, "__len__") if count < 16] == []


@points(2, suite="concurrency", hint="one-instant")
def test_dump_sees_values_and_deadlines_of_one_instant(kv, rng):
    """A dump shows each value with the deadline that it had at that very instant."""
    store = kv.MemoryStore()
    keys = ("a", "b", "c")
    lives = [_life(store, key) for key in keys]
    history = _rush(kv, rng, *lives, [(store.dump, ())] * 30)
    kv.results(history)
    dumps = _of_thread(kv, history, 3, "dump")
    seen = {(items.get(key), deadlines.get(key)) for items, deadlines in dumps for key in keys}
    possible = {(None, None)}
    for number in range(CYCLES):
        value, deadline = b"%d" % (2 * number), FAR_NS + number
        possible |= {(value, None), (value, deadline), (b"%d" % (2 * number + 1), deadline)}
    assert seen - possible == set()


def _life(store, key):
    """A key is set, gets a deadline and is counted up, with other numbers in each cycle."""
    calls = []
    for number in range(CYCLES):
        calls += [(store.set, (key, b"%d" % (2 * number)))]
        calls += [(store.expire_at, (key, FAR_NS + number)), (store.incr, (key,))]
    return calls


def _add(kv, store, name, count):
    calls = [(store.set, (f"{name} {number}", b"x")) for number in range(count)]
    kv.call_many(calls, f"{count} x store.set")


def _let_die(kv, clock, store, keys):
    calls = [call for k in keys for call in ((store.set, (k, b"old")), (store.expire, (k, 1)))]
    kv.call_many(calls, f"{len(calls) // 2} x store.set and store.expire")
    clock.advance(1)
