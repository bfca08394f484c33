"""`python -m grader inspect` from outside: exit codes, what it says, and folders."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from grader.cli import make_app
from grader.cli.inspect import InspectError
from grader.report import datafolder
from grader.testkit import formats
from grader.testkit.formats import SET
from grader.tests.test_cli import run

unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no FIFOs")

A, B = (formats.frame((SET, 7, key, b"1")) for key in "ab")
SAVED = formats.snapshot({"a": b"1"}, {}, 7)
MANY = b"".join(formats.frame((SET, 7, f"k{n}", b"v")) for n in range(20))


def inspect(path: Path, *options: str) -> Result:
    environment = {"NO_COLOR": "1", "COLUMNS": "200"}
    return CliRunner(env=environment).invoke(
        make_app(["inspect"]), ["inspect", *options, str(path)]
    )


def laid_out(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def segment(number: int, *, torn: bool = False) -> dict[str, bytes]:
    return {formats.segment_name(number): A + B[:12] if torn else A + B}


def snapshot(number: int, data: bytes = SAVED) -> dict[str, bytes]:
    return {formats.snapshot_name(number): data}


@pytest.mark.parametrize(
    ("name", "data", "code", "words"),
    [
        (formats.segment_name(1), A + B, 0, "2 intact frames · intact"),
        (formats.segment_name(1), b"", 0, "no frame was written"),
        (formats.segment_name(1), A + B[:12], 1, "replay stops here, at 31 (0x1f)"),
        (formats.segment_name(1), b"?" + A[1:] + B, 1, "this is damage, not a torn tail"),
        (formats.snapshot_name(2), SAVED, 0, "1 item, 0 deadlines · intact"),
        (formats.snapshot_name(2), SAVED[:-1], 1, "reading stops here"),
        ("copy-of-a-segment", A + B, 0, "2 intact frames · intact"),
    ],
)
def test_a_file(tmp_path: Path, name: str, data: bytes, code: int, words: str) -> None:
    done = inspect(laid_out(tmp_path, {name: data}) / name)
    assert done.exit_code == code
    assert words in done.stdout


def test_a_later_segment_beside_it_makes_a_torn_tail_damage(tmp_path: Path) -> None:
    folder = laid_out(tmp_path, {**segment(9, torn=True), **segment(10)})
    done = inspect(folder / formats.segment_name(9))
    assert "a later segment does: this is damage, not a torn tail" in done.stdout
    (folder / formats.segment_name(10)).unlink()
    assert "this is the last segment" in inspect(folder / formats.segment_name(9)).stdout


def test_all_frames_or_those_from_an_offset_on(tmp_path: Path) -> None:
    path = laid_out(tmp_path, {formats.segment_name(1): MANY}) / formats.segment_name(1)
    assert "… 16 more intact frames, at 64 to 583" in inspect(path).stdout
    whole = inspect(path, "--all").stdout
    assert whole.count("  frame at ") == 20
    assert "more intact frame" not in whole
    for offset in ("600", "0600", "0x258"):
        late = inspect(path, "--from", offset).stdout
        assert "… 18 more intact frames, at 0 to 583" in late
        assert late.count("  frame at ") == 2


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("nowhere", (), "does not exist: name a segment, a snapshot or a folder"),
        ("notes.txt", (), "neither its name nor its first bytes say so"),
        ("empty", (), "holds no segment and no snapshot"),
        (formats.segment_name(1), ("--from", "x\x1b"), "--from 'x\\\\x1b' is no offset"),
        (formats.segment_name(1), ("--from", "-1"), "is no offset"),
        (formats.segment_name(1), ("--from", "62"), "--from 62 is beyond the end"),
    ],
)
def test_a_mistake(tmp_path: Path, name: str, options: tuple[str, ...], sentence: str) -> None:
    laid_out(tmp_path, {"notes.txt": b"hello", **segment(1)})
    laid_out(tmp_path / "empty", {})
    done = inspect(tmp_path / name, *options)
    assert isinstance(done.exception, InspectError)
    assert sentence in str(done.exception)
    assert "\n" not in str(done.exception)
    assert done.stdout == ""


def test_a_mistake_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    done = run("inspect", tmp_path / "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("grader: ")


def test_a_folder_in_the_order_of_recovery(tmp_path: Path) -> None:
    tmp = {f"{formats.snapshot_name(4)}.tmp": b"KV", "LOCK": b"", "notes.txt": b"x"}
    folder = laid_out(
        tmp_path,
        {
            **segment(1),
            **segment(2),
            **segment(9),
            **segment(10, torn=True),
            **snapshot(2),
            **snapshot(9),
            **snapshot(10, SAVED[:-1]),
            **tmp,
        },
    )
    done = inspect(folder)
    assert done.exit_code == 1
    lines = [line.split() for line in done.stdout.splitlines()[2:]]
    assert [words[0] for words in lines[: lines.index([])]] == [
        formats.segment_name(1),
        formats.snapshot_name(2),
        formats.segment_name(2),
        formats.snapshot_name(9),
        formats.segment_name(9),
        formats.snapshot_name(10),
        formats.segment_name(10),
        f"{formats.snapshot_name(4)}.tmp",
        "LOCK",
        "…",
    ]
    text = " ".join(done.stdout.split())
    for words in (
        "intact · not replayed: the snapshot stands for it snapshot-0000000002",
        "intact · not used: a newer one is intact wal-0000000002",
        "intact · recovery begins with it wal-0000000009",
        "2 intact frames · intact · replayed as 1 of 2",
        "DAMAGED at 30 · recovery passes it over",
        "1 intact frame · TORN TAIL at 31 · replayed as 2 of 2",
        "a temporary file, left over: opening the store removes it",
        "and 1 file of no format of the course",
        "loads snapshot-0000000009.kvsp, and replays 2 segments: wal-0000000009.log to wal-",
        "It cuts 12 bytes off wal-0000000010.log, at 31: a torn tail.",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("files", "code", "words"),
    [
        ({**segment(1), **segment(2)}, 0, "finds no intact snapshot, and replays 2 segments"),
        ({"LOCK": b""}, 0, "finds no intact snapshot, and replays 0 segments."),
        ({**segment(1), **segment(3)}, 1, "segment 2 of the log is missing"),
        ({**segment(2)}, 1, "segment 1 of the log is missing"),
        ({**snapshot(3)}, 1, "segment 3 of the log is missing"),
        ({**snapshot(3, b"")}, 1, "segment 1 of the log is missing"),
        ({**snapshot(3), **segment(3)}, 0, "loads snapshot-0000000003.kvsp, and replays 1 segment"),
        ({**segment(9_999_999_999)}, 1, "segment 1 of the log is missing"),
        (
            {**segment(1, torn=True), **segment(2)},
            1,
            "CorruptLogError: wal-0000000001.log is damaged at 31",
        ),
        (
            {formats.segment_name(1): b"?" + A[1:] + B},
            1,
            "CorruptLogError: wal-0000000001.log is damaged at 0",
        ),
    ],
)
def test_what_opening_a_store_would_do(
    tmp_path: Path, files: dict[str, bytes], code: int, words: str
) -> None:
    done = inspect(laid_out(tmp_path, files))
    assert (done.exit_code, words in " ".join(done.stdout.split())) == (code, True)


@unix
def test_a_fifo_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / formats.segment_name(1))
    done = inspect(tmp_path / formats.segment_name(1))
    assert "is neither a file nor a folder" in str(done.exception)


@unix
def test_only_plain_files_of_a_folder_are_opened(tmp_path: Path) -> None:
    laid_out(tmp_path, {**segment(1), "elsewhere": A})
    (tmp_path / formats.segment_name(2)).symlink_to(tmp_path / "elsewhere")
    os.mkfifo(tmp_path / formats.segment_name(3))
    done = inspect(tmp_path)
    assert done.exit_code == 1
    assert done.stdout.count("NOT A PLAIN FILE") == 2


def test_of_a_long_list_both_ends_are_told(tmp_path: Path) -> None:
    files = {formats.segment_name(n): b"" for n in range(1, 251)}
    done = inspect(laid_out(tmp_path, files))
    assert "… 50 more files" in done.stdout
    assert done.stdout.count("replayed as") == 200


def test_a_file_over_the_limit_is_judged_as_far_as_it_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datafolder, "READ_BYTES_MAX", 40)
    done = inspect(laid_out(tmp_path, segment(1)) / formats.segment_name(1))
    assert done.exit_code == 1
    assert "intact as far as it was read" in done.stdout
    assert "… 31 more bytes from 31 on" in done.stdout
