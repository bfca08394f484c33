"""The states that are tried: each is possible, the well-known ones are there, and their numbers
depend on nothing but the events.
"""

import random

import pytest

from grader.powercuts.durable import durable
from grader.powercuts.effects import Disk, Tree, is_effect
from grader.powercuts.states import CUTS_MAX, crash_states
from grader.tests.power_logs import drawn_events

MODELS = ("ordered", "strict")


def states_of_all(model, *, faults=False, count=150):
    for seed in range(count):
        events = drawn_events(random.Random(seed), faults=faults)
        yield events, list(crash_states(events, model))


def tree(state, start=()):
    return Disk(Tree({}), start).make(state.made()).tree()


@pytest.mark.parametrize("model", MODELS)
def test_every_state_lies_between_what_is_durable_and_all(model):
    for events, states in states_of_all(model, faults=True):
        for state in states:
            left = dict(state.effects)
            assert all(
                left[place] == events[place] for place in durable(events, state.point, model)
            )
            for place, effect in left.items():
                assert place < state.point
                real = events[place]
                assert effect[1:3] == real[1:3]
                if effect[0] == "zeros":
                    assert (real[0], len(real[3])) == ("write", effect[3])
                elif effect != real:
                    assert real[0] == "write"
                    assert real[3].startswith(effect[3])
            tree(state)


def test_a_journal_commits_names_and_lengths_in_order():
    """In the ordered model what is there of names and lengths is a beginning of what was made, and
    no byte is there that was written behind a truncation which is not.
    """
    for events, states in states_of_all("ordered"):
        for state in states:
            left = dict(state.effects)
            made = [
                place
                for place, event in enumerate(events[: state.point])
                if is_effect(event) and event[0] != "write"
            ]
            there = [place for place in made if place in left]
            assert there == made[: len(there)]
            for place in set(made) - set(there):
                if events[place][0] == "truncate":
                    later = [at for at in left if at > place and events[at][0] == "write"]
                    assert all(events[at][1] != events[place][1] for at in later)


@pytest.mark.parametrize("model", MODELS)
def test_what_is_out_of_order_is_said(model):
    for events, states in states_of_all(model):
        for state in states:
            left = dict(state.effects)
            files: dict[int, list[bool]] = {}
            for place, event in enumerate(events[: state.point]):
                if event[0] == "write":
                    is_whole = left.get(place) == event
                    files.setdefault(event[1], []).append(is_whole)
            holed = any(sorted(writes, reverse=True) != writes for writes in files.values())
            assert state.is_out_of_order == holed, (state.what, events[: state.point])


@pytest.mark.parametrize("model", MODELS)
def test_a_kill_leaves_everything_at_each_point(model):
    for events, states in states_of_all(model):
        killed = [state for state in states if state.is_kill]
        for state in killed:
            every = [event for event in events[: state.point] if is_effect(event)]
            assert state.made() == every
        points = {state.point for state in killed}
        assert points >= {n + 1 for n, event in enumerate(events) if is_effect(event)}


@pytest.mark.parametrize("model", MODELS)
def test_at_worst_all_is_lost_that_no_sync_covers(model):
    for events, states in states_of_all(model):
        for point in {state.point for state in states}:
            kept = durable(events, point, model)
            pending = {n for n, event in enumerate(events[:point]) if is_effect(event)} - kept
            worst = [dict(s.effects).keys() for s in states if s.point == point]
            assert not pending or kept in [frozenset(places) for places in worst]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("size", [1, 2, CUTS_MAX, CUTS_MAX + 1, 500])
def test_the_write_under_way_ends_anywhere(model, size):
    events = [("create", "a", 1), ("fsync folder", "."), ("write", 1, 0, b"x" * size)]
    trees = [tree(state) for state in crash_states(events, model) if state.point == 3]
    lengths = {len(one.files["a"]) for one in trees}
    if size <= CUTS_MAX:
        assert lengths == set(range(size + 1))
    else:
        assert lengths >= {0, 1, size - 2, size - 1, size}
        assert len(lengths) < 12


def test_the_classic_mistakes_are_among_the_states():
    """A file that was renamed before its bytes were synced has its name and none of them, or only
    zeros, or a part; strictly, a name that no fsync of its folder covers may be missing.
    """
    events = [
        *(("file", "s", 1), ("create", "t", 2), ("write", 2, 0, b"new")),
        *(("rename", "t", "s", 2), ("fsync folder", ".")),
    ]
    start, old = events[:1], Tree({"s": b"old"})
    ordered = [
        Disk(old, start).make(state.made()).tree().files
        for state in crash_states(events, "ordered")
    ]
    for content in (b"", b"n", b"ne", b"new", bytes(3)):
        assert {"s": content} in ordered
    unsynced = [*events[:3], ("fsync", 2), events[3], ("end", 1)]
    strict = [
        Disk(old, start).make(state.made()).tree().files
        for state in crash_states(unsynced, "strict")
        if state.point == len(unsynced)
    ]
    assert {"s": b"new"} in strict
    assert {"s": b"old", "t": b"new"} in strict
    assert {"s": b"old"} in strict


def test_an_earlier_write_may_be_missing_behind_which_a_later_one_is():
    events = [("create", "a", 1), ("sync",), ("write", 1, 0, b"ab"), ("write", 1, 2, b"cd")]
    states = list(crash_states(events, "ordered"))
    holed = [state for state in states if state.is_out_of_order]
    assert [tree(state).files for state in holed] == [{"a": b"\0\0cd"}]


def test_a_folder_that_is_lost_takes_its_files_with_it():
    events = [("mkdir", "d"), ("create", "d/a", 1), ("write", 1, 0, b"x"), ("fsync", 1)]
    events += [("fsync folder", "d")]
    strict = [tree(state) for state in crash_states(events, "strict") if state.point == 5]
    assert Tree({}, ()) in strict
    ordered = [tree(state) for state in crash_states(events, "ordered") if state.point == 5]
    assert ordered == [Tree({"d/a": b"x"}, ("d",))]


def test_two_names_in_turn_for_one_file():
    """Temporary files of the same name, one after the other: each state has whole files only."""
    events = []
    for number, data in ((1, b"one"), (2, b"two")):
        events += [("create", "t", number), ("write", number, 0, data), ("fsync", number)]
        events += [("rename", "t", "s", number), ("fsync folder", ".")]
    for model in MODELS:
        for state in crash_states(events, model):
            found = tree(state).files.get("s")
            wanted = {None, b"one"} if state.point < 9 else {b"one", b"two"}
            assert found in (wanted if state.point < 10 else {b"two"}), state


@pytest.mark.parametrize("model", MODELS)
def test_numbers_depend_on_nothing_but_the_events(model):
    for events, states in states_of_all(model, faults=True, count=60):
        assert [state.number for state in states] == list(range(len(states)))
        assert states == list(crash_states(events, model))
        other = [
            (*event[:3], bytes(len(event[3]))) if event[0] == "write" else event for event in events
        ]
        told = [(state.point, state.what, state.number) for state in states]
        assert told == [(s.point, s.what, s.number) for s in crash_states(other, model)]


def test_their_number_stays_small_when_nothing_is_synced():
    events = [("create", "a", 1), *(("write", 1, n, b"x") for n in range(300))]
    for model in MODELS:
        assert sum(1 for _ in crash_states(events, model)) < 10_000


def test_what_was_there_before_has_no_states_of_its_own():
    events = [("file", "a", 1), ("file", "b", 2), ("begin", 0), ("unlink", "a")]
    assert [state.point for state in crash_states(events, "ordered")][:1] == [2]
