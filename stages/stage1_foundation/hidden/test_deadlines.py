"""Hidden tests of memory.py: keys that die, to the nanosecond."""

from grader.testkit import points, random_key

SECOND_NS = 1_000_000_000


def _store_with_the_dead(kv, clock):
    """A store with a live key, and a dead one that nobody has purged."""
    store = kv.MemoryStore(clock=clock)
    store.set("live", b"1")
    store.set("dead", b"7")
    store.expire("dead", 10)
    clock.advance(10)
    return store


@points(2, suite="correctness", hint="the-instant")
def test_a_key_dies_at_its_deadline_to_the_nanosecond(kv, clock):
    """At its deadline a key is gone; one nanosecond before, it is there."""
    store = kv.MemoryStore(clock=clock)
    deadline = clock.now_ns + 10 * SECOND_NS
    for key, instant in (("dies now", deadline), ("has 1 ns left", deadline + 1)):
        store.set(key, b"value")
        store.expire_at(key, instant)
    clock.advance(10)
    assert [store.exists("dies now"), store.exists("has 1 ns left")] == [False, True]


@points(2, suite="correctness", hint="the-instant")
def test_a_dead_key_is_never_seen(kv, clock):
    """Nothing that looks sees a dead key, although nobody has purged it."""
    store = _store_with_the_dead(kv, clock)
    assert [store.get("dead"), store.exists("dead"), store.deadline("dead")] == [None, False, None]
    assert [store.ttl("dead"), store.keys(), len(store)] == [-2, ["live"], 1]
    assert store.dump() == ({"live": b"1"}, {})


@points(2, suite="correctness", hint="the-instant")
def test_a_dead_key_cannot_be_brought_back(kv, clock):
    """expire, expire_at, persist and delete on a dead key return False, and it stays dead."""
    store = _store_with_the_dead(kv, clock)
    later = clock.now_ns + SECOND_NS
    answers = [store.expire("dead", 5), store.expire_at("dead", later), store.persist("dead")]
    assert [*answers, store.get("dead")] == [False, False, False, None]
    assert store.delete("dead") is False


@points(1, suite="correctness", hint="the-instant")
def test_setnx_wins_over_a_dead_key(kv, clock):
    """setnx on a dead key stores the value, without the old deadline."""
    store = _store_with_the_dead(kv, clock)
    assert store.setnx("dead", b"new") is True
    assert [store.get("dead"), store.deadline("dead")] == [b"new", None]


@points(1, suite="correctness", hint="the-instant")
def test_incr_on_a_dead_key_starts_from_0(kv, clock):
    """incr on a dead key counts from 0, without the old deadline."""
    store = _store_with_the_dead(kv, clock)
    assert store.incr("dead", 5) == 5
    assert [store.get("dead"), store.deadline("dead")] == [b"5", None]


@points(1, suite="correctness", hint="one-record")
def test_incr_keeps_the_deadline(kv, clock):
    """incr changes the value, and the key still dies when it would have died."""
    store = kv.MemoryStore(clock=clock)
    store.set("visits", b"1")
    store.expire("visits", 10)
    deadline = clock.now_ns + 10 * SECOND_NS
    store.incr("visits")
    assert store.dump() == ({"visits": b"2"}, {"visits": deadline})


@points(1, suite="correctness", hint="one-record")
def test_set_clears_the_deadline(kv, clock):
    """set gives a key a new life without a deadline, and purging leaves it alone."""
    store = kv.MemoryStore(clock=clock)
    store.set("key", b"old")
    store.expire("key", 10)
    store.set("key", b"new")
    assert [store.ttl("key"), store.deadline("key")] == [-1, None]
    clock.advance(11)
    assert store.purge_expired() == 0
    assert store.get("key") == b"new"


@points(1, suite="correctness", hint="one-record")
def test_a_later_expire_replaces_the_earlier_one(kv, clock):
    """A second expire counts, whether it is longer or shorter than the first."""
    store = kv.MemoryStore(clock=clock)
    store.set("key", b"value")
    for seconds in (10, 100, 5):
        store.expire("key", seconds)
        assert store.ttl("key") == seconds


@points(1, suite="correctness", hint="nanoseconds")
def test_expire_on_a_missing_key_creates_nothing(kv, rng):
    """expire and expire_at return False for a key that is not there."""
    store = kv.MemoryStore()
    key = random_key(rng)
    assert [store.expire(key, 10), store.expire_at(key, 2**62)] == [False, False]
    assert [store.exists(key), store.keys()] == [False, []]


@points(1, suite="correctness", hint="nanoseconds")
def test_no_time_to_live_means_gone_at_once(kv, clock):
    """expire with zero or less returns True and the key is gone; so with a deadline in the past."""
    store = kv.MemoryStore(clock=clock)
    calls = [
        (store.expire, 0),
        (store.expire, -1),
        (store.expire, -0.5),
        (store.expire_at, clock.now_ns),
        (store.expire_at, 0),
        (store.expire_at, -1),
    ]
    for method, when in calls:
        store.set("key", b"value")
        assert [method("key", when), store.exists("key")] == [True, False]


@points(2, suite="correctness", hint="nanoseconds")
def test_a_time_to_live_that_makes_no_sense_is_refused(kv, clock):
    """NaN, infinite and far too long raise InvalidTTLError, and the old deadline stays."""
    store = kv.MemoryStore(clock=clock)
    store.set("key", b"value")
    store.expire("key", 10)
    for seconds in (float("nan"), float("inf"), float("-inf"), 1e10, 1e300, -1e300):
        with kv.raises("InvalidTTLError"):
            store.expire("key", seconds)
    assert store.ttl("key") == 10


@points(1, suite="correctness", hint="nanoseconds")
def test_a_deadline_fits_64_bits(kv):
    """The last deadline is 2**63 - 1; beyond 64 bits, expire_at raises InvalidTTLError."""
    store = kv.MemoryStore()
    store.set("key", b"value")
    assert store.expire_at("key", 2**63 - 1) is True
    for deadline in (2**63, -(2**63) - 1):
        with kv.raises("InvalidTTLError"):
            store.expire_at("key", deadline)
    assert store.deadline("key") == 2**63 - 1


@points(1, suite="correctness", hint="nanoseconds")
def test_deadlines_are_exact(kv, clock, rng):
    """A deadline comes back to the nanosecond, and parts of a second count."""
    store = kv.MemoryStore(clock=clock)
    store.set("key", b"value")
    deadline = clock.now_ns + rng.randrange(10**9, 10**12) * 2 + 1
    store.expire_at("key", deadline)
    assert store.deadline("key") == deadline
    store.expire("key", 1.5)
    assert store.deadline("key") == clock.now_ns + 1_500_000_000


@points(1, suite="correctness", hint="nanoseconds")
def test_ttl_has_parts_of_a_second(kv, clock):
    """ttl counts down smoothly: of 10 seconds, 7.5 are left after 2.5."""
    store = kv.MemoryStore(clock=clock)
    store.set("key", b"value")
    store.expire("key", 10)
    clock.advance(2.5)
    assert store.ttl("key") == 7.5


@points(1, suite="correctness", hint="nanoseconds")
def test_the_clock_is_unix_time_unless_told_otherwise(kv, clock):
    """Without a clock, deadlines count in real unix time, not from the start of the machine."""
    store = kv.MemoryStore()
    store.set("key", b"value")
    store.expire("key", 1000)
    assert store.deadline("key") > clock.now_ns  # the test clock stands still in 2023


@points(1, suite="correctness", hint="one-record")
def test_persist_needs_a_deadline_to_remove(kv, clock):
    """persist returns True once, and False for a key without a deadline or no key."""
    store = kv.MemoryStore(clock=clock)
    store.set("key", b"value")
    store.expire("key", 10)
    answers = [store.persist("key"), store.persist("key"), store.persist("no such key")]
    assert answers == [True, False, False]
    assert store.dump() == ({"key": b"value"}, {})


@points(1, suite="correctness", hint="the-instant")
def test_purge_takes_the_dead_and_only_once(kv, clock):
    """purge_expired counts dead keys, not those that die later, and each only once."""
    store = kv.MemoryStore(clock=clock)
    for key, seconds in (("a", 1), ("b", 2), ("c", 3)):
        store.set(key, b"value")
        store.expire(key, seconds)
    store.set("d", b"value")
    clock.advance(2)
    assert [store.purge_expired(), store.purge_expired()] == [2, 0]
    clock.advance(1)
    assert [store.purge_expired(), store.keys()] == [1, ["d"]]
