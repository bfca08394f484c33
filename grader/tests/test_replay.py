"""An id of a schedule can be read back, fits its own program only, and is refused in a sentence."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.course import REFERENCE_DIR
from grader.oracle.workload import Workload, workloads
from grader.outcome import Outcome
from grader.races.replay import (
    ScheduleReplay,
    call_count,
    check_of_program,
    keep,
    parse_schedule,
)
from grader.replay import ReplayError
from grader.testkit.rerun import Rerun
from grader.unit import Unit, run_unit
from grader.unit.again import check_rerun

NAME = "test_no_increment_is_lost"
A, B, C, D = (("incr", (key, 1)) for key in "abcd")
WHOLE = Workload((A,), ((B, C), (D,)))

replays = st.builds(
    ScheduleReplay,
    test=st.from_regex(r"test_[a-z0-9_]{1,40}", fullmatch=True),
    seed=st.integers(0, 10**12),
    place=st.integers(0, 10**6),
    check=st.integers(0, 0xFFFF),
    kept=st.integers(0, 1 << 64),
    coarse=st.booleans(),
    switches=st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 9)), max_size=20).map(tuple),
)


@given(replays)
def test_an_id_can_be_read_back(replay):
    assert parse_schedule(f" {replay}\n") == replay
    assert " " not in str(replay)


@pytest.mark.parametrize(
    "text",
    [
        "",
        NAME,
        f"{NAME}:7",
        f"{NAME}:7:0:c0de:f:c",
        f"{NAME}:7:0:c0de:f:x:",
        f"{NAME}:7:0:C0DE:f:c:",
        f"{NAME}:7:0:c0de:f:c:16-",
        f"{NAME}:7:0:c0de:f:c:16-2.",
        f"{NAME}:-7:0:c0de:f:c:16-2",
        f"{NAME}:{'9' * 5000}:0:c0de:f:c:16-2",
        f"{NAME}:\u0667:0:c0de:f:c:16-2",
        f"../{NAME}:7:0:c0de:f:c:16-2",
    ],
)
def test_what_is_no_id_is_refused(text):
    with pytest.raises(ReplayError, match="copy it whole"):
        parse_schedule(text)


def test_only_the_calls_that_were_kept_are_left():
    assert call_count(WHOLE) == 4
    assert keep(WHOLE, 0b1111) == WHOLE
    assert keep(WHOLE, 0b1010) == Workload((), ((B,), (D,)))
    assert keep(WHOLE, 0b0101) == Workload((A,), ((C,),))
    assert keep(WHOLE, 0) == Workload((), ())


def replay_of(whole, kept, **others):
    known = {"test": NAME, "seed": 7, "place": 0, "check": check_of_program(whole), "coarse": True}
    return ScheduleReplay(**{**known, "kept": kept, "switches": (), **others})


def test_an_id_fits_its_own_program_alone():
    replay = replay_of(WHOLE, 0b1010)
    assert replay.workload(WHOLE) == Workload((), ((B,), (D,)))
    other = Workload((A,), ((B, C), (A,)))
    for whole, kept in ((other, 0b1010), (WHOLE, 0b11111)):
        with pytest.raises(ReplayError, match="another program"):
            replay_of(WHOLE, kept).workload(whole)
    with pytest.raises(ReplayError, match="leaves no call"):
        replay_of(WHOLE, 0b0001).workload(WHOLE)


def test_programs_that_are_drawn_have_checks_of_their_own():
    drawn = list(workloads(random.Random(1), aim=["incr"], count=40))
    again = list(workloads(random.Random(1), aim=["incr"], count=40))
    assert [check_of_program(whole) for whole in drawn] == [
        check_of_program(whole) for whole in again
    ]
    assert len({check_of_program(whole) for whole in drawn}) == len(
        {repr(whole) for whole in drawn}
    )


def outcome(status):
    place = f"stage1_foundation/tests/test_races.py::{NAME}"
    return Outcome(
        place,
        "A title.",
        1,
        "concurrency",
        1.0,
        "one-step",
        hidden=False,
        status=status,
        seconds=0.1,
    )


def test_a_test_that_never_ran_the_schedule_is_no_pass():
    rerun = Rerun(replay_of(WHOLE, 1, place=99))
    with pytest.raises(ReplayError, match="has no program 99, so nothing was run"):
        check_rerun(rerun, [outcome("passed")])
    check_rerun(rerun, [outcome("failed")])  # it says itself why
    rerun.is_done = True
    check_rerun(rerun, [outcome("passed")])


def test_a_test_of_another_stage_is_named():
    with pytest.raises(ReplayError, match="nor has another stage"):
        check_rerun(Rerun(replay_of(WHOLE, 1, test="test_nobody_knows")), [])
    wanted = "test_commands_of_clients_take_turns"
    with pytest.raises(ReplayError, match=f"no test {wanted}; it is a test of stage 6"):
        check_rerun(Rerun(replay_of(WHOLE, 1, test=wanted)), [])


def test_an_id_of_another_program_runs_nothing():
    unit = Unit(1, str(REFERENCE_DIR), seed=0, replay=str(replay_of(WHOLE, 0b1111)))
    with pytest.raises(ReplayError, match=f"{NAME} has another program there"):
        run_unit(unit)
