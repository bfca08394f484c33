"""What learning platforms export: whose submission it is, and when it was handed in."""

from datetime import UTC, datetime

import pytest
import yaml

from grader.grading.model import Student
from grader.intake import gradescope
from grader.students import group, members
from grader.submission import SubmissionError, find_submissions
from grader.tests.make_uploads import FILES, make_folder, make_zip, zipped

ALICE = Student("100", "alice@example.edu", "Alice A")
METADATA = """\
submission_1:
  :submitters:
  - :name: Alice A
    :sid: '100'
    :email: alice@example.edu
  :created_at: 2026-11-20 23:59:30.123456789 -08:00
  :score: 3.0
  :status: processed
  :results:
    tests:
    - name: "{deep: [1, 2"
      output: &out |
        submission_9:
          :submitters: []
    again: *out
  :history:
  - :id: 7
    :created_at: 2026-11-01 00:00:00 Z
submission_2:
  :submitters:
  - :name: Bob; B
    :sid:
    :email: bob@example.edu
  - :name: 'null'
    :sid: null
    :email: carol@example.edu
    Section: A
  :created_at: 2026-11-20 10:00:00.5 Z
submission_3:
  :submitters:
  - :name: Dave
  :created_at: yesterday
"""
EXPORT = {
    "submission_metadata.yml": METADATA,
    "submission_1/memory.py": "",
    "submission_2/project.zip": zipped(FILES),
    "submission_4/kvstore/memory.py": "",
}


@pytest.fixture
def find(tmp_path):
    def find(path):
        found = find_submissions([path], tmp_path / "copies")
        return {each.name: each for each in found}

    return find


@pytest.mark.parametrize("where", ["folder", "zip", "zip with a folder"])
def test_a_gradescope_export(find, tmp_path, where):
    prefix = "assignment_7_export/" if where == "zip with a folder" else ""
    files = {prefix + name: data for name, data in EXPORT.items()}
    path = (
        make_folder(tmp_path / "x", files)
        if where == "folder"
        else make_zip(tmp_path / "x.zip", files)
    )
    found = find(path)
    assert {name: each.problem for name, each in found.items()} == {
        "submission_1": "",
        "submission_2": "",
        "submission_3": "submission_metadata.yml names it, but its folder is not there",
        "submission_4": "",
    }
    assert found["submission_1"].entry.student == ALICE
    when = found["submission_1"].entry.submitted
    assert when == datetime(2026, 11, 21, 7, 59, 30, 123456, tzinfo=UTC)
    assert found["submission_3"].entry.submitted is None
    assert found["submission_4"].entry.student == Student()


def test_a_group_is_one_submission_with_all_its_students(find, tmp_path):
    entry = find(make_folder(tmp_path / "x", EXPORT))["submission_2"].entry
    emails = "bob@example.edu; carol@example.edu"
    assert entry.student == Student("; ", emails, "Bob, B; null")
    assert members(entry.student) == [
        Student("", "bob@example.edu", "Bob, B"),
        Student("", "carol@example.edu", "null"),
    ]


@pytest.mark.parametrize("people", [[], [ALICE], [ALICE, Student(), Student("", "", "Zoë")]])
def test_a_group_comes_apart_again(people):
    assert members(group(people)) == (people or [Student()])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a\n", "line 1: not a mapping of submissions"),
        ("", "line 1: not a mapping of submissions"),
        ("a: {}\nb: 1\n", "line 2: not a submission with its data"),
        ("a: {}\n? [b]\n: {}\n", "line 3: not a submission with its data"),
        ("a:\n  'x\n", "line 3: found unexpected end of stream"),
        ("a: {}\nb: \x07\n", "line 2: "),
        (b"a: {}\nb: \xff\n", "line 2: invalid "),
    ],
)
@pytest.mark.parametrize("loader", [yaml.SafeLoader, gradescope._LOADER])
def test_metadata_that_cannot_be_read_is_one_sentence(
    find, tmp_path, monkeypatch, text, said, loader
):
    monkeypatch.setattr(gradescope, "_LOADER", loader)
    path = make_folder(tmp_path / "x", {"submission_metadata.yml": text, "a/x.py": ""})
    with pytest.raises(SubmissionError) as problem:
        find(path)
    assert str(problem.value).startswith(f"{path}: submission_metadata.yml, {said}")
    assert str(problem.value).isprintable()


def test_aliases_and_tags_in_metadata_make_nothing(find, tmp_path):
    laughs = "".join(f"  l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 30))
    text = (
        "a:\n  l0: &l0 lol\n"
        + laughs
        + "  :submitters:\n  - :name: *l29\n    :sid: !!python/object/apply:os.getpid []\n"
        + "    :email: [[[[[[a]]]]]]\n  - *l29\n  :created_at: *l29\n"
    )
    files = {"submission_metadata.yml": text, "a/kvstore/x.py": ""}
    assert find(make_folder(tmp_path / "x", files))["a"].entry.student == Student()


def test_metadata_that_is_too_large_is_refused(find, tmp_path, monkeypatch):
    monkeypatch.setattr(gradescope, "METADATA_BYTES_MAX", 10)
    with pytest.raises(SubmissionError, match="larger than 10 bytes"):
        find(make_folder(tmp_path / "x", EXPORT))


MOODLE = {
    "Alice A_12_assignsubmission_file_/kvstore/memory.py": "",
    "Alice A_12_assignsubmission_onlinetext_/onlinetext.html": "Hello",
    "Bob Brown_13_assignsubmission_file/project.zip": zipped(FILES),
    "Carol C_14_assignsubmission_file_kv.zip": zipped(FILES),
    "Dave D_15_assignsubmission_file_memory.py": "x",
    "Dave D_15_assignsubmission_file_rwlock.py": "y",
    "Dave D_15_assignsubmission_onlinetext_onlinetext.html": "",
    "Erin E_16_assignsubmission_onlinetext_/onlinetext.html": "",
    "Participant_17_assignsubmission_file_/memory.py": "",
    "extra/kvstore/memory.py": "",
    "grades.csv": "",
}


@pytest.mark.parametrize("where", ["folder", "zip"])
def test_a_moodle_download(find, tmp_path, where):
    path = tmp_path / "Course-Assignment-7.zip"
    found = find((make_folder if where == "folder" else make_zip)(path, MOODLE))
    assert {name: each.problem for name, each in found.items()} == {
        "Alice_A_12": "",
        "Bob_Brown_13": "",
        "Carol_C_14": "",
        "Dave_D_15": "",
        "Erin_E_16": "an online text was handed in, and no file",
        "Participant_17": "",
        "extra": "",
    }
    alice, blind = found["Alice_A_12"], found["Participant_17"]
    assert alice.entry.student == Student("Participant 12", "", "Alice A")
    assert (alice.participant, found["extra"].participant) == ("12", "")
    assert blind.entry.student == Student("Participant 17", "", "")
    files = sorted(path.name for path in found["Dave_D_15"].package_dir.iterdir())
    assert files == ["memory.py", "rwlock.py"]


def test_one_student_s_parts_are_one_submission(find, tmp_path):
    files = {
        "A_1_assignsubmission_file_kv.zip": zipped({"kvstore/memory.py": ""}),
        "A_1_assignsubmission_file_/kvstore/rwlock.py": "",
    }
    (found,) = find(make_folder(tmp_path / "x", files)).values()
    assert len(list(found.package_dir.iterdir())) == 2
