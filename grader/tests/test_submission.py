"""What is found where, how it is called, and what is copied of it."""

import hashlib
import os
import sys
from pathlib import Path

import pytest

from grader.intake.files import Limits
from grader.submission import SubmissionError, find_submissions, safe_name
from grader.tests.make_uploads import FILES, make_folder, make_zip, zipped


@pytest.fixture
def find(tmp_path):
    def find(*paths):
        return find_submissions(paths, tmp_path / "copies")

    return find


@pytest.fixture
def problem(find):
    """The problem of the one submission at a path, which must have been rejected."""

    def problem(path):
        (found,) = find(path)
        assert found.package_dir is None
        assert found.entry.digest == ""
        return found.problem

    return problem


def names(submission):
    return sorted(path.name for path in submission.package_dir.iterdir())


@pytest.mark.parametrize("prefix", ["", "src/", "work/", "a/b/c/"])
@pytest.mark.parametrize("is_zip", [True, False])
def test_a_package_is_found_at_any_depth(find, tmp_path, prefix, is_zip):
    files = {prefix + name: text for name, text in FILES.items()}
    path = tmp_path / ("alice.zip" if is_zip else "alice")
    (found,) = find((make_zip if is_zip else make_folder)(path, files))
    assert (found.name, found.problem, found.ignored) == ("alice", "", ())
    assert found.package_dir == tmp_path / "copies" / "alice" / "kvstore"
    assert (found.package_dir / "memory.py").read_text() == "x = 1\n"
    assert names(found) == ["memory.py", "rwlock.py"]


def test_the_package_itself_may_be_given(find, tmp_path):
    make_folder(tmp_path / "work", FILES)
    (found,) = find(tmp_path / "work" / "kvstore")
    assert (found.name, names(found)) == ("work", ["memory.py", "rwlock.py"])


def test_a_folder_of_submissions(find, tmp_path):
    everyone = make_folder(
        tmp_path / "all",
        {"bob/kvstore/wal.py": "", "carol/notes.txt": "", "README.md": "", ".git/config": ""},
    )
    make_zip(everyone / "alice.zip", FILES)
    (everyone / "dave.rar").write_bytes(b"Rar!")
    found = {each.name: each for each in find(everyone)}
    assert list(found) == ["alice", "bob", "carol", "dave.rar"]
    assert [name for name, each in found.items() if each.package_dir] == ["alice", "bob"]
    assert found["carol"].problem == "no folder kvstore with .py files in it; found notes.txt"
    assert found["dave.rar"].problem == (
        "it is an archive of a kind that is not read here; make a zip"
    )


def test_the_folders_of_one_submission_are_no_class(find, tmp_path):
    path = make_folder(
        tmp_path / "alice",
        {"docs/notes.txt": "", "code/kvstore/memory.py": "", "tests/test_memory.py": ""},
    )
    (found,) = find(path)
    assert (found.name, names(found)) == ("alice", ["memory.py"])


def test_two_folders_with_a_package_are_a_class(find, tmp_path):
    files = {"alice/code/kvstore/memory.py": "", "bob/kvstore/memory.py": "", "carol/x.txt": ""}
    found = find(make_folder(tmp_path / "all", files))
    assert [each.name for each in found] == ["alice", "bob", "carol"]


def test_a_folder_in_a_folder_is_looked_into(find, tmp_path):
    files = {"hw1/alice/kvstore/memory.py": "", "hw1/bob/kvstore/memory.py": ""}
    assert [each.name for each in find(make_folder(tmp_path / "all", files))] == ["alice", "bob"]


def test_a_package_at_the_top_makes_it_one_submission(find, tmp_path):
    files = FILES | {"alice/kvstore/memory.py": "", "bob/kvstore/memory.py": ""}
    (found,) = find(make_folder(tmp_path / "mallory", files))
    assert found.name == "mallory"
    assert len(found.ignored) == 2


def test_repositories_are_a_class(find, tmp_path):
    files = {
        "hw-one/.git/HEAD": "",
        "hw-one/work/kvstore/memory.py": "",
        "hw-two/.git/HEAD": "",
        "hw-two/README.md": "",
    }
    found = find(make_folder(tmp_path / "hw-submissions", files))
    assert [(each.name, bool(each.problem)) for each in found] == [
        ("hw-one", False),
        ("hw-two", True),
    ]


def test_two_packages_at_the_same_depth_are_refused(find, tmp_path):
    alice = {"alice/a/kvstore/memory.py": "", "alice/b/kvstore/memory.py": ""}
    found = find(make_folder(tmp_path / "all", alice | {"bob/kvstore/memory.py": ""}))
    assert found[0].problem == "two packages, a/kvstore and b/kvstore; keep one"


@pytest.mark.parametrize("prefix", ["", "my work/"])
def test_the_course_s_files_themselves_are_the_package(find, tmp_path, prefix):
    files = {f"{prefix}{name}": "" for name in ("memory.py", "mine.py", "data/x.csv")}
    (found,) = find(make_zip(tmp_path / "alice.zip", files))
    assert names(found) == ["memory.py", "mine.py"]
    assert found.package_dir.name == "kvstore"


def test_a_folder_of_uploads_without_a_package_folder(find, tmp_path):
    files = {"submission_1/memory.py": "", "submission_2/memory.py": ""}
    found = find(make_folder(tmp_path / "all", files))
    assert [(each.name, names(each)) for each in found] == [
        ("submission_1", ["memory.py"]),
        ("submission_2", ["memory.py"]),
    ]


def test_course_files_deeper_down_are_not_guessed_at(problem, tmp_path):
    files = {"stages/stage1/memory.py": "", "README.md": ""}
    assert "found stages/stage1/memory.py" in problem(make_folder(tmp_path / "alice", files))


def test_loose_files_are_told_where_to_go(problem, tmp_path):
    said = problem(make_folder(tmp_path / "flat", {f"{n}.py": "" for n in "abcdefg"}))
    assert "found a.py, b.py, c.py, d.py, e.py and 2 more: put them in a folder kvstore" in said


def test_an_empty_folder_is_refused(problem, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "it holds no files" in problem(tmp_path / "empty")


def test_a_file_that_is_no_archive_is_refused(problem, tmp_path):
    make_folder(tmp_path, {"memory.py": ""})
    assert "neither a folder nor an archive" in problem(tmp_path / "memory.py")


def test_a_zip_of_submissions_is_a_class(find, tmp_path):
    files = {
        "bob/kvstore/memory.py": "b",
        "carol/notes.txt": "",
        "alice.zip": zipped(FILES),
        "__MACOSX/bob/x": "",
    }
    found = find(make_zip(tmp_path / "download.zip", files))
    assert [(each.name, bool(each.package_dir)) for each in found] == [
        ("alice", True),
        ("bob", True),
        ("carol", False),
    ]
    assert (found[1].package_dir / "memory.py").read_text() == "b"


def test_a_class_larger_than_a_submission_may_be(find, tmp_path, monkeypatch):
    limits = Limits(files_max=2, archive_bytes_max=10, unpacked_bytes_max=2)
    monkeypatch.setattr("grader.intake.place.ONE", limits)
    files = {f"{name}/kvstore/{file}.py": "" for name in ("alice", "bob") for file in "ab"}
    found = find(make_zip(tmp_path / "download.zip", files))
    assert [each.problem for each in found] == ["", ""]


def test_each_submission_of_a_class_keeps_to_the_limits(find, tmp_path):
    files = {"alice/kvstore/memory.py": "", "bob/kvstore/memory.py": ""}
    files |= {f"bob/{number}.txt": "" for number in range(2_000)}
    found = find(make_zip(tmp_path / "download.zip", files))
    assert [each.problem for each in found] == ["", "it holds more than 2,000 files"]


@pytest.mark.parametrize("in_class", [True, False])
def test_an_archive_in_a_folder_is_looked_into(find, tmp_path, in_class):
    files = {
        "report.txt": "",
        "upload/project.zip": zipped({f"project/{n}": FILES[n] for n in FILES}),
    }
    if in_class:
        files = {f"alice/{name}": data for name, data in files.items()} | {"bob/kvstore/a.py": ""}
        path = make_zip(tmp_path / "all.zip", files)
    else:
        path = make_folder(tmp_path / "alice", files)
    assert names(find(path)[0]) == ["memory.py", "rwlock.py"]


def test_archives_are_looked_into_one_in_another_and_no_further(find, tmp_path):
    inner = zipped(FILES)
    files = {"alice.zip": zipped({"in.zip": inner}), "bob.zip": inner}
    alice, bob = find(make_zip(tmp_path / "all.zip", files))
    assert alice.problem == "no folder kvstore with .py files in it; found in.zip"
    assert bob.problem == ""
    alice, bob = find_submissions([make_folder(tmp_path / "all", files)], tmp_path / "again")
    assert (alice.problem, bob.problem) == ("", "")


def test_two_archives_are_one_too_many(find, tmp_path):
    files = {"alice/old.zip": zipped(FILES), "alice/new.zip": zipped(FILES), "bob/kvstore/a.py": ""}
    alice, _ = find(make_folder(tmp_path / "all", files))
    assert alice.problem.endswith("found new.zip, old.zip")


def test_what_is_wrong_in_an_inner_archive_is_said(problem, tmp_path):
    path = make_folder(tmp_path / "alice", {"project.zip": b"PK no"})
    assert problem(path) == "project.zip: it is not a zip file, or it is damaged; make a new zip"


def test_only_files_directly_in_the_package_count(find, tmp_path):
    more = {
        "kvstore/helpers.py": "",
        "kvstore/notes.txt": "",
        "kvstore/sub/deep.py": "",
        "kvstore/my file.py": "",
        "old/kvstore/memory.py": "",
        "setup.py": "",
        "kvstore/__pycache__/memory.cpython-312.py": "",
    }
    (found,) = find(make_zip(tmp_path / "a.zip", FILES | more))
    assert names(found) == ["helpers.py", "memory.py", "rwlock.py"]
    assert found.ignored == (
        "kvstore/my file.py: a file of this name cannot be imported",
        "kvstore/sub/deep.py: only files directly in kvstore count",
        "old/kvstore/memory.py: the package is kvstore",
    )


@pytest.mark.parametrize("place", ["kvstore/entry.py", "kvstore", "src", "elsewhere"])
@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_links_in_folders_are_refused(problem, tmp_path, place):
    outside = make_folder(tmp_path / "reference", FILES)
    target = {"kvstore": outside / "kvstore", "src": outside}.get(
        place, outside / "kvstore/memory.py"
    )
    root = tmp_path / "alice"
    root.mkdir()
    if place not in ("kvstore", "src"):
        make_folder(root, FILES)
    (root / place).symlink_to(target)
    assert problem(root) == f"{place} is a link; put the file itself there"


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_child_that_is_a_link_is_refused(find, tmp_path):
    reference = make_folder(tmp_path / "reference", FILES)
    everyone = make_folder(tmp_path / "all", {"alice/kvstore/wal.py": ""})
    (everyone / "mallory").symlink_to(reference)
    (everyone / "trudy.zip").symlink_to(make_zip(tmp_path / "t.zip", FILES))
    assert [each.problem for each in find(everyone)] == [
        "",
        "mallory is a link; put the file itself there",
        "trudy.zip is a link; put the file itself there",
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
@pytest.mark.parametrize("place", ["kvstore/wal.py", "wal.py", "wal.zip"])
def test_a_fifo_is_refused(problem, tmp_path, place):
    root = make_folder(tmp_path / "alice", FILES)
    os.mkfifo(root / place)
    assert "a FIFO" in problem(root)


def test_names_are_unique_and_safe_and_in_order(find, tmp_path):
    paths = [
        make_zip(tmp_path / folder / name, FILES)
        for folder, name in [
            ("a", "alice.zip"),
            ("b", "Alice.ZIP"),
            ("c", "a b;c.zip"),
            ("d", "nul.zip"),
        ]
    ]
    found = find(*paths, paths[0])
    assert [each.name for each in found] == ["Alice-2", "a_b_c", "alice", "alice-3", "nul_"]
    assert [each.found_as for each in found][:2] == ["Alice.ZIP", "a b;c.zip"]
    assert all(each.package_dir for each in found)


@pytest.mark.parametrize(
    ("raw", "safe"),
    [
        ("..", "submission"),
        ("con.txt", "con.txt_"),
        ("Class.CSV", "Class.CSV_"),
        ("outcomes.jsonl", "outcomes.jsonl_"),
        ("jane.doe", "jane.doe"),
        ("-rf", "rf"),
        ("al\u202eice", "al_ice"),
        ("a\nb\x00", "a_b"),
        ("=cmd|x", "cmd_x"),
        ("e\u0301", "\u00e9"),
        ("trailing. ", "trailing"),
        ("\udcff", "submission"),
    ],
)
def test_a_safe_name(raw, safe):
    assert safe_name(raw) == safe


def test_a_safe_name_fits_every_file_system():
    assert len(safe_name("\U00020000" * 500).encode()) < 255


@pytest.mark.skipif(sys.platform != "linux", reason="such names cannot be made there")
def test_a_folder_with_an_odd_name_is_somebody_s_submission(find, tmp_path):
    everyone = make_folder(
        tmp_path / "all", {"bob/kvstore/a.py": "", "al\u202eice/kvstore/a.py": ""}
    )
    Path(os.fsdecode(os.fsencode(everyone) + b"/\xff")).mkdir()
    assert [each.name for each in find(everyone)] == ["al_ice", "bob", "submission"]


def test_the_digest_is_of_the_files_copied(find, tmp_path):
    expected = hashlib.sha256(b"memory.py\x006\x00x = 1\nrwlock.py\x006\x00y = 2\n").hexdigest()
    one = make_folder(tmp_path / "one", FILES | {"notes.txt": "a", "kvstore/sub/x.py": ""})
    two = make_zip(tmp_path / "two.zip", {f"src/{name}": text for name, text in FILES.items()})
    other = make_folder(tmp_path / "x", {"kvstore/memory.py": "x = 1\n", "kvstore/rwlock.py": ""})
    digests = [each.entry.digest for each in find(one, two, other)]
    assert digests[:2] == [expected, expected]
    assert digests[2] != expected


def test_the_submission_is_not_modified_and_nothing_is_run(find, tmp_path):
    root = make_folder(tmp_path / "alice", {"kvstore/__init__.py": "raise SystemExit('was run')"})
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    find(root)
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_a_path_that_does_not_exist_is_the_instructor_s_mistake(find, tmp_path):
    with pytest.raises(SubmissionError, match="does not exist"):
        find(tmp_path / "nowhere")


def test_a_place_that_is_taken_is_refused(find, tmp_path):
    root = make_folder(tmp_path / "alice", FILES)
    find(root)
    with pytest.raises(SubmissionError, match="exists already"):
        find(root)


def test_the_name_of_the_folder_where_one_stands(find, tmp_path, monkeypatch):
    monkeypatch.chdir(make_folder(tmp_path / "alice", FILES))
    assert find(Path())[0].name == "alice"
