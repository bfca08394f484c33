"""The record of a batch: what comes back of it, and what a kill may do to it."""

import json

import pytest

from grader.batch.journal import (
    JOURNAL_NAME,
    EndLine,
    EntryLine,
    Journal,
    JournalError,
    OutcomeLine,
    RunLine,
    StartLine,
    read_journal,
)
from grader.tests.make_outcomes import SEED, evidence, runs, stage1, stage2, unit
from grader.tests.make_powercuts import power_outcome, unsynced_folder, unsynced_set

RUN = RunLine(SEED, "digest", "bubblewrap")
SEEN = evidence(
    runs=tuple(runs(stage1("get"), stage2("torn"), stage2())), unsteady=("a",), seconds=2.5
)


def record(out, *seen):
    with Journal(out, keep=0) as journal:
        journal.write(RUN)
        for one in seen:
            journal.write_evidence(one)


def test_evidence_comes_back_whole(tmp_path):
    record(tmp_path, SEEN, evidence("submission-02"))
    past = read_journal(tmp_path)
    assert past.evidence() == [SEEN, evidence("submission-02")]
    assert (past.run, past.is_over) == (RUN, False)


def test_the_end_is_known(tmp_path):
    record(tmp_path)
    with Journal(tmp_path, read_journal(tmp_path).whole_bytes) as journal:
        journal.write(EndLine())
    assert read_journal(tmp_path).is_over


def test_no_record_is_an_empty_one(tmp_path):
    past = read_journal(tmp_path)
    assert (past.run, past.tracks, past.whole_bytes) == (None, {}, 0)


def test_a_kill_at_any_byte_loses_only_the_line_that_it_hit(tmp_path):
    record(tmp_path, SEEN)
    path = tmp_path / JOURNAL_NAME
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        past = read_journal(tmp_path)
        assert past.whole_bytes == whole[:length].rfind(b"\n") + 1
        assert past.evidence() == []


def test_what_was_cut_is_gone_before_more_is_written(tmp_path):
    record(tmp_path, SEEN)
    path = tmp_path / JOURNAL_NAME
    path.write_bytes(path.read_bytes() + b'{"type":"outcome","subm')
    with Journal(tmp_path, read_journal(tmp_path).whole_bytes) as journal:
        journal.write_evidence(evidence("submission-02"))
    assert read_journal(tmp_path).evidence() == [SEEN, evidence("submission-02")]


def test_a_unit_that_was_killed_does_not_count_until_it_ran_again(tmp_path):
    unit = stage1("get")
    with Journal(tmp_path, keep=0) as journal:
        journal.write(RUN)
        journal.write(EntryLine(SEEN.entry))
        journal.write(StartLine("submission-01", 1, carried=False))
        journal.write(OutcomeLine("submission-01", False, stage1("set").outcomes[0]))
    past = read_journal(tmp_path)
    assert past.tracks["submission-01"].units == {}
    with Journal(tmp_path, past.whole_bytes) as journal:
        journal.write_unit("submission-01", unit, carried=False)
    assert read_journal(tmp_path).tracks["submission-01"].units == {(1, False): unit}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"type":"end"}\n', "line 1: not the record of a batch"),
        ("[]\n", "line 1: "),
        (
            (
                '{"type":"run","seed":1,"grader_digest":"","isolation":""}\n{"type":"done",'
                '"submission":"x","seed":1,"seconds":1,"unsteady":[],"grader_version":""}\n'
            ),
            "line 2: 'x' was never begun",
        ),
    ],
)
def test_what_is_no_record_is_said_with_its_line(tmp_path, text, said):
    (tmp_path / JOURNAL_NAME).write_text(text)
    with pytest.raises(JournalError, match=said):
        read_journal(tmp_path)


def test_a_record_from_before_power_cuts_is_still_read(tmp_path):
    record(tmp_path, SEEN)
    path = tmp_path / JOURNAL_NAME
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        for name in ("note", "strict_share"):
            line.get("outcome", {}).pop(name, None)
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    assert read_journal(tmp_path).evidence() == [SEEN]


def test_a_power_cut_and_a_note_come_back_whole(tmp_path):
    note = "1,500 of 4,210 states of the disk were opened: that is the most that a test opens."
    lost = [power_outcome("cut", make(), 2, note=note) for make in (unsynced_set, unsynced_folder)]
    seen = evidence(runs=tuple(runs(second=unit(2, *stage2().outcomes, *lost))))
    record(tmp_path, seen)
    assert read_journal(tmp_path).evidence() == [seen]
