"""Submissions of every shape, good and hostile."""

import os
import stat
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader import intake
from grader.submission import SubmissionError, find_submissions

FILES = {"kvstore/memory.py": "x = 1\n", "kvstore/rwlock.py": "y = 2\n"}


def make_folder(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def make_zip(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


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
        return found.problem

    return problem


def names(submission):
    return sorted(path.name for path in submission.package_dir.iterdir())


@pytest.mark.parametrize("prefix", ["", "src/", "a/b/c/"])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_package_is_found_at_any_depth(find, tmp_path, prefix, zipped):
    files = {prefix + name: text for name, text in FILES.items()}
    if zipped:
        path = make_zip(tmp_path / "alice.zip", files)
    else:
        path = make_folder(
            tmp_path / "all", {f"alice/{name}": text for name, text in files.items()}
        )
        path = path / "alice" if prefix != "a/b/c/" else path
    (found,) = find(path)
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
    assert "not a zip" in found["dave.rar"].problem


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


def test_two_packages_at_the_same_depth_are_refused(problem, tmp_path):
    files = {"a/kvstore/memory.py": "", "b/kvstore/memory.py": ""}
    said = problem(make_zip(tmp_path / "a.zip", files))
    assert said == "two packages, a/kvstore and b/kvstore; keep one"


def test_loose_files_are_told_where_to_go(problem, tmp_path):
    said = problem(make_folder(tmp_path / "flat", {f"{n}.py": "" for n in "abcdefg"}))
    assert "found a.py, b.py, c.py, d.py, e.py and 2 more: put them in a folder kvstore" in said


def test_an_empty_folder_is_refused(problem, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "it holds no files" in problem(tmp_path / "empty")


@pytest.mark.parametrize(
    "name",
    ["../kvstore/x.py", "a/../../x.py", "/etc/x.py", "C:\\x.py", "..\\x.py", "kvstore\\..\\..\\x"],
)
def test_names_that_lead_outside_are_refused(problem, tmp_path, name):
    assert "leads outside" in problem(make_zip(tmp_path / "a.zip", {**FILES, name: ""}))
    assert not (tmp_path / "x.py").exists()


def test_backslashes_are_folders(find, tmp_path):
    (found,) = find(make_zip(tmp_path / "a.zip", {"kvstore\\memory.py": ""}))
    assert names(found) == ["memory.py"]


@pytest.mark.parametrize(
    ("kind", "said"),
    [(stat.S_IFLNK, "is a link"), (stat.S_IFIFO, "a FIFO"), (stat.S_IFCHR, "is a device")],
)
def test_special_members_are_refused(problem, tmp_path, kind, said):
    member = zipfile.ZipInfo("kvstore/entry.py")
    member.create_system = 3
    member.external_attr = (kind | 0o644) << 16
    assert said in problem(make_zip(tmp_path / "a.zip", {**FILES, member: "/etc/passwd"}))


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
    assert [each.problem for each in find(everyone)] == [
        "",
        "mallory is a link; put the file itself there",
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_fifo_is_refused(problem, tmp_path):
    root = make_folder(tmp_path / "alice", FILES)
    os.mkfifo(root / "kvstore" / "wal.py")
    assert "a FIFO" in problem(root)


def test_a_zip_bomb_is_refused(problem, tmp_path, monkeypatch):
    monkeypatch.setattr(intake, "UNPACKED_BYTES_MAX", 1024 * 1024)
    path = make_zip(tmp_path / "a.zip", {**FILES, "zeros": "0" * 1024 * 1024})
    assert problem(path) == "it unpacks to more than 1 MiB"


def test_too_large_an_archive_is_refused(problem, tmp_path, monkeypatch):
    monkeypatch.setattr(intake, "ARCHIVE_BYTES_MAX", 100)
    assert "the file is larger than" in problem(make_zip(tmp_path / "a.zip", FILES))


@pytest.mark.parametrize("zipped", [True, False])
def test_too_many_files_are_refused(problem, tmp_path, monkeypatch, zipped):
    monkeypatch.setattr(intake, "FILES_MAX", 2)
    files = FILES | {"more.txt": ""}
    path = make_zip(tmp_path / "a.zip", files) if zipped else make_folder(tmp_path / "a", files)
    assert problem(path) == "it holds more than 2 files"


def test_a_size_that_lies_is_refused(problem, tmp_path):
    path = make_zip(tmp_path / "a.zip", {"kvstore/memory.py": "x" * 1000})
    data = path.read_bytes()
    lying = data.replace((1000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lying != data
    path.write_bytes(lying)
    assert "memory.py in it is damaged" in problem(path)


def test_a_file_that_is_no_zip_is_refused(problem, tmp_path):
    path = tmp_path / "alice.zip"
    path.write_bytes(b"PK\x03\x04 not really")
    assert "it is not a zip file" in problem(path)


def test_an_encrypted_zip_is_refused(problem, tmp_path):
    path = make_zip(tmp_path / "a.zip", {"kvstore/memory.py": ""})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # the flags, in the central directory
    path.write_bytes(data)
    assert "kvstore/memory.py is encrypted" in problem(path)


def test_an_unusual_compression_is_refused(problem, tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("kvstore/memory.py", "x = 1\n")
    assert "compressed in an unusual way" in problem(path)


@pytest.mark.parametrize("other", ["kvstore/Memory.py", "kvstore/memory.py"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_differ_in_case_alone_are_refused(problem, tmp_path, other):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("kvstore/memory.py", "1")
        archive.writestr(other, "2")
    assert "differ in case alone" in problem(path)


@given(at=st.integers(0, 400), byte=st.integers(0, 255))
def test_a_damaged_zip_is_a_problem_or_reads_as_it_was(tmp_path_factory, at, byte):
    folder = tmp_path_factory.mktemp("damaged")
    path = make_zip(folder / "a.zip", FILES)
    data = bytearray(path.read_bytes())
    data[at % len(data)] = byte
    path.write_bytes(data)
    (found,) = find_submissions([path], folder / "copies")
    assert bool(found.problem) == (found.package_dir is None)
    if found.package_dir:
        texts = {p.read_text() for p in found.package_dir.iterdir()}
        assert texts <= set(FILES.values())


def test_names_are_unique_and_safe(find, tmp_path):
    paths = [
        make_zip(make_folder(tmp_path / folder, {"x": ""}) / name, FILES)
        for folder, name in [
            ("a", "alice.zip"),
            ("b", "Alice.ZIP"),
            ("c", "a b;c.zip"),
            ("d", "nul.zip"),
        ]
    ]
    found = find(*paths, paths[0])
    assert [each.name for each in found] == ["alice", "Alice-2", "a_b_c", "nul_", "alice-3"]
    assert all(each.package_dir for each in found)


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
