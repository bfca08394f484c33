"""What a student reads of a power cut in the terminal."""

from __future__ import annotations

import io
import textwrap
import unicodedata
from typing import Any

import msgspec
import pytest
from rich.cells import cell_len
from rich.console import Console, Group

from grader.outcome import DiskFile, DiskOperation, Failure, HistoryCall, PowerCut, Step
from grader.report.console import print_page
from grader.report.cuts import (
    CALLS_MAX,
    FILES_MAX,
    STRICT_MEANS,
    calls_of,
    cut_lines,
    found_words,
)
from grader.report.failure import failure_section
from grader.report.operations import ROWS_MAX, Row, rows_of, taken_words
from grader.report.powercut import power_cut_parts
from grader.tests.draw_page import drawn
from grader.tests.make_powercuts import (
    changed,
    filled,
    killed_then_cut,
    long_history,
    power_outcome,
    snapshot_in_place,
    torn_batch,
    two_cuts,
    unsynced_folder,
    unsynced_set,
    unwritten_append,
)

CUTS = {
    "unsynced": unsynced_set,
    "torn": torn_batch,
    "in place": snapshot_in_place,
    "strict": unsynced_folder,
    "two": two_cuts,
    "killed": killed_then_cut,
    "unwritten": unwritten_append,
    "long": lambda: long_history(400, 300, 100),
}
HOSTILE = "a\x1b[2J\x07\n\u202eb\x00\ud800\u2028" + "x" * 500
COMMAND = "nox -s"


def section(failure: Failure, width: int = 80, **fields: Any) -> str:
    return drawn(failure_section(1, power_outcome("cut", failure, **fields), 123), width)


def cut_of(failure: Failure) -> PowerCut:
    assert failure.power_cut is not None
    return failure.power_cut


def rows(failure: Failure) -> list[Row]:
    return rows_of(cut_of(failure))


def test_the_story_is_told_from_the_diagnosis_to_the_commands() -> None:
    expected = """\
        ── 1  failed ──────────────────────────────────────────── 2 points · persistence
        cut works
        tests/test_all.py::test_cut

        A batch was neither wholly there nor wholly gone

        Half of a batch survived: its two entries were not one frame.

        What was called
          1  returned    store = Store.open(folder, sync='always')
          2  returned    store.set('a', b'1')
          3  under way   store.apply_batch([('set', 'b', b'1'), ('set', 'c', b'1')])
          4  never made  store.close()
          What had returned was acknowledged: whoever called counts on it.

        What was asked of the disk, and what was left of it
          1  store = Store.open(folder, sync='always')
            1  synced    create wal-0000000001.log
            2  done      fsync the folder
               → returned
          2  store.set('a', b'1')
            3  synced    write wal-0000000001.log at 0 · 31 bytes
            4  done      fsync wal-0000000001.log
               → returned
          3  store.apply_batch([('set', 'b', b'1'), ('set', 'c', b'1')])
            5  on disk   write wal-0000000001.log at 31 · 31 bytes
            6  cut       write wal-0000000001.log at 62 · cut after 20 of 31 bytes
               had not returned yet
          ━━━ POWER CUT ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
            7  not made  fsync wal-0000000001.log
          4  store.close()
            8  not made  fsync wal-0000000001.log

        The write under way was cut after 20 of 31 bytes.
          synced: an fsync had covered it, so no power cut could take it
          on disk: nothing had synced it yet; this time it was there
          not made: it would have come next
        """
    last = """\
        How it was opened again, and what it answered
          store = Store.open(folder)
          store.dump()  → ({'a': b'1', 'b': b'1'}, {})
          store.recovery.bytes_cut  → 20

        What it should have answered
          'b' and 'c' should both be there, or neither: 'b' is b'1', 'c' is not there

        212 different states of the disk were opened until one was wrong; this is the
        shortest history that was found to come to it.

        Make exactly this happen again; it leaves the folder on disk. Or use a debugger:
            nox -s stage3 -- --replay test_what_was_set_is_there:7:0:c0de:3:o:41
            nox -s stage3 -- --replay test_what_was_set_is_there:7:0:c0de:3:o:41 --debug
        When it is mended, try all the others:
            nox -s stage3 -- -k test_cut --seed 123

        """
    text = section(torn_batch())
    assert text.startswith(textwrap.dedent(expected))
    assert text.endswith(textwrap.dedent(last))


def test_a_narrow_terminal_wraps_beside_the_fates() -> None:
    expected = """\
          3  store.apply_batch([('set', 'b', b'1'), ('set', 'c',
             b'1')])
            5  on disk   write wal-0000000001.log at 31 · 31 bytes
            6  cut       write wal-0000000001.log at 62 · cut after
                         20 of 31 bytes
               had not returned yet
          ━━━ POWER CUT ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
        """
    assert textwrap.indent(textwrap.dedent(expected), "  ") in section(torn_batch(), 60)


def test_two_power_cuts_are_numbered_with_the_opening_between_them() -> None:
    expected = """\
           had not returned yet
        ━━━ POWER CUT 1 OF 2 ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
           opening it again
          4  on disk   truncate wal-0000000001.log to 0
          5  lost      write wal-0000000001.log at 0 · 31 bytes
        ━━━ POWER CUT 2 OF 2, while it was opened again ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
          6  not made  fsync wal-0000000001.log
        """
    assert textwrap.indent(textwrap.dedent(expected), "  ") in section(two_cuts())


def test_a_kill_before_the_power_cut_has_a_line_of_its_own() -> None:
    told = [row.text for row in rows(killed_then_cut())]
    assert told == [
        "store.set('a', b'1')",
        "write wal-0000000001.log at 0",
        "returned",
        "KILLED (kill -9), with the power still on",
        "opening it again",
        "create wal-0000000002.log",
        "fsync the folder",
        "POWER CUT, while it was opened again",
    ]


def test_where_it_was_only_killed_there_is_no_power_cut() -> None:
    killed = [row.text for row in rows(changed(torn_batch(), cuts=()))]
    at = killed.index("KILLED (kill -9), with the power still on")
    assert killed[at - 1 : at + 2] == [
        "had not returned yet",
        "KILLED (kill -9), with the power still on",
        "fsync wal-0000000001.log",
    ]
    assert not any("POWER CUT" in text for text in killed)
    assert rows(changed(unsynced_set(), cuts=()))[-1].kind == "killed"


def test_an_operation_that_failed_says_so() -> None:
    operations = (
        DiskOperation(0, "fsync wal-0000000001.log", "kept"),
        DiskOperation(0, "fsync wal-0000000001.log: failed", "kept"),
    )
    told = rows(changed(unsynced_set(), operations=operations))
    assert [row.label for row in told if row.is_operation] == ["done", "failed"]


def test_a_call_that_wrote_nothing_is_told_before_the_power_cut() -> None:
    expected = """\
          1  store.set('a', b'1')
               asked nothing of the disk
               → returned
          2  store.get('a')
               asked nothing of the disk
               → returned b'1'
          ━━━ POWER CUT ━━━"""
    text = section(unwritten_append())
    assert textwrap.indent(textwrap.dedent(expected), "  ") in text
    assert "What lay on disk then\n  Nothing: the folder was empty.\n" in text


def test_a_call_whose_operations_would_all_have_come_later_is_named_once() -> None:
    operations = cut_of(unsynced_set()).operations[:3]
    late = DiskOperation(1, "write wal-0000000001.log", "after")
    calls = (
        HistoryCall("store.set('a', b'1')", "returned"),
        HistoryCall("store.set('b', b'2')", "under way"),
    )
    failure = changed(unsynced_set(), calls=calls, operations=(*operations, late), cuts=(3,))
    assert [row.text for row in rows(failure)[-5:]] == [
        "store.set('b', b'2')",
        "asked nothing of the disk",
        "had not returned yet",
        "POWER CUT",
        "write wal-0000000001.log",
    ]


def test_a_call_that_raised_and_one_that_was_never_made_say_so() -> None:
    calls = (
        HistoryCall("log.append(b'')", "raised", "LogFailedError"),
        HistoryCall("log.close()", "after"),
    )
    failure = changed(unsynced_set(), calls=calls)
    assert [call.label for call in calls_of(cut_of(failure))] == ["raised", "never made"]
    assert "raised LogFailedError" in [row.text for row in rows(failure) if row.kind == "end"]
    assert "acknowledged" not in section(failure)


def test_a_lost_write_that_was_synced_says_so() -> None:
    operations = (
        DiskOperation(0, "create a", "lost"),
        DiskOperation(0, "write a", "lost", "9 bytes", synced=True),
    )
    told = [row for row in rows(changed(two_cuts(), operations=operations)) if row.is_operation]
    assert [(row.label, row.remark) for row in told] == [("lost", ""), ("lost", "9 bytes, synced")]


def test_a_strict_failure_is_labelled_explained_and_cheaper() -> None:
    text = section(unsynced_folder())
    assert text.startswith("── 1  failed, strict ──")
    assert " 1 of 2 points · persistence\n" in text
    assert STRICT_MEANS in " ".join(text.split())
    assert "bytes whose name is lost are lost with it" in text
    assert "POSIX" not in section(unsynced_set())
    assert "whose name" not in section(unsynced_set())


@pytest.mark.parametrize(
    ("states", "words"),
    [
        (0, "Exactly this was made again, and the same is wrong."),
        (1, "The first state of the disk that was opened was wrong."),
        (2, "2 different states of the disk were opened until one was wrong;"),
    ],
)
def test_the_states_tried_are_counted(states: int, words: str) -> None:
    assert found_words(cut_of(changed(two_cuts(), states=states))).startswith(words)


def test_a_diagnosis_that_is_the_reason_is_told_once() -> None:
    assert section(unsynced_set()).count("set('b') returned before its bytes were on disk") == 1


def test_the_power_cut_replaces_the_steps() -> None:
    failure = msgspec.structs.replace(two_cuts(), steps=(Step("a step of the test"),))
    assert "a step of the test" not in section(failure)


def test_without_a_replay_id_the_test_is_run_alone() -> None:
    text = section(changed(two_cuts(), replay=""))
    assert "--replay" not in text
    assert "Run it alone:\n    nox -s stage3 -- -k test_cut --seed 123\n" in text


def test_a_note_stands_below_the_title() -> None:
    text = section(two_cuts(), note="9 of 10 states were opened.")
    assert "tests/test_all.py::test_cut\nNote: 9 of 10 states were opened.\n" in text


def test_the_bytes_of_each_file_are_told_and_only_the_last_log_may_be_torn() -> None:
    text = section(torn_batch()).partition("What lay on disk then\n")[2]
    assert text.startswith("  LOCK")
    assert "\n\n  wal-0000000001.log  segment of the log · 82 bytes" in text
    assert "    ━━━ replay stopped here, at 62 (0x3e) ━━━" in text
    assert "this is the last segment" in text
    files = (*cut_of(torn_batch()).files, DiskFile("wal-0000000010.log", 0, b""))
    assert "this is the last segment" not in section(changed(torn_batch(), files=files))


def test_of_many_files_the_first_are_told() -> None:
    files = tuple(DiskFile(f"file-{number}", 1, b"x") for number in range(FILES_MAX + 2))
    text = section(changed(two_cuts(), files=files))
    assert f"file-{FILES_MAX - 1}" in text
    assert f"file-{FILES_MAX}" not in text
    assert "\n  … and 2 more files\n" in text


def test_what_was_taken_names_the_call() -> None:
    assert taken_words(cut_of(two_cuts())) == "store.set('b', b'1'): write wal-0000000001.log at 31"
    assert taken_words(cut_of(unwritten_append())) == ""


def test_a_reason_that_the_diagnosis_holds_is_not_told_twice() -> None:
    failure = msgspec.structs.replace(two_cuts(), reason="it is not safe to interrupt")
    assert section(failure).count("it is not safe to interrupt") == 1


@pytest.mark.parametrize("name", CUTS)
@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_no_row_is_wider_than_the_terminal(name: str, width: int) -> None:
    lines = section(CUTS[name](), width).splitlines()
    assert [line for line in lines if cell_len(line) > width and COMMAND not in line] == []


@pytest.mark.parametrize("width", [60, 120])
def test_hostile_texts_stay_in_their_rows(width: int) -> None:
    text = drawn(Group(*power_cut_parts(filled(HOSTILE))), width)
    odd = {c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs"} and c != "\n"}
    assert odd == set()
    assert r"a\x1b[2J\x07 \u202eb\x00\ud800" in text.replace("\n", "")
    assert max(map(cell_len, text.splitlines())) <= width
    assert len(text.splitlines()) < 400


def test_places_that_do_not_exist_are_told_without_their_call() -> None:
    operations = (DiskOperation(7, "write a", "lost"), DiskOperation(0, "write b", "kept"))
    failure = changed(unsynced_set(), operations=operations, cuts=(-3, 99))
    assert [row.text for row in rows(failure) if row.kind in ("call", "cut")] == [
        "store.set('a', b'1')",
        "store.set('b', b'2')",
        "POWER CUT 1 OF 2",
        "",
        "store.set('a', b'1')",
        "POWER CUT 2 OF 2",
    ]


@pytest.mark.parametrize(("total", "cut_at", "calls"), [(61, 3, 1), (400, 300, 100), (5_000, 9, 7)])
def test_a_long_list_is_collapsed_but_not_around_the_cut(
    total: int, cut_at: int, calls: int
) -> None:
    told = rows(long_history(total, cut_at, calls))
    operations = [row for row in told if row.is_operation]
    left_out = [int(row.text.split()[1].replace(",", "")) for row in told if row.kind == "left out"]
    assert len(operations) + sum(left_out) == total
    assert len(told) < ROWS_MAX + 20
    at = next(place for place, row in enumerate(told) if row.kind == "cut")
    near = [row.text for row in told[max(at - 12, 0) : at + 12] if row.is_operation]
    assert f"write number {cut_at - 1}" in near
    assert f"write number {cut_at}" in near
    assert told[-1].text == f"write number {total - 1}"


def test_after_what_is_left_out_the_call_is_named_again() -> None:
    told = rows(long_history(300, 200))
    after = [told[at + 1] for at, row in enumerate(told) if row.kind == "left out"]
    assert {row.text for row in after} == {"store.set('k0', b'')"}


def test_of_many_calls_the_first_and_those_around_the_cut_are_told() -> None:
    told = calls_of(cut_of(long_history(400, 300, 100)))
    numbers = [call.number for call in told if call.number]
    assert len(numbers) == CALLS_MAX
    assert numbers[:4] == [1, 2, 3, 4]
    assert {75, 76} <= set(numbers)
    assert [call.text for call in told if not call.number] == [
        "… 55 calls left out",
        "… 21 calls left out",
    ]


def test_plain_lines_tell_the_same() -> None:
    text = "\n".join(cut_lines(cut_of(unsynced_folder())))
    expected = """\
        The folder of wal-0000000001.log was never synced
        What was called:
          1. returned: store.set('a', b'1')
        What was asked of the disk, and what was left of it:
          1. store.set('a', b'1')
            1. lost: create wal-0000000001.log
            2. synced: write wal-0000000001.log (31 bytes)
            3. done: fsync wal-0000000001.log
          → returned
          POWER CUT
        What the disk made of it:
          The name wal-0000000001.log was lost.
        How it was opened again, and what it answered:
          store = Store(folder)
          store.get('a')  → None
        What it should have answered:
          'a' should be b'1', and is not there
        """
    assert text.startswith(textwrap.dedent(expected) + STRICT_MEANS)


def test_a_terminal_of_ascii_gets_ascii() -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="replace")
    console = Console(file=file, width=80, color_system=None, legacy_windows=False)
    print_page(console, Group(*power_cut_parts(cut_of(two_cuts()))))
    file.flush()
    text = file.buffer.getvalue().decode()  # type: ignore[attr-defined]
    assert "  === POWER CUT 1 OF 2 ====" in text
    file.close()
