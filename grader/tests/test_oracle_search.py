"""The oracle accepts what some order explains, rejects what none does, and never guesses."""

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.oracle.history import Call, precedes
from grader.oracle.linearizable import check_store
from grader.oracle.model import Raises, Record, Within, agrees
from grader.oracle.operations import OPERATIONS
from grader.oracle.whole import AnyOrder, State

NUMBER = ("NotAnIntegerError", "ValueError", "Exception")


def call(thread, name, *args, at, gives=None, raises=()):
    """One call; `at` is when it began and returned."""
    return Call(thread, name, args, *at, gives, raises)


def one_key(value):
    return State().put("x", Record(value))


# Known histories.


def test_calls_that_do_not_overlap_keep_their_order():
    set_first = call(0, "set", "x", b"1", at=(0, 1))
    assert check_store([set_first, call(1, "get", "x", at=(2, 3), gives=b"1")]).kind == "ok"
    assert check_store([set_first, call(1, "get", "x", at=(2, 3))]).kind == "violated"
    assert check_store([set_first, call(1, "get", "x", at=(1, 3))]).kind == "ok"


def test_a_lost_update_is_found_and_told():
    history = [
        call(0, "incr", "x", 1, at=(0, 5), gives=42),
        call(1, "incr", "x", 1, at=(1, 6), gives=42),
        call(1, "get", "x", at=(7, 8), gives=b"42"),
    ]
    verdict = check_store(history, one_key(b"41"))
    assert (verdict.kind, verdict.key) == ("violated", "x")
    assert verdict.calls == tuple(history[:2])  # what comes after hurts no more
    assert verdict.order == (history[0],)
    assert verdict.unplaced == (history[1],)
    assert verdict.state == one_key(b"42")


def test_a_reader_never_sees_a_new_value_and_then_the_old_one():
    writing = call(0, "set", "x", b"new", at=(0, 10))
    new, old = (call(1, "get", "x", at=(2, 3), gives=b"new"), call(2, "get", "x", at=(4, 5)))
    assert check_store([writing, new, old]).kind == "violated"
    assert check_store([writing, new]).kind == "ok"
    assert check_store([writing, old]).kind == "ok"


def test_a_call_that_never_returned_may_have_happened_or_not():
    lost = call(0, "incr", "x", 1, at=(0, None))
    for seen in (None, b"1"):
        assert check_store([lost, call(1, "get", "x", at=(5, 6), gives=seen)]).kind == "ok"
    both = [
        call(1, "get", "x", at=(5, 6), gives=b"1"),
        call(1, "get", "x", at=(7, 8), gives=None),
    ]
    assert check_store([lost, *both]).kind == "violated"


def test_a_thread_keeps_its_order_though_its_calls_overlap():
    """A client that sends several commands at once is answered, and served, in order."""
    first, second = call(0, "set", "x", b"1", at=(0, 9)), call(0, "set", "x", b"2", at=(0, 10))
    looks = [call(1, "get", "x", at=(11, 12), gives=value) for value in (b"1", b"2")]
    assert check_store([first, second, looks[1]]).kind == "ok"
    assert check_store([first, second, looks[0]]).kind == "violated"
    other = call(2, "set", "x", b"2", at=(0, 10))
    assert check_store([first, other, looks[0]]).kind == "ok"


def test_a_command_that_was_not_answered_came_before_the_next_of_its_thread():
    unanswered = call(0, "set", "x", b"1", at=(0, None))
    answered = call(0, "set", "y", b"2", at=(0, 5))
    length = call(1, "__len__", at=(6, 7), gives=1)
    assert check_store([unanswered, answered, length]).kind == "violated"
    assert check_store([unanswered, call(1, "__len__", at=(6, 7), gives=0)]).kind == "ok"


def test_a_torn_view_of_two_keys_is_found():
    writes = [
        call(0, "set", "x", b"1", at=(0, 1)),
        call(0, "set", "y", b"1", at=(2, 3)),
    ]
    views = {
        (): "ok", ("x",): "ok", ("y", "x"): "ok", ("y",): "violated", ("x", "x"): "violated",
    }  # fmt: skip
    for keys, kind in views.items():
        view = call(1, "keys", "*", at=(0, 9), gives=list(keys))
        assert check_store([*writes, view]).kind == kind, keys


def test_the_right_error_is_a_result_and_any_other_is_a_violation():
    words = one_key(b"words")
    for name, gives, raises, kind in (
        ("incr", None, NUMBER, "ok"),
        ("incr", 1, (), "violated"),
        ("incr", None, ("KeyError", "Exception"), "violated"),
        ("get", None, ("RuntimeError", "Exception"), "violated"),
        ("get", b"words", (), "ok"),
    ):
        verdict = check_store([call(0, name, "x", at=(0, 1), gives=gives, raises=raises)], words)
        assert verdict.kind == kind, (name, gives, raises)


def test_only_the_key_that_is_wrong_is_told():
    right = [call(0, "set", f"k{n}", b"1", at=(2 * n, 2 * n + 1)) for n in range(5)]
    wrong = call(1, "get", "k3", at=(20, 21), gives=b"2")
    verdict = check_store([*right, wrong])
    assert (verdict.key, verdict.calls) == ("k3", (right[3], wrong))


# The limits of a search.


def test_a_search_at_its_limit_is_unknown_and_a_wrong_key_still_wrong():
    crowd = [call(n, "set", "x", b"%d" % n, at=(0, 100)) for n in range(8)]
    crowd.append(call(0, "get", "x", at=(101, 102), gives=b"nobody's"))
    assert check_store(crowd, limit=50).kind == "unknown"
    assert check_store(crowd).kind == "violated"
    wrong = call(11, "get", "y", at=(0, 100), gives=b"?")
    assert check_store([*crowd, wrong], limit=50).key == "y"


def test_long_histories_stay_within_few_configurations():
    """The more is tried in vain, the slower: this counts what does not depend on the machine."""
    rng = random.Random(11)
    for keys in (["x"], [f"k{n}" for n in range(8)]):
        history = _crowd(rng, keys, threads=8, count=1000)
        assert check_store(history, limit=8_000).kind == "ok"


def test_a_call_that_returned_before_it_began_is_refused():
    with pytest.raises(ValueError, match="returned before it began"):
        check_store([call(0, "get", "x", at=(5, 3))])


def test_an_operation_that_nobody_knows_is_refused():
    with pytest.raises(KeyError):
        check_store([call(0, "getset", "x", b"1", at=(0, 1))])


def test_nothing_is_explained_by_nothing():
    assert check_store([]).kind == "ok"


# Any history.

KEYS = st.sampled_from(["x", "y"])
VALUES = st.sampled_from([b"1", b"20", b"text"])
ARGUMENTS = {
    "get": st.tuples(KEYS),
    "exists": st.tuples(KEYS),
    "set": st.tuples(KEYS, VALUES),
    "delete": st.tuples(KEYS),
    "setnx": st.tuples(KEYS, VALUES),
    "incr": st.tuples(KEYS, st.integers(1, 2)),
    "expire": st.tuples(KEYS, st.sampled_from([0, 5, 100])),
    "persist": st.tuples(KEYS),
    "deadline": st.tuples(KEYS),
    "ttl": st.tuples(KEYS),
    "keys": st.tuples(st.sampled_from(["*", "x*"])),
    "__len__": st.just(()),
    "dump": st.just(()),
    "purge_expired": st.just(()),
    "apply_batch": st.just(((("set", "x", b"3"), ("delete", "y")),)),
    "close": st.just(()),
}
WHOLE = {"keys", "__len__", "dump", "purge_expired", "apply_batch", "close"}


def ops(names):
    return st.sampled_from(sorted(names)).flatmap(
        lambda name: st.tuples(st.just(name), ARGUMENTS[name])
    )


@st.composite
def histories(draw, names, size):
    """What one thread would do, spread over several: each call overlaps its neighbours."""
    state, history, free_at = State(), [], {}
    for number, (name, args) in enumerate(draw(st.lists(ops(names), max_size=size))):
        instant = 10 * number
        thread = next(n for n in itertools.count() if free_at.get(n, -1) < instant)
        invoked = max(free_at.get(thread, -1) + 1, instant - draw(st.integers(0, 25)))
        returned = instant + draw(st.integers(0, 25))
        expected, state = OPERATIONS[name].act(state, args, state.now_ns)
        raises = (expected.error, "Exception") if isinstance(expected, Raises) else ()
        gives = None if raises else example(expected)
        history.append(Call(thread, name, args, invoked, returned, gives, raises))
        free_at[thread] = returned
    return history


def example(expected):
    """Something that a call may give back where the model expects this."""
    if isinstance(expected, AnyOrder):
        return list(reversed(expected.members))
    return round(expected.high) if isinstance(expected, Within) else expected


def explained(history):
    """Try all orders of all calls, those that never returned being there or not."""
    back = [call for call in history if call.returned is not None]
    lost = [call for call in history if call.returned is None]
    return any(
        _fits(order)
        for count in range(len(lost) + 1)
        for some in itertools.combinations(lost, count)
        for order in itertools.permutations([*back, *some])
    )


def _fits(order):
    if any(precedes(later, one) for one, later in itertools.combinations(order, 2)):
        return False
    state = State()
    for call in order:
        expected, state = OPERATIONS[call.name].act(state, call.args, state.now_ns)
        if not agrees(call, expected):
            return False
    return True


@settings(max_examples=50, deadline=None)
@given(histories(set(ARGUMENTS) - WHOLE, 30))
def test_what_came_from_an_order_is_explained_key_by_key(history):
    assert check_store(history).kind == "ok"


@settings(max_examples=50, deadline=None)
@given(histories(ARGUMENTS, 15))
def test_what_came_from_an_order_is_explained_as_a_whole(history):
    assert check_store(history).kind == "ok"


@settings(max_examples=200, deadline=None)
@given(st.data(), st.sampled_from([set(ARGUMENTS) - WHOLE, set(ARGUMENTS)]))
def test_a_history_is_wrong_where_no_order_at_all_explains_it(data, names):
    history = data.draw(histories(names, 5))
    for number, call in enumerate(history):
        change = data.draw(st.sampled_from(["none", "none", "result", "error", "lost"]))
        result = data.draw(st.sampled_from([None, True, False, 0, 1, 2, b"1", b"20", ["x"]]))
        is_last = all(other.thread != call.thread for other in history[number + 1 :])
        if change == "result":
            history[number] = Call(*_when(call), call.returned, result)
        elif change == "error":
            history[number] = Call(*_when(call), call.returned, None, NUMBER)
        elif change == "lost" and is_last:
            history[number] = Call(*_when(call), None)
    verdict = check_store(history)
    assert verdict.kind == ("ok" if explained(history) else "violated")
    if verdict.kind == "violated":
        _check_the_shortest(verdict, history)


def _when(call):
    return call.thread, call.name, call.args, call.invoked


def _check_the_shortest(verdict, history):
    """It is a beginning of what happened, wrong, and right without its last return."""
    assert not explained(verdict.calls)
    last = max(call.returned for call in verdict.calls if call.returned is not None)
    before = [
        call if call.returned is not None and call.returned < last else Call(*_when(call), None)
        for call in verdict.calls
    ]
    assert explained(before)
    assert {_when(call) for call in verdict.calls} <= {_when(call) for call in history}
    assert verdict.unplaced
    assert set(map(id, verdict.order)).isdisjoint(map(id, verdict.unplaced))


def _crowd(rng, keys, *, threads, count):
    """A history of busy threads that came from an order."""
    state, history, free_at = State(), [], [0] * threads
    instant = 0
    for number in range(count):
        thread = min(range(threads), key=free_at.__getitem__)
        invoked = free_at[thread] + int(rng.random() * 20)
        instant = max(instant, invoked) + 10
        name = ("get", "set", "incr", "setnx", "delete")[int(rng.random() * 5)]
        key = keys[int(rng.random() * len(keys))]
        args = (key, b"%d" % number) if name in ("set", "setnx") else (key,)
        expected, state = OPERATIONS[name].act(state, args, state.now_ns)
        returned = instant + int(rng.random() * 100)
        history.append(Call(thread, name, args, invoked, returned, expected))
        free_at[thread] = returned + 1
    return history
