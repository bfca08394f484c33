"""What a student reads of a race in the terminal."""

from __future__ import annotations

import io
import itertools
import re
import textwrap
import unicodedata
from typing import Any

import msgspec
import pytest
from rich.cells import cell_len
from rich.console import Console, Group

from grader.outcome import Failure, Interleaving, Moment, Step
from grader.report.console import print_page
from grader.report.failure import failure_section
from grader.report.interleaving import interleaving_parts
from grader.report.turns import LATENT_MEANS, ROWS_MAX, TEXT_CHARS_MAX, found_words, turns_of
from grader.tests.draw_page import drawn
from grader.tests.make_races import deadlock, latent, lost_update, race_outcome, torn_read

RACES = {"lost": lost_update, "torn": torn_read, "deadlock": deadlock, "latent": latent}
HOSTILE = "a\x1b[2J\x07\n\u202eb\x00\ud800\u2028" + "x" * 500


def section(failure: Failure, width: int = 80, **fields: Any) -> str:
    told = failure_section(
        1, race_outcome("race", failure, **fields), 123, path_of=lambda file: f"work/kvstore/{file}"
    )
    return drawn(told, width)


def race_of(failure: Failure, **changes: Any) -> Interleaving:
    assert failure.interleaving is not None
    return msgspec.structs.replace(failure.interleaving, **changes)


def changed(failure: Failure, **changes: Any) -> Failure:
    return msgspec.structs.replace(failure, interleaving=race_of(failure, **changes))


def long_race(rows: int, hurts: int) -> Failure:
    """A race of many rows, of which one is the switch that hurts."""
    moments = [Moment(0, "call", "first()")]
    moments += [Moment(n >= hurts, "line", f"row {n}", "memory.py", n) for n in range(1, rows)]
    moments[hurts] = msgspec.structs.replace(moments[hurts], hurts=True)
    return changed(lost_update(), moments=tuple(moments))


def test_a_lost_update_is_two_columns() -> None:
    expected = """\
        ── 1  failed ──────────────────────────────────────────── 2 points · concurrency
        race works
        tests/test_all.py::test_race

        Two increments of 41 left 42

        Both threads read 41 before either wrote: incr is not atomic.

        37 schedules were tried until one failed. Cut down to what the failure needs:

          Before  store.set('n', b'41')

          A                                       B
          │ store.incr('n')
          │ memory.py
          │ 83  number =
          │     int(self._items.get(key, b'0'))
          │     + by
          │     saw number = 42
          ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ ! here it hurts: switch to B ━━━━━━━━━
          ┊                                       │ store.incr('n')
          ┊                                       │ memory.py
          ┊                                       │ 83  number =
          ┊                                       │     int(self._items.get(key, b'0'))
          ┊                                       │     + by
          ┊                                       │     saw number = 42
          ┊                                       │ 86  self._items[key] = b'%d' %
          ┊                                       │     number
          ┊                                       │ → 42
          ! here it hurts: switch to A ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
          │ memory.py
          │ 86  self._items[key] = b'%d' %
          │     number
          │ → 42

          ! marks a switch between threads without which nothing goes wrong.

          After   store.get('n')  → b'42'

        Expected   b'43'
        Came back  b'42'

        Run exactly this schedule again, or walk through it in a debugger:
            nox -s stage1 -- --replay r1.incr-incr.7d41c09f
            nox -s stage1 -- --replay r1.incr-incr.7d41c09f --debug
        When it is mended, search for others:
            nox -s stage1 -- -k test_race --seed 123

        """
    assert section(lost_update()) == textwrap.dedent(expected)


def test_a_wide_terminal_has_file_and_line_beside_each_source_line() -> None:
    text = section(lost_update(), 120)
    assert re.search(r"^  ┊ {59}│ memory\.py:86  self\._items\[key\] = b'%d' % number$", text, re.M)
    assert "│ memory.py\n" not in text


def test_a_narrow_terminal_has_one_column_with_the_threads_names() -> None:
    text = section(lost_update(), 60)
    expected = """\
          ! here it hurts: switch to B ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
          B │ store.incr('n')
            │ memory.py:83  number = int(self._items.get(key, b'0'))
            │               + by
            │               saw number = 42
            │ memory.py:86  self._items[key] = b'%d' % number
            │ → 42
          ! here it hurts: switch to A ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
          A │ memory.py:86  self._items[key] = b'%d' % number
        """
    assert textwrap.indent(textwrap.dedent(expected), "  ") in text


def test_three_threads_have_three_columns_where_there_is_room() -> None:
    wide = section(torn_read(), 120)
    assert re.search(r"^  writer {34}late writer {29}reader$", wide, re.M)
    assert re.search(r"^  ━+ ! here it hurts: switch to reader ━+$", wide, re.M)
    assert re.search(
        r"^  │  52  self\._items\[key\] = value {9}┊$", wide, re.M
    )  # the lock's waiter
    assert "late writer │ store.set('a', b'2')" in section(torn_read(), 80)


def test_a_thread_that_waits_says_so() -> None:
    assert "132  with self._log_lock:  (waits)" in section(deadlock())


def test_a_deadlock_says_who_holds_what_and_waits_for_what() -> None:
    expected = """\
        Who waits for whom
          A
            is in      store.set('k', b'1')
            holds      self._log_lock (Lock)
                       taken at work/kvstore/store.py:60 in Store.set
                         with self._log_lock:
            waits for  self._lock (RWLock), to write, which B holds
                       at work/kvstore/store.py:61 in Store.set
                         with self._lock.writing():
          B
            is in      store.snapshot()
            holds      self._lock (RWLock), to write
                       taken at work/kvstore/store.py:131 in Store.snapshot
                         with self._lock.writing():
            waits for  self._log_lock (Lock), which A holds
                       at work/kvstore/store.py:132 in Store.snapshot
                         with self._log_lock:
        """
    assert textwrap.dedent(expected) in section(deadlock())


def test_a_thread_can_wait_for_what_it_holds_itself() -> None:
    one = race_of(deadlock()).waits[0]
    itself = msgspec.structs.replace(one, wants=one.holds[0].what)
    text = section(changed(deadlock(), waits=(itself,)))
    assert "waits for  self._log_lock (Lock), which it holds itself" in text


def test_a_thread_that_is_not_the_tests_own_can_be_in_a_deadlock() -> None:
    one, other = race_of(deadlock()).waits
    text = section(
        changed(deadlock(), waits=(one, msgspec.structs.replace(other, thread=-1, call="")))
    )
    assert "self._lock (RWLock), to write, which another thread holds" in text
    assert "  another thread\n    holds      self._lock (RWLock), to write" in text


def test_what_came_back_is_told_as_it_is() -> None:
    moments = (Moment(0, "call", "a()"), Moment(0, "raise", "raised KeyError: 'n'"))
    assert "│ → raised KeyError: 'n'\n" in section(changed(lost_update(), moments=moments))


def test_a_latent_race_is_labelled_explained_and_cheaper() -> None:
    text = section(latent())
    assert text.startswith("── 1  failed, latent ──")
    assert " 1 of 2 points · concurrency\n" in text
    assert LATENT_MEANS in " ".join(text.split())
    assert "atent" not in section(lost_update())


@pytest.mark.parametrize(
    ("schedules", "words"),
    [
        (0, "This schedule was run again"),
        (1, "The first schedule that was tried"),
        (2, "2 schedules were tried"),
    ],
)
def test_the_schedules_tried_are_counted(schedules: int, words: str) -> None:
    assert found_words(race_of(latent(), schedules=schedules)).startswith(words)


def test_a_diagnosis_that_is_the_reason_is_told_once() -> None:
    failure = changed(lost_update(), diagnosis="two increments of 41 left 42")
    assert section(failure).casefold().count("two increments of 41 left 42") == 1


def test_the_interleaving_replaces_the_steps() -> None:
    failure = msgspec.structs.replace(lost_update(), steps=(Step("a step of the test"),))
    assert "a step of the test" not in section(failure)


def test_without_a_replay_id_the_test_is_run_alone() -> None:
    text = section(changed(lost_update(), replay=""))
    assert "--replay" not in text
    assert "Run it alone:\n    nox -s stage1 -- -k test_race --seed 123\n" in text


@pytest.mark.parametrize("name", RACES)
@pytest.mark.parametrize("width", [40, 66, 67, 80, 99, 120, 200])
def test_no_row_is_wider_than_the_terminal(name: str, width: int) -> None:
    lines = section(RACES[name](), width).splitlines()
    assert [line for line in lines if cell_len(line) > width and "nox -s" not in line] == []


def test_wide_characters_count_as_two_columns() -> None:
    moments = tuple(
        Moment(n % 2, "line", "値" * 60, "memory.py", n, ("鍵 = '値'",)) for n in range(4)
    )
    text = drawn(_group(changed(lost_update(), moments=moments)), 80)
    assert max(map(cell_len, text.splitlines())) <= 80


def test_hostile_texts_stay_in_their_rows() -> None:
    moments = tuple(
        Moment(n % 2, kind, HOSTILE, HOSTILE, n, (HOSTILE, HOSTILE))
        for n, kind in enumerate(("call", "line", "wait", "return", "raise"))
    )
    failure = changed(
        deadlock(),
        threads=(HOSTILE, HOSTILE),
        before=(Step(HOSTILE, HOSTILE),),
        moments=moments,
        after=(Step(HOSTILE),),
        diagnosis=HOSTILE,
    )
    for width in (60, 120):
        text = drawn(_group(failure), width)
        odd = {c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs"} and c != "\n"}
        assert odd == set()
        assert r"a\x1b[2J\x07 \u202eb\x00\ud800" in text.replace("\n", "")
        assert len(text.splitlines()) < 400


def test_a_huge_race_is_cut_but_not_where_it_hurts() -> None:
    text = section(long_race(5_000, 3_000))
    assert "row 2999" in text
    assert "row 3000" in text
    assert "! here it hurts: switch to B" in text
    assert "row 4999" in text
    assert "… 2,960 rows left out" in text
    assert len(text.splitlines()) < 2 * ROWS_MAX


@pytest.mark.parametrize(("rows", "hurts"), [(81, 3), (500, 499), (500, 250), (2_000, 1)])
def test_what_is_told_and_what_is_left_out_add_up(rows: int, hurts: int) -> None:
    race = race_of(long_race(rows, hurts))
    told = turns_of(race)
    shown = sum(len(turn.moments) for turn in told)
    assert shown <= ROWS_MAX
    assert shown + sum(turn.left_out for turn in told) == rows
    assert [turn.hurts for turn in told].count(True) == 1


def test_texts_are_cut() -> None:
    race = race_of(changed(lost_update(), moments=(Moment(0, "line", "y" * 10_000, "a.py", 1),)))
    (turn,) = turns_of(race)
    assert len(turn.moments[0].text) == TEXT_CHARS_MAX


def test_one_turn_ends_where_another_thread_goes_on() -> None:
    told = turns_of(race_of(torn_read()))
    assert [turn.thread for turn in told] == [0, 2, 1, 0, 1]
    assert all(one.thread != other.thread for one, other in itertools.pairwise(told))
    assert [turn.inside for turn in told] == [set(), {0}, {0}, {1}, set()]


def test_a_terminal_of_ascii_gets_ascii() -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="replace")
    console = Console(file=file, width=80, color_system=None, legacy_windows=False)
    print_page(console, _group(lost_update()))
    file.flush()
    text = file.buffer.getvalue().decode()  # type: ignore[attr-defined]
    assert "  :                                       | store.incr('n')" in text
    assert "  ======================================= ! here it hurts: switch to B =" in text
    file.close()


def _group(failure: Failure) -> Any:
    return Group(*interleaving_parts(race_of(failure)))
