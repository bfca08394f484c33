"""A race on a student's page: the drawing, the list that says the same, and what is never shown."""

from __future__ import annotations

import itertools
import unicodedata
from typing import Any

import msgspec
import pytest
from rich.cells import cell_len

from grader.grading.model import Grade, StageRun
from grader.outcome import Failure, Frame, Held, Interleaving, Moment, Outcome, Step, Wait
from grader.report.html.timeline import CHAR, Timeline, timeline
from grader.report.turns import LATENT_MEANS
from grader.tests.make_outcomes import graded, stage1, stage2, unit
from grader.tests.make_pages import class_page, graded_with, student_page
from grader.tests.make_races import deadlock, latent, lost_update, race_outcome, torn_read
from grader.tests.read_page import Page

RACES = [lost_update, torn_read, deadlock, latent]
SECRET = "s3cr3t"
HOSTILE = [
    "<script>alert(1)</script>",
    "</text></svg><img src=x onerror=alert(1)>",
    '"onmouseover="alert(1)',
    "{{7*7}}{% include '/etc/passwd' %}",
    "a\x00b\x1b[2J\u202e\ud800\u2028",
    "]]> --> <!-- &lt;b&gt;",
]


def raced(failure: Failure, name: str = "race", **fields: Any) -> Outcome:
    return race_outcome(name, failure, 2, **{"hint": "torn", **fields})


def page_of(failure: Failure, **fields: Any) -> Page:
    return student_page(graded_with(raced(failure, **fields)))


def drawn(failure: Failure, **changes: Any) -> Timeline:
    assert failure.interleaving is not None
    return timeline(msgspec.structs.replace(failure.interleaving, **changes))


def filled(text: str) -> Failure:
    """A failure with that text in every field of its race."""
    frame = Frame(text, 4711, text, text)
    wait = Wait(0, text, text, (frame, frame), (Held(text, frame),))
    kinds = ("call", "line", "wait", "return", "raise")
    moments = [Moment(n % 2, k, text, text, 4711, (text,), n == 3) for n, k in enumerate(kinds)]
    steps = (Step(text, text),)
    race = Interleaving(
        (text, text), steps, tuple(moments), steps, text, 4711, text, (wait,), latent=True
    )
    return Failure(text, interleaving=race)


def test_the_drawing_holds_every_source_line_as_text() -> None:
    page = page_of(lost_update())
    assert "svg" in page.tags
    assert ("tspan", "class", "call") in page.attributes
    assert page.text.count("store.incr('n')") == 4  # twice in the drawing, twice in the list
    assert "83 number = int(self._items.get(key, b'0'))" in page.text
    assert "saw number = 42" in page.text
    assert "! here it hurts: switch to B" in page.text
    assert "Both threads read 41 before either wrote: incr is not atomic." in page.text
    assert "37 schedules were tried until one failed." in page.text


def test_the_list_says_the_same_with_file_and_line() -> None:
    text = page_of(lost_update()).text
    expected = (
        "The same as a list A store.incr('n') "
        "memory.py:83 number = int(self._items.get(key, b'0')) + by saw number = 42 "
        "! here it hurts: switch to B B store.incr('n') "
        "memory.py:83 number = int(self._items.get(key, b'0')) + by saw number = 42 "
        "memory.py:86 self._items[key] = b'%d' % number → 42 "
        "! here it hurts: switch to A A memory.py:86 self._items[key] = b'%d' % number → 42"
    )
    assert expected in text


def test_the_commands_replay_the_schedule() -> None:
    text = page_of(lost_update()).text
    replay = "nox -s stage2 -- --replay r1.incr-incr.7d41c09f"
    assert f"{replay} {replay} --debug When it is mended, search for others:" in text


def test_the_first_step_leads_to_the_line_where_a_thread_was_stopped() -> None:
    text = page_of(lost_update()).text
    assert "meanwhile: kvstore/memory.py:83 number = int(self._items.get(key, b'0')) + by" in text


def test_a_deadlock_says_who_waits_for_whom() -> None:
    expected = (
        "Who waits for whom A Is in store.set('k', b'1') "
        "Holds self._log_lock (Lock) taken at kvstore/store.py:60 in Store.set "
        "with self._log_lock: "
        "Waits for self._lock (RWLock), to write, which B holds "
        "at kvstore/store.py:61 in Store.set with self._lock.writing(): "
        "B Is in store.snapshot()"
    )
    assert expected in page_of(deadlock()).text


def test_a_latent_race_is_labelled_and_costs_half() -> None:
    plain, cheap = page_of(lost_update()), page_of(latent())
    assert "failed, latent · concurrency · \N{MINUS SIGN}3.57" in cheap.text
    assert LATENT_MEANS in cheap.text
    assert "failed · concurrency · \N{MINUS SIGN}7.14" in plain.text
    assert "atent" not in plain.text


@pytest.mark.parametrize("make", RACES)
def test_texts_stay_in_their_boxes_and_boxes_apart(make) -> None:
    picture = drawn(make())
    assert picture.boxes
    for box in picture.boxes:
        assert box.x + box.width <= picture.width
        for line in box.lines:
            assert box.x <= line.label_x or not line.label
            assert box.x < line.x
            assert line.x + cell_len(line.text) * CHAR < box.x + box.width
            assert box.y < line.y < box.y + box.height
    for above, below in itertools.pairwise(picture.boxes):
        assert above.y + above.height < below.y
    assert picture.boxes[-1].y + picture.boxes[-1].height <= picture.height


def test_wide_characters_and_endless_words_are_folded() -> None:
    moments = (
        Moment(0, "line", "値" * 200, "memory.py", 1, ("x" * 200,)),
        Moment(1, "call", "y" * 200),
    )
    boxes = drawn(lost_update(), moments=moments).boxes
    lines = [(box, line) for box in boxes for line in box.lines]
    assert len(lines) > 10
    assert all(line.x + cell_len(line.text) * CHAR < box.x + box.width for box, line in lines)


def test_a_thread_that_stands_still_within_a_call_has_a_line_for_it() -> None:
    picture = drawn(lost_update())
    (still,) = picture.stills
    first, second, third = picture.boxes
    assert still.x == first.x + 1.5
    assert first.y + first.height <= still.top < second.y
    assert still.bottom <= third.y


def test_the_arrow_of_a_switch_points_to_the_thread_that_goes_on() -> None:
    picture = drawn(torn_read())
    lanes = [head.x for head in picture.heads]
    assert [(cut.x, cut.to) for cut in picture.cuts] == [
        (lanes[0], lanes[2]),
        (lanes[2], lanes[1]),
        (lanes[1], lanes[0]),
        (lanes[0], lanes[1]),
    ]
    assert [cut.hurts for cut in picture.cuts] == [True, False, False, False]


def test_a_huge_race_stays_a_page() -> None:
    moments = tuple(
        Moment(n // 7 % 2, "line", "z" * 5_000, "memory.py", n, ("w" * 5_000,) * 50, n == 9_000)
        for n in range(10_000)
    )
    race = lost_update().interleaving
    assert race is not None
    steps = (Step("s" * 5_000, "t" * 5_000),) * 1_000
    huge = msgspec.structs.replace(
        race, moments=moments, before=steps, after=steps, diagnosis="d" * 100_000
    )
    page = page_of(Failure("no", interleaving=huge))
    assert len(page.html) < 600_000
    assert "rows left out" in page.text
    assert "! here it hurts" in page.text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_change_nothing_but_text(text: str) -> None:
    ours, page = page_of(filled("harmless")), page_of(filled(text))
    assert page.tags == ours.tags
    assert {(tag, name) for tag, name, _ in page.attributes} == {
        (tag, name) for tag, name, _ in ours.attributes
    }
    odd = {c for c in page.html if unicodedata.category(c) in {"Cc", "Cf", "Cs"} and c != "\n"}
    assert odd == set()


def test_of_a_hidden_race_a_students_page_says_nothing() -> None:
    told = raced(filled(SECRET), "hidden", hidden=True, title=SECRET)
    page = student_page(graded_with(told))
    assert "Torn tails 1 of 1" in page.text
    assert SECRET not in page.html
    assert "4711" not in page.html
    assert "race" not in {v for _, name, v in page.attributes if name == "class"}


def carried(failure: Failure) -> Grade:
    """A grade in which the race was met in stage 2 on the reference's files of stage 1."""
    own = unit(2, *stage2("torn", "parse").outcomes, raced(failure))
    better = unit(2, *stage2().outcomes, raced(failure))
    return graded(runs=(StageRun(1, stage1("set")), StageRun(2, own, better)))


def test_lines_of_the_reference_are_not_shown() -> None:
    grade = carried(lost_update())
    assert grade.carried_stages == (2,)
    page = student_page(grade)
    assert "in the reference's memory.py" in page.text
    assert "self._items" not in page.text
    assert "memory.py:83" not in page.text


def test_the_class_page_shows_no_race() -> None:
    page = class_page([graded_with(raced(filled(SECRET), title="fine"))])
    assert SECRET not in page.html
