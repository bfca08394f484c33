"""Writing a hand-out, updating one, and refusing what is none."""

import subprocess
import sys
import tomllib

import pytest

from grader.course import ROOT
from grader.handout.contents import read_contents
from grader.handout.errors import HandoutError
from grader.handout.student import VERSION_FILE, make_handout, write_handout


def project_like(root):
    """A folder that a hand-out can be made from: a hand-out with the rest of our noxfile."""
    write_handout(root)
    (root / "noxfile.py").write_bytes((ROOT / "noxfile.py").read_bytes())
    return root


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_caches_hidden_files_and_links_stay_out(tmp_path):
    root = project_like(tmp_path / "root")
    tests = root / "stages/stage1_foundation/tests"
    (tests / "__pycache__").mkdir()
    (tests / "__pycache__" / "test_old.py").write_text("1")
    (tests / ".test_mine.py").write_text("1")
    (tests / "test_link.py").symlink_to(tests / "test_rwlock.py")
    assert set(make_handout(root)) == set(make_handout())


def test_two_writes_give_the_same_bytes(tmp_path):
    write_handout(tmp_path / "one")
    write_handout(tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two") == make_handout()


def test_the_version_file_names_every_file_and_follows_their_bytes(tmp_path):
    files = make_handout()
    data = tomllib.loads(files[VERSION_FILE].decode())
    assert data["files"] == sorted(files)
    root = project_like(tmp_path / "root")
    (root / "stages/stage3_wal/README.md").write_text("# Another brief\n")
    assert tomllib.loads(make_handout(root)[VERSION_FILE].decode())["version"] != data["version"]


def test_an_update_replaces_what_is_the_courses_and_nothing_else(tmp_path):
    folder = tmp_path / "handout"
    write_handout(folder)
    root = project_like(tmp_path / "root")
    (root / "stages/stage3_wal/README.md").write_text("# Another brief\n")
    gone = "stages/stage2_entry_encoding/tests/test_entry.py"
    (root / gone).rename((root / gone).with_name("test_other.py"))
    work = folder / "work/kvstore/memory.py"
    work.parent.mkdir(parents=True)
    work.write_text("# mine\n")
    (folder / "notes.md").write_text("mine too\n")
    written = write_handout(folder, root)
    assert work.read_text() == "# mine\n"
    assert (folder / "notes.md").read_text() == "mine too\n"
    assert (folder / "stages/stage3_wal/README.md").read_text() == "# Another brief\n"
    assert written.removed == (gone,)
    assert not (folder / gone).exists()
    assert set(written.changed) == {
        VERSION_FILE,
        "stages/stage3_wal/README.md",
        gone.replace("test_entry", "test_other"),
    }
    assert written.before != written.version
    assert write_handout(folder, root).changed == ()


def test_an_interrupted_run_is_mended_by_the_next(tmp_path, monkeypatch):
    real, writes = type(tmp_path).write_bytes, []

    def failing(path, data):
        writes.append(path)
        if len(writes) == 10:
            raise OSError("the disk is full")
        return real(path, data)

    folder = tmp_path / "handout"
    with monkeypatch.context() as patch:
        patch.setattr(type(tmp_path), "write_bytes", failing)
        with pytest.raises(OSError, match="the disk is full"):
            write_handout(folder)
    assert len(contents(folder)) == 9
    write_handout(folder)
    assert contents(folder) == make_handout()


def test_a_folder_of_somebody_elses_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(HandoutError, match="neither empty nor an earlier hand-out"):
        write_handout(tmp_path)
    assert contents(tmp_path) == {"thesis.txt": b"mine"}


@pytest.mark.parametrize(
    "place", ["../thesis.txt", "/etc/passwd", "work/kvstore/memory.py", ".git/config", "", "C:x"]
)
def test_an_update_touches_no_file_that_cannot_be_the_courses(tmp_path, place):
    folder = tmp_path / "handout"
    folder.mkdir()
    (tmp_path / "thesis.txt").write_text("mine")
    (folder / VERSION_FILE).write_text(f'version = "1"\nfiles = ["{place}"]\n')
    with pytest.raises(HandoutError, match="not the course's to touch"):
        write_handout(folder)
    assert list(contents(folder)) == [VERSION_FILE]
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_an_update_writes_through_no_link(tmp_path):
    folder, elsewhere = tmp_path / "handout", tmp_path / "elsewhere"
    write_handout(folder)
    elsewhere.mkdir()
    target = folder / "stages/given"
    for path in target.iterdir():
        path.unlink()
    target.rmdir()
    target.symlink_to(elsewhere)
    with pytest.raises(HandoutError, match="is a link"):
        write_handout(folder)
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        b"version = 1",
        b'version = "1"\nfiles = "all"',
        b"version = 1\nfiles = []",
        b"[",
        b"",
        b"\xff",
    ],
)
def test_a_damaged_version_file_is_one_sentence(tmp_path, content):
    (tmp_path / VERSION_FILE).write_bytes(content)
    with pytest.raises(HandoutError, match=VERSION_FILE):
        write_handout(tmp_path)


def test_a_pattern_that_matches_nothing_is_said(tmp_path):
    with pytest.raises(HandoutError, match=r"student\.toml: nothing matches 'stages/course\.toml'"):
        read_contents("student.toml", tmp_path)


def test_a_noxfile_without_the_line_is_said(tmp_path):
    root = project_like(tmp_path / "root")
    (root / "noxfile.py").write_text("import nox\n")
    with pytest.raises(HandoutError, match="noxfile.py has no line"):
        make_handout(root)


# The command line.


def run(*arguments):
    command = [sys.executable, "-m", "grader", *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_command_writes_and_says_what_it_did(tmp_path):
    first, again = (run("handout", tmp_path / "handout") for _ in range(2))
    assert (first.returncode, again.returncode) == (0, 0), first.stderr + again.stderr
    assert f"{len(make_handout())} files; try it there" in first.stdout
    assert "0 files changed; work/ is as it was" in again.stdout


def test_the_command_refuses_in_one_sentence(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    done = run("handout", tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"grader: {tmp_path} is neither empty")
    assert done.stderr.count("\n") == 1
