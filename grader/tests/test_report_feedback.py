"""The page of one stage: what a student reads after a run."""

from __future__ import annotations

import io
import re
import textwrap
from pathlib import Path
from typing import Any

import msgspec

from grader.course import Course, Stage
from grader.hints import Hint
from grader.outcome import Comparison, Failure, Frame, Outcome, Status, Step, UnitResult
from grader.report.console import open_console, print_page
from grader.report.feedback import FULL_FAILURES_MAX, RunFacts, stage_page
from grader.tests.draw_page import drawn
from grader.tests.make_powercuts import power_outcome, two_cuts, unsynced_folder
from grader.tests.make_races import latent, lost_update, race_outcome

STAGES = Path("stages")
COURSE = Course(
    "A course",
    ("errors.py",),
    (
        Stage(
            1, "Foundation", STAGES / "stage1_foundation", {"memory.py": ("MemoryStore",)}, (), 1
        ),
        Stage(2, "Log", STAGES / "stage2_log", {"wal.py": ("WAL",), "frame.py": ("Frame",)}, (), 1),
    ),
)
HINTS = {"torn-tail": Hint("torn-tail", "stage2_log", "Torn tails", "Which frame?", "b", "c")}


def outcome(name: str, status: Status = "passed", failure: Failure | None = None) -> Outcome:
    return Outcome(
        test=f"stage2_log/tests/test_log.py::{name}",
        title=f"The log keeps {name}",
        stage=2,
        suite="persistence",
        points=1.5,
        hint="torn-tail",
        hidden=False,
        status=status,
        seconds=0.1,
        failure=failure,
    )


def unwritten(name: str, function: str) -> Outcome:
    return outcome(name, "failed", Failure("not written yet", unwritten=function))


def page(
    *outcomes: Outcome, width: int = 80, problem: str = "", stage: int = 2, **facts: Any
) -> str:
    result = UnitResult(stage, 123, "bubblewrap", outcomes, problem)
    run = RunFacts("work/kvstore", **{"seconds": 2.34} | facts)
    return drawn(stage_page(COURSE, result, HINTS, run), width)


def test_a_failure_is_told_from_what_was_done_to_what_to_do_next() -> None:
    failure = Failure(
        "raised CorruptLogError: bad checksum",
        steps=(Step("wal = WAL('wal-1.log')", "wal"), Step("3 bytes are cut off wal-1.log")),
        frames=(Frame("wal.py", 57, "replay", '    raise CorruptLogError("bad checksum")'),),
        printed="frame 0 ok\n",
    )
    expected = """\
        ── Stage 2: Log ────────────────────────────────────────────────────────────────
        work/kvstore · seed 123 · isolation bubblewrap

        tests/test_log.py    1 of 2    .F
          . passed · F failed

        ── 1  failed ────────────────────────────────────────── 1.5 points · persistence
        The log keeps test_torn
        tests/test_log.py::test_torn

        Raised CorruptLogError: bad checksum

        What was done
          1  wal = WAL('wal-1.log')  → wal
          2  3 bytes are cut off wal-1.log

        In your code
          work/kvstore/wal.py:57 in replay
              raise CorruptLogError("bad checksum")

        Your code printed
          | frame 0 ok

        Hint       Which frame?
        If that is not enough:
            nox -s hint -- torn-tail 2

        Run it alone:
            nox -s stage2 -- -k test_torn --seed 123

        ── Result ──────────────────────────────────────────────────────────────────────
        1 of 2 tests passed · 1 failed · 2.3 s
        Points: persistence 1.5/3

        Next: mend the first failure, and run it alone:
            nox -s stage2 -- -k test_torn --seed 123
        """
    text = page(outcome("test_ok"), outcome("test_torn", "failed", failure))
    assert text == textwrap.dedent(expected)


def test_what_is_not_written_is_one_list_in_the_order_of_the_files() -> None:
    expected = """\
        ── Not written yet ──────────────────────────────────────────── start at the top
          memory.py  MemoryStore.get  1 test waits for it (a file of stage 1)
          wal.py     WAL.append       2 tests wait for it
          frame.py   Frame.size       1 test waits for it
        To go on with the reference's files for the earlier stages:
            nox -s stage2 -- --assist
        """
    text = page(
        unwritten("test_a", "Frame.size"),
        unwritten("test_b", "WAL.append"),
        unwritten("test_c", "WAL.append"),
        unwritten("test_d", "MemoryStore.get"),
    )
    assert textwrap.dedent(expected) in text
    assert "What was done" not in text
    assert text.endswith(
        "Next: write MemoryStore.get in work/kvstore/memory.py, and run:\n    nox -s stage2\n"
    )


def test_an_untouched_skeleton_gets_a_welcome_and_no_long_stories() -> None:
    wrong = outcome("test_b", "failed", Failure("raised TypeError", steps=(Step("do it"),)))
    text = page(wrong, unwritten("test_a", "WAL.append"), untouched=True)
    assert "Nothing is written yet, so everything is red" in text
    assert "read   stages/stage2_log/README.md" in text
    assert "begin  work/kvstore/wal.py" in text
    assert "do it" not in text
    assert text.endswith(
        "Next: write WAL.append in work/kvstore/wal.py, and run:\n    nox -s stage2\n"
    )


def test_a_finished_stage_leads_to_the_next_and_the_last_to_a_grade() -> None:
    assert page(outcome("test_a"), stage=1).endswith(
        "This stage is done. Next:\n    nox -s stage2\n"
    )
    last = page(outcome("test_a"))
    assert last.endswith(
        "The course is done: all stages are green. Next:\n    nox -s grade -- work\n"
    )


def test_a_selection_that_is_empty_is_not_a_finished_stage() -> None:
    text = page()
    assert "0 of 0 tests passed" in text
    assert "done" not in text


def test_only_the_first_five_failures_are_told_in_full() -> None:
    failures = [outcome(f"test_{n}", "failed", Failure(f"wrong {n}")) for n in range(7)]
    text = page(*failures)
    assert "── 5  failed" in text
    assert "── 6  failed" not in text
    assert "── 2 more" in text
    assert "  F  test_6  The log keeps test_6" in text
    assert "nox -s stage2 -- -k NAME --seed 123" in text
    assert text.count("Which frame?") == 1, "a hint is given once"


def test_one_cause_is_told_once() -> None:
    failure = Failure("raised KeyError: 'a'", frames=(Frame("wal.py", 7, "append", "x['a']"),))
    text = page(*(outcome(f"test_{n}", "failed", failure) for n in range(3)))
    assert text.count("x['a']") == 1
    assert "The same in 2 more tests: test_1, test_2" in text


def test_each_status_has_its_words() -> None:
    text = page(
        outcome("test_e", "error", Failure("KeyError")),
        outcome("test_t", "timeout", Failure("wal.append() did not return in 4 s")),
        outcome("test_c", "crashed", Failure("the process ended with signal 11")),
        outcome("test_s", "skipped", Failure("10 tests ran out of time")),
    )
    assert "── 1  did not finish in time" in text
    assert "\nwal.append() did not return in 4 s\nIt was stopped: a deadlock" in text
    assert "── 2  crashed" in text
    assert "── 3  could not be judged" in text
    assert "This is the grader's fault, not yours." in text
    assert "  1 test: 10 tests ran out of time" in text
    assert text.rstrip().endswith("-k test_t --seed 123"), "an error of the grader's comes last"


def test_what_was_expected_reads_as_a_sentence() -> None:
    def told(operator: str) -> str:
        comparison = Comparison(operator, "3", "7")
        return page(outcome("test_a", "failed", Failure("", comparison=comparison)))

    assert "Expected   3\nCame back  7\n" in told("==")
    assert "Expected   at most 3\nCame back  7\n" in told("<=")
    assert "Looked for 7\nIn         3\n" in told("in")


def test_short_words_are_compared_as_text_and_formats_as_a_dump() -> None:
    def told(expected: bytes, actual: bytes) -> str:
        comparison = Comparison("==", repr(expected), repr(actual), expected, actual)
        return page(outcome("test_a", "failed", Failure("", comparison=comparison)))

    assert "Expected   b'ada'\nCame back  b'bob'\n" in told(b"ada", b"bob")
    assert "want    0  4b 56 4c 47 01" in told(b"KVLG\x01", b"KVLG\x02")


def test_nothing_from_outside_is_obeyed() -> None:
    printed = "\x1b[2J[red]hello[/red]\r\x07 :smile:\u202eabc\udce9"
    failure = Failure("raised [bold]E[/bold]", printed=printed)
    text = page(outcome("test_a", "failed", failure))
    assert "Raised [bold]E[/bold]" in text
    assert r"| \x1b[2J[red]hello[/red]" in text
    assert r"\x07 :smile:\u202eabc\udce9" in text
    text.encode("utf-8")


def test_parameters_are_quoted_or_left_out_of_a_command() -> None:
    def told(name: str) -> str:
        return page(outcome(name, "failed", Failure("no"))).splitlines()[-1].strip()

    assert told("test_a[x-1]") == 'nox -s stage2 -- -k "test_a[x-1]" --seed 123'
    assert told("test_a['$x']") == "nox -s stage2 -- -k test_a --seed 123"


def test_a_command_is_never_broken_and_all_else_fits() -> None:
    name = "test_" + "a_long_name_" * 8
    text = page(outcome(name, "failed", Failure("word " * 50)), width=60)
    assert f"    nox -s stage2 -- -k {name} --seed 123\n" in text
    others = [line for line in text.splitlines() if "nox -s" not in line and name not in line]
    assert max(map(len, others)) <= 60


def test_a_stage_that_could_not_be_run_says_only_that() -> None:
    text = page(outcome("test_a", "error", Failure("x")), problem="wal.py: invalid syntax, line 3")
    assert "could not be run:\n  wal.py: invalid syntax, line 3\n" in text
    assert "Result" not in text


def test_under_assist_earlier_files_are_the_references() -> None:
    failure = Failure("raised KeyError", frames=(Frame("memory.py", 3, "get", "x"),))
    text = page(outcome("test_a", "failed", failure), assist=True)
    assert "assist: the files of stage 1 are the reference's" in text
    assert "  the reference's memory.py:3 in get" in text


def test_a_terminal_without_a_character_shows_a_question_mark() -> None:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="cp1252", newline="\n")
    failure = Failure("no", steps=(Step("a", "b"),))
    result = UnitResult(2, 1, "rlimits", (outcome("test_a", "failed", failure),))
    print_page(open_console(file), stage_page(COURSE, result, HINTS, RunFacts("work/kvstore")))
    file.flush()
    text = raw.getvalue().decode("cp1252")
    assert "-- Stage 2: Log ---" in text
    assert "1  a  ? b" in text


def test_without_a_reference_nothing_that_needs_one_is_offered() -> None:
    """A hand-out can neither assist nor grade."""
    assert page(outcome("test_a"), can_grade=False).endswith(
        "The course is done: all stages are green. Hand in work/.\n"
    )
    waits_for_earlier = unwritten("test_a", "MemoryStore")
    assert "--assist" in page(waits_for_earlier)
    assert "--assist" not in page(waits_for_earlier, can_grade=False)


def test_a_latent_race_has_its_own_mark_and_words_and_earns_a_part() -> None:
    races = [race_outcome("a", latent(), 2), race_outcome("b", lost_update(), 2)]
    text = page(*races)
    assert "test_all.py    0 of 2    LF" in text
    assert ". passed · L failed, latent · F failed" in text
    assert "0 of 2 tests passed · 1 failed, latent · 1 failed" in text
    assert "Points: concurrency 1/4" in text


def test_a_latent_and_a_real_race_are_not_told_as_one() -> None:
    real, unreal = (
        msgspec.structs.replace(make(), reason="the same", comparison=None)
        for make in (lost_update, latent)
    )
    text = page(race_outcome("a", real, 2), race_outcome("b", unreal, 2))
    assert "── 1  failed ──" in text
    assert "── 2  failed, latent ──" in text


def test_a_strict_failure_has_a_mark_and_words_of_its_own() -> None:
    text = page(power_outcome("folder", unsynced_folder(), 2))
    assert re.search(r"0 of 1 +P\n  \. passed · P failed, strict\n", text)
    assert "0 of 1 test passed · 1 failed, strict" in text
    assert "Points: persistence 1/2" in text


def test_notes_are_told_whether_a_test_passed_or_not() -> None:
    note = "9 of 10 states were opened."
    noted = [msgspec.structs.replace(outcome(name), note=note) for name in ("test_a", "test_b")]
    failed = power_outcome("c", two_cuts(), 2, note="Another note.")
    text = page(*noted, outcome("test_d"), failed)
    assert f"── Notes ─{'─' * 70}\n  test_a, test_b\n    {note}\n\n── Result" in text
    assert text.count("Another note.") == 1
    assert "Notes" not in page(outcome("test_d"))


def test_notes_of_failures_that_are_not_told_in_full_are_told_too() -> None:
    failed = [
        outcome(f"test_{n}", "failed", Failure(f"reason {n}")) for n in range(FULL_FAILURES_MAX + 1)
    ]
    noted = [msgspec.structs.replace(each, note=f"Note of {each.name}.") for each in failed]
    text = page(*noted)
    assert [text.count(f"Note of {each.name}.") for each in noted] == [1] * len(noted)
    last = noted[-1]
    assert f"  {last.name}\n    {last.note}\n" in text
