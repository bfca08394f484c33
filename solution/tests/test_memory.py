"""The map in memory: every operation, its limits, and what several threads may see."""

import sys
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kvstore.errors import InvalidKeyError, InvalidTTLError, InvalidValueError, NotAnIntegerError
from kvstore.memory import MemoryStore

NS = 1_000_000_000
INT64_MAX = 2**63 - 1


class FakeClock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def store(clock):
    return MemoryStore(clock)


def test_set_get_exists_delete(store):
    assert store.get("a") is None
    store.set("a", b"")
    assert store.get("a") == b""
    assert store.exists("a")
    assert len(store) == 1
    assert store.delete("a") is True
    assert store.delete("a") is False
    assert not store.exists("a")


def test_setnx_sets_only_what_is_absent(store, clock):
    assert store.setnx("a", b"1") is True
    assert store.setnx("a", b"2") is False
    assert store.get("a") == b"1"
    store.expire("a", 1)
    clock.now += 1
    assert store.setnx("a", b"3") is True
    assert store.ttl("a") == -1


@pytest.mark.parametrize("key", ["", "k" * 65_537, "é" * 32_769, "\ud800", b"a", None, 1, ["a"]])
def test_every_method_refuses_a_bad_key(store, key):
    calls = [
        lambda: store.set(key, b""),
        lambda: store.get(key),
        lambda: store.delete(key),
        lambda: store.exists(key),
        lambda: store.setnx(key, b""),
        lambda: store.incr(key),
        lambda: store.expire(key, 1),
        lambda: store.expire_at(key, 1),
        lambda: store.ttl(key),
        lambda: store.persist(key),
        lambda: store.deadline(key),
    ]
    for call in calls:
        with pytest.raises(InvalidKeyError):
            call()
    assert len(store) == 0


@pytest.mark.parametrize("value", ["a", bytearray(b"a"), memoryview(b"a"), None, 1])
def test_a_value_that_is_not_bytes_is_refused(store, value):
    store.set("a", b"old")
    with pytest.raises(InvalidValueError):
        store.set("a", value)
    with pytest.raises(InvalidValueError):
        store.setnx("a", value)
    assert store.get("a") == b"old"


def test_limits_are_inclusive(store):
    store.set("k" * 65_536, b"")
    store.set("a", bytes(67_108_864))
    with pytest.raises(InvalidValueError):
        store.set("a", bytes(67_108_865))


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("*", ["a", "ab", "\n"], []),
        ("a*", ["a", "ab", "a\nb"], ["ba"]),
        ("*b*", ["b", "abc"], ["a"]),
        ("a**b", ["ab", "axb"], ["abc"]),
        ("*a*b*c", ["abc", "xaxbxc", "abcabc"], ["acb", "abcx"]),
        ("?", ["a", "é", "\n"], ["", "ab"]),
        ("a.b", ["a.b"], ["axb"]),
        ("h[ae]llo", ["hallo", "hello"], ["hillo", "haello"]),
        ("[a-c]", ["a", "b", "c"], ["d", "-"]),
        ("[c-a]", ["a", "b", "c"], ["d"]),
        ("[^a-c]x", ["dx", "\nx"], ["ax"]),
        ("[^a", ["b"], ["a"]),
        ("[ab", ["a", "b"], ["c", "[ab"]),
        ("[]", [], ["a", "[]"]),
        ("[^]", ["a", "]"], ["ab"]),
        (r"[\]]", ["]"], ["\\"]),
        (r"[a\-z]", ["a", "-", "z"], ["b"]),
        ("[a-]", ["a", "]", "^"], ["b", "-"]),
        ("[-a]", ["-", "a"], ["b"]),
        ("[&&||~~[[]", ["&", "|", "~", "["], ["a"]),
        (r"\*", ["*"], ["a"]),
        (r"a\?", ["a?"], ["ab"]),
        ("a\\", ["a\\"], ["a"]),
        ("", [], ["a"]),
        ("A", ["A"], ["a"]),
    ],
)
def test_keys_matches_globs_as_redis_does(store, pattern, matching, others):
    for key in [*matching, *others]:
        if key:
            store.set(key, b"")
    assert sorted(store.keys(pattern)) == sorted(matching)


def test_a_glob_of_many_stars_takes_no_time(store):
    store.set("a" * 5_000, b"")
    began = time.perf_counter()
    assert store.keys("*a" * 20 + "*b") == []
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize(
    ("value", "by", "total"),
    [
        (b"0", 1, 1),
        (b"-5", 5, 0),
        (b"41", -1, 40),
        (b"9223372036854775806", 1, INT64_MAX),
        (b"-9223372036854775807", -1, -INT64_MAX - 1),
        (None, 7, 7),
    ],
)
def test_incr(store, value, by, total):
    if value is not None:
        store.set("n", value)
    assert store.incr("n", by) == total
    assert store.get("n") == str(total).encode()


@pytest.mark.parametrize(
    "value",
    [
        *(b"", b"a", b"+1", b" 1", b"1 ", b"1\n", b"01", b"-0", b"1_0", b"1.0", b"\xd9\xa1", b"-"),
        *(b"9223372036854775808", b"-9223372036854775809", b"1" * 5_000),
    ],
)
def test_incr_refuses_what_redis_refuses(store, value):
    store.set("n", value)
    with pytest.raises(NotAnIntegerError):
        store.incr("n")
    assert store.get("n") == value


@pytest.mark.parametrize("by", [INT64_MAX + 1, -INT64_MAX - 2, 1.0, "1", None])
def test_incr_refuses_a_bad_step(store, by):
    store.set("n", b"-1")
    with pytest.raises(NotAnIntegerError):
        store.incr("n", by)


def test_incr_refuses_to_leave_64_bits(store):
    store.set("n", b"%d" % INT64_MAX)
    with pytest.raises(NotAnIntegerError):
        store.incr("n")
    assert store.get("n") == b"%d" % INT64_MAX


def test_a_key_is_dead_from_its_deadline_on(store, clock):
    store.set("a", b"1")
    assert store.expire("a", 2) is True
    assert store.ttl("a") == 2
    assert store.deadline("a") == 1002 * NS
    clock.now = 1001.5
    assert store.ttl("a") == 0.5
    clock.now = 1002.0
    assert store.get("a") is None
    assert not store.exists("a")
    assert store.keys() == []
    assert len(store) == 0
    assert store.ttl("a") == -2
    assert store.deadline("a") is None
    assert store.dump() == ({}, {})
    assert store.expire("a", 5) is False
    assert store.persist("a") is False
    assert store.purge_expired() == 1
    assert store.purge_expired() == 0


def test_deleting_a_dead_key_deletes_nothing(store, clock):
    store.set("a", b"1")
    store.expire("a", 1)
    clock.now += 1
    assert store.delete("a") is False


def test_set_clears_a_deadline_and_incr_keeps_it(store, clock):
    store.set("a", b"1")
    store.expire("a", 5)
    store.incr("a")
    assert store.ttl("a") == 5
    store.set("a", b"1")
    assert store.ttl("a") == -1
    store.expire("a", 5)
    clock.now += 5
    assert store.incr("a") == 1  # a dead key is a missing one
    assert store.ttl("a") == -1


def test_persist(store):
    assert store.persist("a") is False
    store.set("a", b"1")
    assert store.persist("a") is False
    store.expire("a", 5)
    assert store.persist("a") is True
    assert store.ttl("a") == -1


@pytest.mark.parametrize("seconds", [0, -1, -0.5])
def test_no_time_left_removes_the_key_at_once(store, seconds):
    store.set("a", b"1")
    assert store.expire("a", seconds) is True
    assert not store.exists("a")
    assert store.purge_expired() == 0


@pytest.mark.parametrize(
    "seconds", [float("nan"), float("inf"), -float("inf"), 1e300, 10**400, 2**63, "1", None]
)
def test_a_bad_time_to_live_is_refused(store, seconds):
    store.set("a", b"1")
    with pytest.raises(InvalidTTLError):
        store.expire("a", seconds)
    with pytest.raises(InvalidTTLError):
        store.expire("missing", seconds)
    assert store.ttl("a") == -1


@pytest.mark.parametrize("deadline_ns", [2**63, -(2**63) - 1, 1.5, "1", None])
def test_a_bad_deadline_is_refused(store, deadline_ns):
    store.set("a", b"1")
    with pytest.raises(InvalidTTLError):
        store.expire_at("a", deadline_ns)


def test_expire_at(store):
    assert store.expire_at("a", 1) is False
    store.set("a", b"1")
    assert store.expire_at("a", INT64_MAX) is True
    assert store.deadline("a") == INT64_MAX
    assert store.expire_at("a", 1000 * NS) is True
    assert not store.exists("a")


def test_dump_is_a_copy(store):
    store.set("a", b"1")
    store.set("b", b"2")
    store.expire("b", 1)
    items, deadlines = store.dump()
    assert (items, deadlines) == ({"a": b"1", "b": b"2"}, {"b": 1001 * NS})
    items.clear()
    assert len(store) == 2


@given(
    st.text(st.sampled_from("ab*?[]^-\\"), max_size=8), st.text("ab-^]\\[", min_size=1, max_size=4)
)
def test_any_pattern_is_a_pattern(pattern, key):
    store = MemoryStore()
    store.set(key, b"")
    assert store.keys(pattern) in ([], [key])
    assert store.keys("".join(f"\\{char}" for char in key)) == [key]


@pytest.fixture
def hurried():
    """Threads take turns as often as they can, so that a missing lock shows."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hurried")
def test_many_threads_lose_no_increment_and_one_wins_setnx():
    def clock():
        time.sleep(0)  # a good moment for another thread to come in between
        return 1000.0

    store = MemoryStore(clock)
    wins = []

    def work(name):
        for number in range(200):
            store.incr("n")
            if store.setnx(f"lock {number}", name):
                wins.append(number)

    threads = [threading.Thread(target=work, args=(b"%d" % i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.get("n") == b"800"
    assert sorted(wins) == list(range(200))


@pytest.mark.usefixtures("hurried")
def test_a_reader_sees_value_and_deadline_of_one_instant():
    store = MemoryStore()
    for number in range(100):
        store.set(f"{number}", b"")
    store.set("a", b"1")
    done = threading.Event()
    torn = []

    def read():
        while not done.is_set():
            items, deadlines = store.dump()
            if set(deadlines) - set(items) or store.get("a") is None:
                torn.append((items, deadlines))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(500):
        store.expire("a", 1000)
        store.incr("a")
        store.set("a", b"1")
        store.set("b", b"1")
        store.delete("b")
    done.set()
    reader.join()
    assert torn == []
