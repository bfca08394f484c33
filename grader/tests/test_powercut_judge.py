"""What is wrong with how a state was opened again, and what is right."""

import pytest

from grader.powercuts.answers import Answer, Refusal, Session
from grader.powercuts.judge import Plan, judge
from grader.testkit import formats
from grader.testkit.histories_on_disk import LogHistory, SnapshotFile, StoreHistory
from grader.tests.power_logs import append, frames

LOG = LogHistory()
MORE = [(formats.SET, 0, "written after the power cut", b"more")]
DAMAGE = Refusal(("CorruptLogError", "KVStoreError"), "bad", (), "wal-0000000001.log", 12)


def rows(*values):
    return [list(append(value)[1]) for value in values]


def opened(seen, later=None, **ends):
    """The two sessions of a log that showed these rows, and these the next time."""
    later = [*seen, MORE] if later is None else later
    first = (Answer(), Answer(), Answer(seen), Answer(), Answer())
    second = (Answer(), Answer(), Answer(later))
    return (
        Session(ends.get("first", "done"), first),
        Session(ends.get("second", "done"), second),
    )


def raised(refusal, number):
    return (Session("done", (*(Answer() for _ in range(number)), Answer(refusal=refusal))),)


ALLOWED = [frames(1, 2), frames(1)]


@pytest.mark.parametrize("values", [(1, 2), (1,)])
def test_what_may_be_there_is_right(values):
    assert judge(LOG, ALLOWED, opened(rows(*values))) is None


@pytest.mark.parametrize(
    ("values", "kind", "sentence"),
    [
        ((), "lost", "what was promised to be there is gone: frame 1: expected"),
        ((1, 2, 3), "invented", "there is what should not be there: frame 3: expected nothing"),
        ((2,), "mixed", "what is there was never there before: frame 1: expected"),
        ((2, 1, 3), "mixed", "what is there was never there before"),
    ],
)
def test_what_may_not_be_there_is_told(values, kind, sentence):
    problem = judge(LOG, ALLOWED, opened(rows(*values)))
    assert problem.kind == kind
    assert problem.sentence.startswith(sentence)
    assert problem.differences


def test_a_part_of_a_batch_is_no_answer():
    batch = {"a": (b"1", None), "b": (b"2", None)}
    answers = (Answer(), Answer(), Answer(({"a": b"1"}, {})), Answer(), Answer())
    problem = judge(StoreHistory(), [batch, {}], (Session("done", answers),))
    assert problem.kind in ("lost", "invented")


def test_a_deadline_is_compared_to_the_nanosecond():
    allowed = [{"a": (b"1", 2 * 10**18)}]
    for deadline, is_right in ((2 * 10**18, True), (2 * 10**18 + 1, False), (None, False)):
        deadlines = {} if deadline is None else {"a": deadline}
        first = (Answer(), Answer(), Answer(({"a": b"1"}, deadlines)), Answer(), Answer())
        more = {"a": b"1", "written after the power cut": b"more"}
        second = (Answer(), Answer(), Answer((more, deadlines)))
        problem = judge(StoreHistory(), allowed, (Session("done", first), Session("done", second)))
        assert (problem is None) == is_right


def test_what_cannot_be_opened_is_wrong_unless_damage_is_certain():
    for number in (1, 2):
        assert judge(LOG, ALLOWED, raised(DAMAGE, number)).kind == "refused"
        assert judge(LOG, ALLOWED, raised(DAMAGE, number), may_refuse=True) is None


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal(("CorruptLogError",), "bad", (), None, 12),
        Refusal(("CorruptLogError",), "bad", (), "wal-0000000001.log", None),
        Refusal(("ValueError",), "bad", (), "wal-0000000001.log", 12),
        Refusal(("OSError",), "bad", (), "wal-0000000001.log", 12),
    ],
    ids=str,
)
def test_an_error_that_names_no_place_is_never_right(refusal):
    assert judge(LOG, ALLOWED, raised(refusal, 1), may_refuse=True).kind == "refused"


def test_a_write_that_raises_after_it_was_opened_is_wrong():
    for number in (3, 4):
        assert judge(LOG, ALLOWED, raised(DAMAGE, number), may_refuse=True) is not None


def test_who_ends_or_hangs_is_wrong():
    for end, sentence in (("timeout", "never ended"), ("crashed", "ended the process")):
        problem = judge(LOG, ALLOWED, (Session(end, ()),), may_refuse=True)
        assert problem.kind == "ended"
        assert sentence in problem.sentence
        problem = judge(LOG, ALLOWED, opened(rows(1), second=end))
        assert problem.kind == "ended"


def test_what_is_written_after_it_must_be_there_the_next_time():
    problem = judge(LOG, ALLOWED, opened(rows(1), later=rows(1)))
    assert problem.kind == "later"
    assert judge(LOG, ALLOWED, opened(rows(1), later=[MORE])).kind == "later"
    first = opened(rows(1))[0]
    assert judge(LOG, ALLOWED, (first, *raised(DAMAGE, 1)), may_refuse=True).kind == "later"


ODD = [
    *(None, 5, "x", b"x", [None], [[None]], [[(1, 2)], 5], {"a": 1}, [[()]], {}, [5], [["x"]]),
    [[([], 0, "k", b"")]],
]


@pytest.mark.parametrize(
    ("subject", "allowed"),
    [
        (LOG, frames(1)),
        (StoreHistory(), {"a": (b"1", None)}),
        (SnapshotFile(), {"a": (b"1", None)}),
    ],
    ids=str,
)
def test_whatever_was_answered_there_is_a_verdict(subject, allowed):
    """Values are the package's: nothing that they are made of raises."""
    odd = [*ODD, ({}, 5), ({}, {"a": 5}), ({5: b"", "a": b""}, {}), ([], {}), ({"a": b""}, [1])]
    for value in odd:
        count = len(Plan(subject).sessions()[0])
        answers = tuple(Answer(value) for _ in range(count))
        sessions = (Session("done", answers), Session("done", answers))
        problem = judge(subject, [allowed], sessions)
        assert problem is not None


def test_as_much_as_is_needed_is_said():
    problem = judge(LOG, [frames(*range(1, 9))], opened([]))
    assert problem.sentence.endswith("; 5 more")
    assert len(problem.differences) == 8
