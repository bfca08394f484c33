"""Of the reference's files nothing but their names is left in a failure."""

from __future__ import annotations

import msgspec
import pytest

from grader.outcome import Failure, Frame, Moment
from grader.own_lines import own_failure
from grader.tests.make_races import deadlock, latent, lost_update, torn_read


def test_frames_of_the_reference_are_taken_out() -> None:
    mine, theirs = Frame("store.py", 1, "f", "mine"), Frame("memory.py", 2, "g", "theirs")
    failure = Failure("no", frames=(theirs, mine, theirs))
    assert own_failure(failure, {"memory.py"}.__contains__) == Failure("no", frames=(mine,))


@pytest.mark.parametrize("make", [lost_update, torn_read, deadlock, latent])
def test_with_nothing_of_the_reference_all_stays(make) -> None:
    assert own_failure(make(), lambda file: False) == make()


@pytest.mark.parametrize("make", [lost_update, torn_read, deadlock, latent])
def test_no_line_and_no_variable_of_the_reference_is_left(make) -> None:
    race = own_failure(make(), {"memory.py", "store.py"}.__contains__).interleaving
    assert race is not None
    calls = ("call", "return", "raise")
    assert all(m.kind in calls or m.text.startswith("in the reference's ") for m in race.moments)
    assert {(m.file, m.line, m.saw) for m in race.moments} == {("", 0, ())}
    assert all(not wait.frames for wait in race.waits)
    assert all(not held.place.source for wait in race.waits for held in wait.holds)


def test_many_steps_in_the_reference_are_one_and_every_switch_that_hurts_stays() -> None:
    step = Moment(0, "line", "secret", "memory.py", 1)
    other = msgspec.structs.replace(step, thread=1, hurts=True)
    race = lost_update().interleaving
    assert race is not None
    moments = (step, step, step, other, msgspec.structs.replace(other, hurts=False), step)
    failure = Failure("no", interleaving=msgspec.structs.replace(race, moments=moments))
    told = own_failure(failure, {"memory.py"}.__contains__).interleaving
    assert told is not None
    assert [(m.thread, m.hurts) for m in told.moments] == [(0, False), (1, True), (0, False)]
    assert "secret" not in str(told)
