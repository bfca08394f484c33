"""Paths for tests where a package may have planted anything, and how all of that is removed."""

import contextlib
import os
import socket
import sys
import threading
from pathlib import Path

import pytest

from grader.removal import remove_tree
from grader.testkit.paths import NAMES_MAX, READ_BYTES_MAX, safe_path

unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no FIFOs or dir_fd")


@pytest.fixture
def data(tmp_path):
    """A data folder as a test gets it."""
    (tmp_path / "work" / "data").mkdir(parents=True)
    return safe_path((tmp_path / "work").resolve()) / "data"


@pytest.fixture
def plain(data):
    """The same folder, as the package has it."""
    return Path(str(data))


def test_it_does_what_tests_do_with_paths(data):
    log = data / "wal-1.log"
    assert not log.exists()
    assert log.write_bytes(b"12345") == 5
    with log.open("ab") as file:
        file.write(b"6")
        assert file.fileno() > 0
    assert log.read_bytes() == b"123456"
    assert log.read_text() == "123456"
    assert log.stat().st_size == 6
    log.write_bytes(b"7")
    assert log.read_bytes() == b"7"
    (data / "empty").touch()
    (data / "empty").touch()
    (data / "sub").mkdir(mode=0o777)
    (data / "sub").mkdir(exist_ok=True)
    (data / "sub" / "text").write_text("é")
    assert (data / "sub" / "text").read_text(encoding="utf-8") == "é"
    assert (log.is_file(), log.is_dir()) == (True, False)
    assert ((data / "sub").is_file(), (data / "sub").is_dir()) == (False, True)
    assert sorted(data.iterdir()) == [data / "empty", data / "sub", log]
    assert [path.read_bytes() for path in data.glob("wal-*.log")] == [b"7"]
    log.unlink()
    log.unlink(missing_ok=True)
    with pytest.raises(FileNotFoundError):
        log.unlink()
    with pytest.raises(FileNotFoundError):
        log.read_bytes()


def test_it_is_a_path_like_any_other(data, plain):
    assert isinstance(data, Path)
    assert os.fspath(data / "a") == str(plain / "a")
    assert (data / "a") == plain / "a"
    assert (data / "a").name == "a"
    assert type(data / "a" / "b") is type(data)
    assert type((data / "a").with_name("c")) is type(data)
    assert type((data / "a").parent) is type(data)


def plant_link(place, tmp_path):
    (tmp_path / "outside").write_bytes(b"secret")
    place.symlink_to(tmp_path / "outside")


def plant_dangling_link(place, tmp_path):
    place.symlink_to(tmp_path / "to-be-made")


def plant_fifo(place, _tmp_path):
    os.mkfifo(place)


def plant_folder(place, _tmp_path):
    place.mkdir()


def plant_socket(place, _tmp_path):
    here = Path.cwd()
    os.chdir(place.parent)  # the path of a socket must be short
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(place.name)
    finally:
        os.chdir(here)


USES = {
    "read": lambda path: path.read_bytes(),
    "write": lambda path: path.write_bytes(b"overwritten"),
    "append": lambda path: path.open("ab"),
    "touch": lambda path: path.touch(),
    "stat": lambda path: path.stat(),
    "exists": lambda path: path.exists(),
    "is_file": lambda path: path.is_file(),
    "list": lambda path: list(path.iterdir()),
    "glob": lambda path: list(path.glob("*")),
}


@unix
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    ("plant", "kind"),
    [
        (plant_link, "a link"),
        (plant_dangling_link, "a link"),
        (plant_fifo, "a FIFO"),
        (plant_socket, "a socket"),
    ],
)
def test_what_is_no_plain_file_fails_the_test_with_a_sentence(
    data, plain, tmp_path, use, plant, kind
):
    plant(plain / "wal-1.log", tmp_path)
    with pytest.raises(AssertionError, match=f"^data/wal-1.log is {kind}; it should be"):
        USES[use](data / "wal-1.log")
    assert not (tmp_path / "to-be-made").exists()
    if (tmp_path / "outside").exists():
        assert (tmp_path / "outside").read_bytes() == b"secret"


@pytest.mark.parametrize("use", ["read", "write", "append"])
def test_a_folder_is_no_file(data, plain, use):
    plant_folder(plain / "wal-1.log", None)
    with pytest.raises(AssertionError, match="is a folder"):
        USES[use](data / "wal-1.log")


@unix
@pytest.mark.parametrize("use", [*USES, "mkdir", "unlink"])
def test_no_link_is_followed_on_the_way(data, plain, tmp_path, use):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a").write_bytes(b"secret")
    (plain / "sub").symlink_to(tmp_path / "elsewhere")
    uses = {**USES, "mkdir": lambda path: path.mkdir(), "unlink": lambda path: path.unlink()}
    with pytest.raises(AssertionError, match="^data/sub is a link"):
        uses[use](data / "sub" / "a")
    assert (tmp_path / "elsewhere" / "a").read_bytes() == b"secret"


@unix
@pytest.mark.parametrize("use", USES)
def test_the_data_folder_itself_may_have_become_a_link(data, plain, tmp_path, use):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a").write_bytes(b"secret")
    plain.rmdir()
    plain.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(AssertionError, match="^data is a link"):
        USES[use](data / "a")
    with pytest.raises(AssertionError, match="^data is a link"):
        list(data.glob("*"))


@unix
def test_a_file_with_a_second_name_is_not_written_to(data, plain, tmp_path):
    (tmp_path / "outside").write_bytes(b"precious")
    os.link(tmp_path / "outside", plain / "a")
    for use in ("write", "append"):
        with pytest.raises(AssertionError, match="second name"):
            USES[use](data / "a")
    assert (tmp_path / "outside").read_bytes() == b"precious"
    assert (data / "a").read_bytes() == b"precious"


def test_a_file_or_folder_without_end_is_not_taken_in(data, plain, monkeypatch):
    with (plain / "huge").open("wb") as file:
        file.truncate(READ_BYTES_MAX + 1)
    with pytest.raises(AssertionError, match="data/huge holds more than 268,435,456 bytes"):
        (data / "huge").read_bytes()
    monkeypatch.setattr("grader.testkit.paths.NAMES_MAX", 3)
    for number in range(4):
        (plain / str(number)).touch()
    with pytest.raises(AssertionError, match="data holds more than 3 names"):
        data.iterdir()
    assert NAMES_MAX >= 1000


def test_what_could_lead_out_is_not_offered(data):
    for method in ("resolve", "rename", "symlink_to", "rglob", "chmod"):
        with pytest.raises(TypeError):
            getattr(data, method)()
    with pytest.raises(AssertionError):
        (data / ".." / ".." / "a").exists()
    with pytest.raises(ValueError, match="subpath"):
        (data / "/etc/passwd").exists()


@unix
def test_a_swap_while_it_is_opened_is_noticed(data, plain, tmp_path):
    (tmp_path / "outside").write_bytes(b"secret")
    (plain / "file").write_bytes(b"mine")
    over, read = threading.Event(), set()

    def swap():
        while not over.is_set():
            for make in (lambda p: p.symlink_to(tmp_path / "outside"), lambda p: p.touch()):
                make(plain / "new")
                (plain / "new").replace(plain / "file")

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for _ in range(300):
            with contextlib.suppress(AssertionError, OSError):
                read.add((data / "file").read_bytes())
                (data / "file").write_bytes(b"mine")
    finally:
        over.set()
        thread.join()
    assert read <= {b"mine", b""}
    assert (tmp_path / "outside").read_bytes() == b"secret"


@unix
def test_a_folder_is_removed_whatever_is_in_it(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "kept").write_bytes(b"kept")
    work = tmp_path / "work"
    work.mkdir()
    (work / "moved-0").mkdir()
    (work / "link").symlink_to(tmp_path / "outside")
    os.mkfifo(work / "fifo")
    (work / os.fsdecode(b"\xff\n")).write_bytes(b"")
    sealed = work / "sealed"
    (sealed / "inner" / "innermost").mkdir(parents=True)
    (sealed / "file").write_bytes(b"")
    deep = os.open(work, os.O_RDONLY)
    for _ in range(3_000):
        os.mkdir("d" * 50, dir_fd=deep)
        below = os.open("d" * 50, os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = below
    os.mkdir("moved-1", dir_fd=deep)
    os.close(deep)
    for folder in (sealed / "inner" / "innermost", sealed / "inner", sealed, work):
        folder.chmod(0)
    remove_tree(work)
    assert not work.exists()
    assert (tmp_path / "outside" / "kept").read_bytes() == b"kept"


def test_a_folder_that_is_not_there_cannot_be_removed(tmp_path):
    with pytest.raises(FileNotFoundError):
        remove_tree(tmp_path / "nothing")
