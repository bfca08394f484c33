"""The class list, as spreadsheets and platforms write it, and how it meets the submissions."""

import textwrap
from datetime import UTC, datetime

import pytest

from grader.grading.model import Entry, Student
from grader.roster import RosterError, load_roster
from grader.students import group
from grader.submission import Submission, find_submissions
from grader.tests.make_uploads import make_folder

ALICE = Student("100", "alice@example.edu", "Alice Adams")
BOB = Student("101", "bob@example.edu", "Bob Brown")


@pytest.fixture
def load(tmp_path):
    def load(text, encoding="utf-8"):
        path = tmp_path / "roster.csv"
        path.write_bytes(textwrap.dedent(text).encode(encoding) if isinstance(text, str) else text)
        return load_roster(path)

    return load


def submission(name, *students, found_as=None, participant="", submitted=None):
    entry = Entry(name, student=group(students), submitted=submitted)
    return Submission(entry, None, name if found_as is None else found_as, participant)


def students(match):
    return [one.entry.student for one in match.submissions]


@pytest.mark.parametrize(
    "text",
    [
        "folder,Student ID,Email,Name\nalice,100,alice@example.edu,Alice Adams\n",
        "Folder;SID;E-Mail;Full Name\r\nalice;100;alice@example.edu;Alice Adams\r\n",
        """\
student number\temail address\tLast Name\tFirst Name\tDirectory
100\talice@example.edu\tAdams\tAlice\talice/
""",
        """\
"First Name","Last Name",SIS User ID,mail,submission,Section

Alice,Adams, 100 ,alice@example.edu,"ALICE","1; 2"

""",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_columns_go_by_their_usual_names(load, text, encoding):
    match = load(text, encoding).match([submission("alice")])
    assert students(match) == [ALICE]
    assert (match.missing, match.unlisted, match.doubtful) == ((), (), ())


def test_who_is_missing_and_what_is_unlisted(load):
    roster = load("folder,id,email,name\nalice,100,,\nbob,101,bob@example.edu,Bob Brown\n")
    match = roster.match([submission("alice"), submission("alicia", Student("9"))])
    assert match.missing == (BOB,)
    assert match.unlisted == ("alicia",)
    assert students(match) == [Student("100"), Student("9")]
    assert match.sentences() == [
        "Bob Brown is on the roster and handed in nothing",
        "alicia is not on the roster",
    ]


@pytest.mark.parametrize(
    "found",
    [
        submission("a", Student(email="ALICE@example.edu")),
        submission("a", Student(id="100")),
        submission("a", found_as="hw1-alice-a"),
        submission("a", found_as="Alice-A"),
        submission("a", participant="7"),
        submission("hw_1_alice", found_as="HW 1 Alice.zip"),
    ],
)
def test_a_row_has_several_names(load, found):
    roster = load(
        """\
        folder,participant,github_username,email,sid
        hw 1 alice,Participant 7,alice-a,alice@example.edu,100
        other,8,bob,bob@example.edu,101
        """
    )
    match = roster.match([found])
    assert students(match)[0].id == "100"
    assert len(match.missing) == 1


def test_nothing_is_guessed(load):
    roster = load("folder,github,name\nalice-a,smith,A\nalice_b,bob-smith,B\n")
    found = [
        submission(name) for name in ("alice", "alice-b", "Alice A", "hwsmith", "hw-bob-smith")
    ]
    match = roster.match(found)
    assert match.unlisted == tuple(one.name for one in found)
    assert match.doubtful == ("hw-bob-smith: lines 2 and 3 of the roster both name it",)
    assert len(match.missing) == 2


def test_names_that_contradict_each_other_are_reported(load):
    roster = load("folder,email\nalice,alice@example.edu\nbob,bob@example.edu\n")
    match = roster.match([submission("alice", Student(email="bob@example.edu"))])
    assert match.doubtful == ("alice: lines 2 and 3 of the roster both name it",)
    assert len(match.missing) == 2


def test_two_submissions_of_one_student_are_reported(load):
    roster = load("folder,email\nalice,alice@example.edu\n")
    match = roster.match([submission("alice"), submission("x", Student("", "alice@example.edu"))])
    assert match.doubtful == ("x: line 2 of the roster has alice too",)
    assert (match.missing, match.unlisted) == ((), ())


def test_the_members_of_a_group_are_looked_for_one_by_one(load):
    roster = load("sid,email,name\n100,alice@example.edu,Alice Adams\n101,b@x.edu,Bob\n102,,\n")
    carol = Student("", "carol@example.edu", "Carol")
    match = roster.match([submission("g", Student(id="100"), Student("", "b@x.edu", "B"), carol)])
    bob = Student("101", "b@x.edu", "Bob")
    assert students(match) == [group([ALICE, bob, carol])]
    assert match.missing == (Student("102"),)
    assert match.doubtful == ("g: not all its students are on the roster",)


def test_the_roster_s_moment_counts_before_the_export_s(load):
    roster = load("folder,submitted\na,2026-11-20T23:59:00+01:00\nb,\n")
    export = datetime(2026, 1, 1, tzinfo=UTC)
    match = roster.match([submission("a", submitted=export), submission("b", submitted=export)])
    assert [one.entry.submitted for one in match.submissions] == [
        datetime(2026, 11, 20, 22, 59, tzinfo=UTC),
        export,
    ]


def test_a_classroom_roster_s_identifier_is_what_it_looks_like(load):
    roster = load(
        '"identifier","github_username","github_id","name"\n'
        '"100","alice-a","5","Alice"\n"b@x.edu","","",""\n"Participant 9","","",""\n'
    )
    assert [dict(row.keys) for row in roster.rows] == [
        {"id": "100", "github": "alice-a"},
        {"email": "b@x.edu"},
        {"participant": "9"},
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: no column names a submission; it needs one of folder, e-mail, "),
        ("name,section\nAlice,1\n", "line 1: no column names a submission; "),
        ("folder,id\na,1\n\nA/,2\n", "line 4: the folder a is in line 2 already"),
        ("folder,email\na,x@y\nb,X@y\n", "line 3: the email x@y is in line 2 already"),
        ("folder,submitted\na,yesterday\n", "line 2: submitted is yesterday; write it with its "),
        ("folder,submitted\na,2026-11-20T23:59\n", "line 2: submitted is 2026-11-20T23:59; "),
        ("folder,participant\na,seven\n", "line 2: seven is no participant's number"),
        ("folder,id\na,1\nb\n", "line 3: 1 values, and the header has 2"),
        ('folder,id\na,"1\n2"\nb,"c"d\n', "line 4: not CSV: "),
        (b"folder,id\na,1\nb,\xe9\n", "line 3: not UTF-8; save it as CSV UTF-8"),
        ("folder,id\na,1\n".encode("utf-16"), "line 1: not UTF-8; "),
        ("folder,submitted\na,\x1b[2J\u202e\n", r"line 2: submitted is \x1b[2J\u202e; "),
    ],
)
def test_what_is_wrong_is_one_sentence_with_file_and_line(load, tmp_path, text, said):
    with pytest.raises(RosterError) as problem:
        load(text)
    assert str(problem.value).startswith(f"{tmp_path / 'roster.csv'}, {said}")
    assert str(problem.value).isprintable()


def test_a_roster_that_is_too_large_is_refused(load, monkeypatch):
    monkeypatch.setattr("grader.roster_file.ROSTER_BYTES_MAX", 10)
    with pytest.raises(RosterError, match="larger than 10 bytes"):
        load("folder,id\na,1\n")


def test_finding_submissions_with_a_roster(tmp_path):
    files = {"roster.csv": "folder,id\na,100\nc,102\n"}
    files |= {f"all/{name}/kvstore/memory.py": "" for name in "ab"}
    make_folder(tmp_path, files)
    said = []
    found = find_submissions(
        [tmp_path / "all"], tmp_path / "copies", tmp_path / "roster.csv", said.append
    )
    assert [one.entry.student.id for one in found] == ["100", ""]
    assert said == ["102 is on the roster and handed in nothing", "b is not on the roster"]


def test_a_bad_roster_is_said_before_anything_is_copied(tmp_path):
    make_folder(tmp_path, {"roster.csv": "x\n", "all/a/kvstore/memory.py": ""})
    with pytest.raises(RosterError):
        find_submissions([tmp_path / "all"], tmp_path / "copies", tmp_path / "roster.csv")
    assert not (tmp_path / "copies").exists()
