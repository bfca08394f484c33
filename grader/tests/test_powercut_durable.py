"""What is certainly on disk, compared with what the two models say in so many words."""

import random
from itertools import pairwise

import pytest

from grader.powercuts.durable import durable
from grader.powercuts.effects import CONTENT_EFFECTS, is_effect
from grader.tests.power_logs import drawn_events

MODELS = ("ordered", "strict")


def is_durable(events, place, point, model):
    """Some sync between the effect and the point covers it, and none of its file failed before."""
    effect = events[place]
    is_content = effect[0] in CONTENT_EFFECTS
    for event in events[place + 1 : point]:
        if event[:2] == ("failed", "fsync") and is_content and event[2] == effect[1]:
            return False
        if event[0] == "sync":
            return True
        if event[0] == "fsync" and is_content and event[1] == effect[1]:
            return True
        if event[0] in ("fsync", "fsync folder") and model == "ordered" and effect[0] != "write":
            return True
        if event[0] == "fsync folder" and not is_content:
            path = effect[2] if effect[0] in ("rename", "link") else effect[1]
            folder = path.rpartition("/")[0] or "."
            if folder == event[1]:
                return True
    return False


@pytest.mark.parametrize("model", MODELS)
def test_it_is_what_the_model_says(model):
    kept = 0
    for seed in range(300):
        events = drawn_events(random.Random(seed))
        for point in range(len(events) + 1):
            wanted = {
                place
                for place, event in enumerate(events[:point])
                if is_effect(event) and is_durable(events, place, point, model)
            }
            assert durable(events, point, model) == wanted
            kept += len(wanted)
    assert kept > 1000


def test_what_is_durable_stays_so():
    for seed in range(200):
        events = drawn_events(random.Random(seed))
        for model in MODELS:
            kept = [durable(events, point, model) for point in range(len(events) + 1)]
            assert all(one <= other for one, other in pairwise(kept))


def test_the_strict_model_keeps_no_more_than_the_ordered_one():
    for seed in range(200):
        events = drawn_events(random.Random(seed))
        point = len(events)
        assert durable(events, point, "strict") <= durable(events, point, "ordered")


# Events, and the places that are kept: in the ordered model, in the strict one.
CASES = {
    "nothing without a sync": ([("create", "a", 1), ("write", 1, 0, b"x")], set(), set()),
    "an fsync of the file": (
        [("create", "a", 1), ("write", 1, 0, b"x"), ("fsync", 1)],
        {0, 1},
        {1},
    ),
    "an fsync of its folder": (
        [("create", "a", 1), ("write", 1, 0, b"x"), ("fsync folder", ".")],
        {0},
        {0},
    ),
    "an fsync of another file": (
        [("create", "a", 1), ("create", "b", 2), ("write", 1, 0, b"x"), ("fsync", 2)],
        {0, 1},
        set(),
    ),
    "a length is committed with names, bytes are not": (
        [("truncate", 1, 0), ("write", 1, 0, b"x"), ("fsync", 2)],
        {0},
        set(),
    ),
    "a rename between folders, the new one synced": (
        [("rename", "t/a", "a", 1), ("fsync folder", ".")],
        {0},
        {0},
    ),
    "a rename between folders, only the old one synced": (
        [("rename", "t/a", "a", 1), ("fsync folder", "t")],
        {0},
        set(),
    ),
    "a rename between folders, both synced": (
        [("rename", "t/a", "u/a", 1), ("fsync folder", "t"), ("fsync folder", "u")],
        {0},
        {0},
    ),
    "a folder in a folder": (
        [("mkdir", "d"), ("mkdir", "d/e"), ("fsync folder", "d")],
        {0, 1},
        {1},
    ),
    "sync takes all": (
        [("mkdir", "d"), ("create", "d/a", 1), ("write", 1, 0, b"x"), ("sync",)],
        {0, 1, 2},
        {0, 1, 2},
    ),
    "what a failed fsync dropped comes never": (
        [("write", 1, 0, b"x"), ("failed", "fsync", 1), ("write", 1, 1, b"y"), ("fsync", 1)],
        {2},
        {2},
    ),
    "a failed fsync of the folder is made good": (
        [("create", "a", 1), ("failed", "fsync", -1), ("fsync folder", ".")],
        {0},
        {0},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_case(name):
    events, ordered, strict = CASES[name]
    assert durable(events, len(events), "ordered") == ordered
    assert durable(events, len(events), "strict") == strict
