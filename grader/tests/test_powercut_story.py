"""What is told of a power cut: the calls, what was asked of the disk, what was left, what came."""

import pytest

from grader.powercuts import explore
from grader.powercuts.explore import Explorer, Found
from grader.powercuts.judge import Problem
from grader.powercuts.story import tell
from grader.tests.power_logs import LOG, PaperLog, trial

ID = "test_x:7:0:c0de:3:o:41"


def told(what="", *values, then="", then_only=False, **wrong):
    """The story of the first failure whose state has these words."""
    explorer = Explorer(PaperLog(**wrong), finds_all=True)
    found = explorer.explore(explorer.record(trial(*values))).found
    for one in found:
        second = one.cut.then.what if one.cut.then else ""
        if what in one.cut.state.what and then in second and bool(second) == bool(then):
            return tell(one, 12, ID)
    raise AssertionError([(one.cut.state.what, one.cut.then) for one in found])


def lines(story):
    return [(each.call, each.text, each.fate, each.note) for each in story.operations]


def test_what_was_acknowledged_and_lost():
    story = told("all that is not synced is lost", 1, 2, syncs=False)
    assert [(call.text, call.state) for call in story.calls] == [
        ("wal = WAL(path, sync='always')", "returned"),
        ("wal.append(SET k b'\\x01')", "returned"),
        ("wal.append(SET k b'\\x02')", "after"),
    ]
    assert lines(story) == [
        (0, f"create {LOG}", "kept", ""),
        (0, "fsync the folder", "kept", ""),
        (1, f"write 2 bytes at 0 of {LOG}", "lost", ""),
        (2, f"write 2 bytes at 2 of {LOG}", "after", ""),
    ]
    assert story.cuts == (3,)
    assert [(file.name, file.data) for file in story.files] == [(LOG, b"")]
    assert story.operations[0].synced
    assert not story.operations[2].synced
    assert (story.model, story.states, story.replay) == ("ordered", 12, ID)
    assert story.diagnosis.startswith("after a power cut, what was promised to be there is gone")
    assert story.differences == ("frame 1: expected SET k b'\\x01', found nothing",)


def test_a_write_that_is_there_in_part():
    story = told("the write under way is cut after 1 of 2", 1, refuses=True)
    assert story.operations[2].text.startswith("write 2 bytes")
    assert story.operations[2].fate == "part"
    assert story.operations[2].note == "1 of 2 bytes"
    assert story.calls[-1].state == "under way"
    assert story.files[0].stopped_at == 0
    assert "CorruptLogError: damage" in story.reopened[-1].result


def test_zeros_where_bytes_should_be():
    story = told("zeros", 1, syncs=False)
    assert story.operations[2].fate == "zeros"
    assert story.files[0].data == b"\0\0"


def test_a_process_that_is_killed_has_no_power_cut():
    story = told("the process is killed", 1, forgets=1)
    assert story.cuts == ()
    assert {operation.fate for operation in story.operations} <= {"kept", "after"}
    assert story.diagnosis.startswith("after the process is killed, ")


def test_a_name_that_is_lost_is_strict():
    story = told("lost", 1, syncs_folder=False)
    assert story.model == "strict"
    assert lines(story)[0] == (0, f"create {LOG}", "lost", "")
    assert story.files == ()


def test_what_is_wrong_the_next_time_shows_both_openings():
    story = told("cut after 1 of 2", 1, 2, cuts_torn_tails=False)
    assert "is gone the next time" in story.diagnosis
    assert sum(step.text == "wal.replay()" for step in story.reopened) == 2
    first = told("all that is not synced is lost", 1, syncs=False)
    assert sum(step.text == "wal.replay()" for step in first.reopened) == 1


@pytest.mark.parametrize("is_kill", [True, False])
def test_the_power_fails_once_more_while_it_recovers(is_kill):
    """Operations of the opening follow, of no call; after a kill there is one power cut alone."""
    explorer = Explorer(PaperLog())
    case = explorer.record(trial(1, 2))
    opened = [(cut, next(explorer._open([cut]))) for cut in explore._cuts(case)]
    opened = [pair for pair in opened if pair[0].state.is_kill == is_kill]
    cut = [one for one in explore._cuts_again(opened) if "cut after 1" in one.then.what][-1]
    story = tell(Found(cut, opened[0][1], Problem("lost", "it is gone")), 12, ID)
    assert story.diagnosis == "after a power cut during recovery, it is gone"
    assert "; then, while it is being opened again, " in story.what
    later = [operation for operation in story.operations if operation.call == -1]
    assert later[-1].text.startswith(("write 2 bytes", "fsync"))
    assert [operation.fate for operation in later].count("part") == 1
    assert len(story.cuts) == (1 if is_kill else 2)
    assert story.cuts[-1] > len(story.operations) - len(later)
