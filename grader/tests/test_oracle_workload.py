"""Generated programs are small, are about what was asked for, and come out the same everywhere."""

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.oracle.arguments import ADVANCE_SECONDS
from grader.oracle.model import Raises
from grader.oracle.operations import OPERATIONS, READS, state_after
from grader.oracle.whole import START_NS, State
from grader.oracle.workload import PARTNERS, Workload, conflict, last_looks, pairs, workloads

DRAWN = sorted(OPERATIONS.keys() - {"advance", "reopen"})


def drawn(*aim, seed=1, count=50, **wanted):
    return list(workloads(random.Random(seed), aim=aim, count=count, **wanted))


def start_of(program):
    return state_after(State(), program.before)


def meets(name, plans):
    return any(
        conflict(op, other)
        for one, another in itertools.permutations(plans, 2)
        for op in one
        for other in another
        if op[0] == name
    )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(DRAWN), min_size=1, max_size=3),
    st.integers(2, 3),
    st.integers(0, 99),
)
def test_what_is_aimed_at_is_there_and_meets_something(aim, threads, seed):
    for program in drawn(*aim, seed=seed, count=3, threads=threads, calls=3):
        assert len(program.plans) == threads
        assert all(1 <= len(plan) <= 3 for plan in program.plans)
        assert {name for plan in program.plans for name, _ in plan} <= {*aim, *PARTNERS}
        assert all(meets(name, program.plans) for name in aim)


@pytest.mark.parametrize("pair", pairs(DRAWN))
def test_every_pair_of_operations_can_be_asked_for(pair):
    assert len(drawn(*pair, count=5)) == 5


def test_pairs_leave_out_those_that_only_read():
    assert pairs(["get", "set", "exists"]) == [("get", "set"), ("set", "set"), ("set", "exists")]


def test_a_program_can_be_run_and_no_value_is_written_twice():
    for program in drawn("set", "setnx", "incr", "apply_batch", threads=3, calls=3):
        assert all(OPERATIONS[name].writes for name, _ in program.before)
        state = start_of(program)
        for name, args in itertools.chain(*program.plans):
            expected, state = OPERATIONS[name].act(state, args, state.now_ns)
            assert not isinstance(expected, Raises) or name == "incr"
        values = [args[1] for _, args in _writes(program)] + [args[1] for _, args in _sets(program)]
        assert len(values) == len(set(values))


def _writes(program):
    """Every set and setnx, and what it writes, except the text that incr is to stumble on."""
    ops = itertools.chain(program.before, *program.plans)
    return [op for op in ops if op[0] in ("set", "setnx") and op[1][1] != b"text"]


def _sets(program):
    """Every set in a batch, as if it were a call."""
    batches = [args[0] for name, args in itertools.chain(*program.plans) if name == "apply_batch"]
    return [(name, args) for batch in batches for name, *args in batch if name == "set"]


def test_a_sum_tells_which_incr_are_in_it():
    for program in drawn("incr", threads=3, calls=3):
        added = [args[1] for name, args in itertools.chain(*program.plans) if name == "incr"]
        assert all(by & (by - 1) == 0 for by in added)
        assert len(added) == len(set(added))
        assert sum(added) < 1000


@pytest.mark.parametrize("name", DRAWN)
def test_each_key_holds_in_turn_all_that_the_operation_should_meet(name):
    """Also a dead key that nobody purged; and nothing else than what it should meet."""
    seen = set()
    for program in drawn(name, count=100):
        state = start_of(program)
        held = dict(state.records)
        seen |= {_holding(held.get(key), state.now_ns) for key in ("x", "y")}
    assert seen == set(OPERATIONS[name].holdings)


def _holding(record, now_ns):
    if record is None:
        return "nothing"
    if record.deadline_ns is not None:
        return "lasting" if record.outlives(now_ns) else "dead"
    return "number" if record.value.isdigit() else "text"


def test_the_clock_moves_before_the_threads_start_or_not_at_all():
    for program in drawn("purge_expired", "expire", "expire_at"):
        now_ns = start_of(program).now_ns
        assert now_ns - START_NS in (0, ADVANCE_SECONDS * 10**9)
        assert "advance" not in {name for name, _ in itertools.chain(*program.plans)}
    for program in drawn("purge_expired", "set", moves_clock=False):
        assert start_of(program).now_ns == START_NS
    moving = drawn("advance", "persist")
    assert {name for p in moving for name, _ in itertools.chain(*p.plans)} >= {"advance"}


def test_the_same_seed_gives_the_same_programs_on_every_version_of_python():
    programs = drawn("incr", "setnx", seed=7, count=2)
    assert programs == [
        Workload(
            (("set", ("y", b"1000")),),
            (
                (("incr", ("x", 1)), ("incr", ("x", 2))),
                (("setnx", ("x", b"2000")),),
            ),
        ),
        Workload(
            (
                ("set", ("x", b"1000")),
                ("expire_at", ("x", START_NS + 5 * 10**9)),
                ("set", ("y", b"2000")),
                ("advance", (10,)),
            ),
            ((("setnx", ("x", b"3000")),), (("incr", ("x", 1)),)),
        ),
    ]
    assert drawn("incr", seed=7) != drawn("incr", seed=8)


@pytest.mark.parametrize(
    ("aim", "wanted"),
    [
        ((), {}),
        (("set",), {"keys": ()}),
        (("set",) * 5, {}),
        (("get",), {"partners": ("exists",)}),
        (("set",), {"threads": 1}),
    ],
)
def test_a_program_that_cannot_be_is_refused(aim, wanted):
    with pytest.raises(ValueError, match=r"cannot meet|no program of"):
        drawn(*aim, **wanted)


def test_the_last_looks_cover_every_key_that_was_named():
    batch = ("apply_batch", ((("set", "b", b"1"), ("delete", "c")),))
    program = Workload((("set", ("a", b"1")),), ((batch, ("keys", ("*",))), (("get", ("d",)),)))
    looks = last_looks(program)
    assert {args[0] for _, args in looks} == {"a", "b", "c", "d"}
    assert {name for name, _ in looks} == {"get", "deadline"} <= READS


@pytest.mark.parametrize(
    ("one", "other", "is_conflict"),
    [
        (("get", ("x",)), ("exists", ("x",)), False),
        (("get", ("x",)), ("set", ("x", b"1")), True),
        (("get", ("x",)), ("set", ("y", b"1")), False),
        (("keys", ("*",)), ("set", ("y", b"1")), True),
        (("keys", ("*",)), ("dump", ()), False),
        (("apply_batch", ((("delete", "x"),),)), ("get", ("x",)), True),
        (("apply_batch", ((("delete", "x"),),)), ("get", ("y",)), False),
        (("close", ()), ("get", ("y",)), True),
    ],
)
def test_calls_conflict_where_their_order_may_matter(one, other, is_conflict):
    assert conflict(one, other) is conflict(other, one) is is_conflict
