"""Hidden tests of memory.py: incr, on numbers and on what only looks like one."""

from grader.testkit import points

HIGHEST, LOWEST = 2**63 - 1, -(2**63)


@points(1, suite="correctness", hint="decimal-text")
def test_incr_counts_down_below_zero(kv):
    """A negative step counts down, and a negative result is stored with its sign."""
    store = kv.MemoryStore()
    store.set("balance", b"5")
    assert [store.incr("balance", -8), store.get("balance")] == [-3, b"-3"]
    assert [store.incr("balance", 3), store.get("balance")] == [0, b"0"]


@points(1, suite="correctness", hint="decimal-text")
def test_incr_reaches_both_ends_of_64_bits(kv):
    """The highest and the lowest number of 64 bits can be reached."""
    store = kv.MemoryStore()
    store.set("high", b"%d" % (HIGHEST - 1))
    store.set("low", b"%d" % (LOWEST + 1))
    assert [store.incr("high"), store.incr("low", -1)] == [HIGHEST, LOWEST]


@points(2, suite="correctness", hint="decimal-text")
def test_incr_does_not_overflow(kv):
    """A sum outside 64 bits raises NotAnIntegerError, and the value stays."""
    store = kv.MemoryStore()
    store.set("high", b"%d" % HIGHEST)
    store.set("low", b"%d" % LOWEST)
    for key, by in (("high", 1), ("high", HIGHEST), ("low", -1), ("low", LOWEST)):
        with kv.raises("NotAnIntegerError"):
            store.incr(key, by)
    assert store.dump() == ({"high": b"%d" % HIGHEST, "low": b"%d" % LOWEST}, {})


@points(2, suite="correctness", hint="decimal-text")
def test_incr_accepts_only_what_str_would_write(kv):
    """Leading zeros, a plus, spaces, parts and names of numbers are text, and stay as they are."""
    store = kv.MemoryStore()
    texts = [b"", b"007", b"-0", b"+1", b" 1", b"1 ", b"1\n", b"1.0", b"1_000", b"0x10", b"12abc"]
    texts += [b"\xff", "٣".encode(), b"%d" % (HIGHEST + 1), b"%d" % (LOWEST - 1)]
    for text in texts:
        store.set("key", text)
        with kv.raises("NotAnIntegerError"):
            store.incr("key")
        assert store.get("key") == text
