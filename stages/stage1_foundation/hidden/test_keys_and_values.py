"""Hidden tests of memory.py: what keys and values may be, and that they come back as they are."""

from grader.testkit import points, random_key, random_value

KEY_BYTES_MAX = 65_536
VALUE_BYTES_MAX = 67_108_864


def _calls_with(store, key):
    """Every method that takes a key."""
    return [
        (store.set, (key, b"1")),
        (store.get, (key,)),
        (store.delete, (key,)),
        (store.exists, (key,)),
        (store.setnx, (key, b"1")),
        (store.incr, (key,)),
        (store.expire, (key, 10)),
        (store.expire_at, (key, 2**62)),
        (store.ttl, (key,)),
        (store.persist, (key,)),
        (store.deadline, (key,)),
    ]


@points(1, suite="correctness", hint="bad-keys")
def test_a_key_has_a_limit(kv):
    """A key of 65,536 bytes is accepted; one byte more raises InvalidKeyError."""
    store = kv.MemoryStore()
    longest = "k" * KEY_BYTES_MAX
    store.set(longest, b"value")
    with kv.raises("InvalidKeyError"):
        store.set(longest + "k", b"value")
    assert store.keys() == [longest]


@points(2, suite="correctness", hint="bad-keys")
def test_a_key_is_measured_in_bytes_of_utf8(kv):
    """What counts is the length in UTF-8: 32,768 times "é" fits, and one byte more does not."""
    store = kv.MemoryStore()
    store.set("é" * (KEY_BYTES_MAX // 2), b"fits")
    with kv.raises("InvalidKeyError"):
        store.set("é" * (KEY_BYTES_MAX // 2) + "a", b"value")
    with kv.raises("InvalidKeyError"):
        store.set("€" * (KEY_BYTES_MAX // 3 + 1), b"value")
    assert len(store) == 1


@points(1, suite="correctness", hint="bad-keys")
def test_a_lone_surrogate_is_refused(kv):
    """A key that UTF-8 cannot hold, such as a lone surrogate, raises InvalidKeyError."""
    store = kv.MemoryStore()
    for key in ("\ud800", "half an emoji: \udc00"):
        with kv.raises("InvalidKeyError"):
            store.set(key, b"value")
    assert len(store) == 0


@points(1, suite="correctness", hint="bad-keys")
def test_a_key_that_is_no_str_is_refused(kv):
    """bytes, numbers, None and tuples are no keys."""
    store = kv.MemoryStore()
    for key in (b"key", 1, 1.5, None, True, ("key",)):
        with kv.raises("InvalidKeyError"):
            store.set(key, b"value")
    assert len(store) == 0


@points(2, suite="correctness", hint="bad-keys")
def test_every_method_refuses_a_bad_key(kv):
    """Every method that takes a key refuses a bad one, also those that only look."""
    store = kv.MemoryStore()
    for bad in ("", None):
        for method, args in _calls_with(store, bad):
            with kv.raises("InvalidKeyError"):
                method(*args)


@points(1, suite="correctness", hint="bad-keys")
def test_a_value_that_is_not_bytes_is_refused(kv):
    """str, bytearray, numbers and None are no values, neither for set nor for setnx."""
    store = kv.MemoryStore()
    store.set("key", b"old")
    for value in ("text", kv.bytearray(b"mutable"), None, 7, [b"list"]):
        with kv.raises("InvalidValueError"):
            store.set("key", value)
        with kv.raises("InvalidValueError"):
            store.setnx("new key", value)
    assert store.dump() == ({"key": b"old"}, {})


@points(1, suite="correctness", hint="bad-keys")
def test_a_value_has_a_limit(kv):
    """A value of 64 MiB is accepted; one byte more raises InvalidValueError."""
    store = kv.MemoryStore()
    value = bytes(VALUE_BYTES_MAX)
    store.set("largest", value)
    with kv.raises("InvalidValueError"):
        store.set("too large", value + b"!")
    assert store.keys() == ["largest"]


@points(1, suite="correctness", hint="set-get")
def test_any_bytes_and_any_text_come_back(kv, rng):
    """NUL, CRLF, emoji and bytes that are no text are kept as they are, in keys and values."""
    store = kv.MemoryStore()
    keys = ["a\0b", "a\r\nb", "\n", "schlüssel", "鍵", "🔑", " ", " a ", "A", "a"]
    rows = {key: random_value(rng) + b"\0\r\n\xff" for key in keys}
    for key, value in rows.items():
        store.set(key, value)
    assert store.dump() == (rows, {})
    assert [store.get(key) for key in keys] == list(rows.values())


@points(1, suite="correctness", hint="set-get")
def test_an_empty_value_is_a_value(kv):
    """b"" is not the same as no value: the key is there, and get returns b""."""
    store = kv.MemoryStore()
    store.set("empty", b"")
    assert store.get("empty") == b""
    answers = [store.exists("empty"), store.setnx("empty", b"x"), store.delete("empty")]
    assert answers == [True, False, True]


@points(1, suite="correctness", hint="set-get")
def test_a_new_store_is_empty_whatever_another_one_holds(kv):
    """Two stores share nothing: a new one has no keys, and nothing to purge or dump."""
    first = kv.MemoryStore()
    first.set("colour", b"green")
    second = kv.MemoryStore()
    assert [len(second), second.keys(), second.purge_expired()] == [0, [], 0]
    assert second.dump() == ({}, {})


@points(1, suite="correctness", hint="one-instant")
def test_keys_returns_a_list_of_its_own(kv, rng):
    """keys returns a list, and what happens to the store later does not change it."""
    store = kv.MemoryStore()
    first, second = random_key(rng, 10), random_key(rng, 11)
    store.set(first, b"1")
    calls = [(store.keys, ()), (store.set, (second, b"2")), (store.delete, (first,))]
    answers = kv.call_many([*calls, (store.keys, ())], "keys, set, delete, keys")
    assert answers == [[first], None, True, [second]]
