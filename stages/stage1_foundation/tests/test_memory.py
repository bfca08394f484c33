"""Visible tests of memory.py: each operation once, as an example."""

from grader.testkit import points, random_key, random_value


@points(1, suite="correctness", hint="set-get")
def test_get_returns_what_was_set(kv, rng):
    """get returns the value that was set last, and None for a key that was never set."""
    store = kv.MemoryStore()
    key, value = random_key(rng), random_value(rng)
    store.set(key, b"an older value")
    store.set(key, value)
    assert store.get(key) == value
    assert store.get("no such key") is None


@points(1, suite="correctness", hint="set-get")
def test_delete_says_whether_the_key_was_there(kv):
    """delete removes a key and returns True; a second time there is nothing to remove: False."""
    store = kv.MemoryStore()
    store.set("colour", b"green")
    assert [store.exists("colour"), store.delete("colour")] == [True, True]
    assert [store.exists("colour"), store.delete("colour")] == [False, False]


@points(1, suite="correctness", hint="bad-keys")
def test_a_bad_key_or_value_is_refused(kv):
    """An empty key raises InvalidKeyError; a value that is text raises InvalidValueError."""
    store = kv.MemoryStore()
    with kv.raises("InvalidKeyError"):
        store.set("", b"value")
    with kv.raises("InvalidValueError"):
        store.set("key", "text is not bytes")
    assert len(store) == 0


@points(1, suite="correctness", hint="glob")
def test_keys_takes_a_pattern(kv):
    """keys returns all keys, or those that match a pattern: `*` is any text, `?` one character."""
    store = kv.MemoryStore()
    for key in ("user:1", "user:2", "user:10", "queue"):
        store.set(key, b"")
    assert sorted(store.keys()) == ["queue", "user:1", "user:10", "user:2"]
    assert sorted(store.keys("user:*")) == ["user:1", "user:10", "user:2"]
    assert sorted(store.keys("user:?")) == ["user:1", "user:2"]


@points(1, suite="correctness", hint="set-get")
def test_len_counts_the_keys(kv):
    """len(store) is the number of keys."""
    store = kv.MemoryStore()
    assert len(store) == 0
    store.set("a", b"1")
    store.set("b", b"2")
    store.set("a", b"3")
    assert len(store) == 2


@points(1, suite="correctness", hint="one-step")
def test_setnx_stores_only_what_is_absent(kv):
    """setnx stores a value if the key is absent, and otherwise leaves the old one."""
    store = kv.MemoryStore()
    assert store.setnx("leader", b"Ann") is True
    assert store.setnx("leader", b"Bob") is False
    assert store.get("leader") == b"Ann"


@points(1, suite="correctness", hint="decimal-text")
def test_incr_counts_in_decimal_text(kv):
    """incr adds to a number that is stored as text; a missing key counts as 0."""
    store = kv.MemoryStore()
    assert store.incr("visits") == 1
    assert store.incr("visits", 41) == 42
    assert store.get("visits") == b"42"


@points(1, suite="correctness", hint="decimal-text")
def test_incr_refuses_text(kv):
    """incr on a value that is no number raises NotAnIntegerError and leaves the value."""
    store = kv.MemoryStore()
    store.set("colour", b"green")
    with kv.raises("NotAnIntegerError"):
        store.incr("colour")
    assert store.get("colour") == b"green"


@points(1, suite="correctness", hint="the-instant")
def test_a_key_expires(kv, clock):
    """A key with 10 seconds to live is there after 9.5 seconds, and gone after 10."""
    store = kv.MemoryStore(clock=clock)
    store.set("session", b"Ann")
    assert store.expire("session", 10) is True
    clock.advance(9.5)
    assert store.get("session") == b"Ann"
    clock.advance(0.5)
    assert store.get("session") is None


@points(1, suite="correctness", hint="nanoseconds")
def test_ttl_tells_the_seconds_left(kv, clock):
    """ttl returns the seconds left; -1 without a deadline, -2 without the key."""
    store = kv.MemoryStore(clock=clock)
    store.set("session", b"Ann")
    assert [store.ttl("session"), store.ttl("no such key")] == [-1, -2]
    store.expire("session", 10)
    clock.advance(4)
    assert store.ttl("session") == 6


@points(1, suite="correctness", hint="one-record")
def test_set_clears_a_deadline_and_so_does_persist(kv, clock):
    """After set or persist, a key lives on past its old deadline."""
    store = kv.MemoryStore(clock=clock)
    for key in ("a", "b"):
        store.set(key, b"old")
        store.expire(key, 10)
    store.set("a", b"new")
    assert store.persist("b") is True
    clock.advance(11)
    assert [store.get("a"), store.get("b")] == [b"new", b"old"]


@points(1, suite="correctness", hint="nanoseconds")
def test_a_deadline_is_unix_nanoseconds(kv, clock):
    """deadline returns the instant of death in unix nanoseconds, or None; expire_at sets it."""
    store = kv.MemoryStore(clock=clock)
    store.set("session", b"Ann")
    assert store.deadline("session") is None
    store.expire("session", 10)
    assert store.deadline("session") == clock.now_ns + 10_000_000_000
    store.expire_at("session", clock.now_ns + 123)
    assert store.deadline("session") == clock.now_ns + 123


@points(1, suite="correctness", hint="the-instant")
def test_purge_frees_dead_keys_and_counts_them(kv, clock):
    """purge_expired returns how many dead keys it removed; the living stay."""
    store = kv.MemoryStore(clock=clock)
    for key in ("a", "b", "c"):
        store.set(key, b"value")
    store.expire("a", 1)
    store.expire("b", 2)
    clock.advance(5)
    assert store.purge_expired() == 2
    assert store.keys() == ["c"]


@points(1, suite="correctness", hint="one-instant")
def test_dump_returns_values_and_deadlines(kv, clock):
    """dump returns all values by key, and the deadlines of those keys that have one."""
    store = kv.MemoryStore(clock=clock)
    store.set("a", b"1")
    store.set("b", b"2")
    store.expire_at("b", clock.now_ns + 5)
    assert store.dump() == ({"a": b"1", "b": b"2"}, {"b": clock.now_ns + 5})
