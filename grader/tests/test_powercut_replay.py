"""An id of a power cut can be read back and fits its own history only; what a replay leaves on disk
is where it was told, and nothing else is removed for it.
"""

import io
import os
import shutil

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from grader.cli.stage import stage
from grader.course import REFERENCE_DIR, CourseError
from grader.outcome import Outcome
from grader.powercuts.effects import Tree
from grader.powercuts.replay import PowerCutReplay, parse_power_cut
from grader.replay import ReplayError, check_of
from grader.report.left import FILES_MAX, Left, left_parts
from grader.testkit.rerun import Rerun, parse_replay
from grader.tests.test_replay import replays as schedules
from grader.unit import Unit, plugin, run, run_unit
from grader.unit.again import check_rerun
from grader.unit.collect import collect_tests
from grader.unit.leaving import LeaveError, make_place

NAME = "test_what_was_set_is_there"
HISTORY = (("set", ("a", b"1")), ("delete", ("a",)), ("close", ()))

power_cuts = st.builds(
    PowerCutReplay,
    test=st.from_regex(r"test_[a-z0-9_]{1,40}", fullmatch=True),
    seed=st.integers(0, 10**12),
    place=st.integers(0, 10**6),
    check=st.integers(0, 0xFFFF),
    kept=st.integers(0, 1 << 64),
    model=st.sampled_from(["ordered", "strict"]),
    state=st.integers(0, 10**6),
    again=st.none() | st.integers(0, 10**6),
)


def replay_of(history=HISTORY, kept=0b111, **others):
    known = {"test": NAME, "seed": 7, "place": 0, "check": check_of(history), "model": "ordered"}
    return PowerCutReplay(**{**known, "kept": kept, "state": 41, **others})


# Ids.


def test_an_id_word_for_word():
    known = {"check": 0xC0DE, "kept": 0x1F}
    assert str(replay_of(**known)) == f"{NAME}:7:0:c0de:1f:o:41"
    assert str(replay_of(**known, model="strict", again=3)) == f"{NAME}:7:0:c0de:1f:s:41.3"


@given(power_cuts)
def test_an_id_can_be_read_back(replay):
    assert parse_power_cut(f" {replay}\n") == replay
    assert " " not in str(replay)


@given(power_cuts | schedules)
def test_an_id_of_either_kind_is_told_from_the_other(replay):
    assert parse_replay(str(replay)) == replay


@pytest.mark.parametrize(
    "text",
    [
        "",
        NAME,
        f"{NAME}:7:0:c0de:3:o",
        f"{NAME}:7:0:c0de:3:o:",
        f"{NAME}:7:0:c0de:3:x:41",
        f"{NAME}:7:0:c0de:3:o:41.",
        f"{NAME}:7:0:c0de:3:o:41.1.1",
        f"{NAME}:7:0:c0de:3:o:-41",
        f"{NAME}:7:0:C0DE:3:o:41",
        f"{NAME}:7:0:c0de:3:o:{'9' * 5000}",
        f"{NAME}:7:0:c0de:3:o:\u0667",
        f"../{NAME}:7:0:c0de:3:o:41",
    ],
)
def test_what_is_no_id_is_refused_in_a_sentence(text):
    with pytest.raises(ReplayError, match="is not the id of a power cut: copy it whole"):
        parse_power_cut(text)
    with pytest.raises(ReplayError, match="not the id of a schedule or of a power cut: copy it"):
        parse_replay(text)


@pytest.mark.parametrize(("kept", "left"), [(0b111, (0, 1, 2)), (0b101, (0, 2)), (0, ())])
def test_an_id_fits_its_own_history_and_keeps_the_calls_whose_bit_is_set(kept, left):
    assert replay_of(kept=kept).history(HISTORY) == tuple(HISTORY[place] for place in left)


def test_an_id_of_another_history_is_refused():
    for whole, kept in ((HISTORY[:2], 0b11), (HISTORY, 0b1111)):
        with pytest.raises(ReplayError, match="another history there than when this power cut was"):
            replay_of(kept=kept).history(whole)


# Whether it was run.


def outcome(status):
    place = f"stage3_wal/tests/test_power.py::{NAME}"
    return Outcome(
        place, "A title.", 3, "persistence", 1.0, "h", hidden=False, status=status, seconds=0.1
    )


def test_a_test_that_never_cut_the_power_there_is_no_pass():
    rerun = Rerun(replay_of(place=99))
    with pytest.raises(ReplayError, match="no history 99, so nothing was run.* this power cut was"):
        check_rerun(rerun, [outcome("passed")])
    rerun.is_done = True
    check_rerun(rerun, [outcome("passed")])


def test_a_test_that_only_looks_for_races_runs_nothing_for_a_power_cut():
    name = "test_no_increment_is_lost"
    unit = Unit(1, str(REFERENCE_DIR), seed=0, replay=str(replay_of(test=name)))
    with pytest.raises(ReplayError, match=f"{name} has no history 0, so nothing was run"):
        run_unit(unit)


class CuttingPlugin(plugin.UnitPlugin):
    """Stands in for a fixture that cuts the power."""

    def pytest_runtest_setup(self, item):
        super().pytest_runtest_setup()
        item.stash.setdefault(plugin.NOTES, []).append("12 of 40 states were opened.")
        item.stash[plugin.NOTES].append("That is \ud800 all.")
        if self._rerun is not None:
            self._rerun.leave(Tree({"store/a": b"1"}, ("store",)), "store")
            self._rerun.is_done = True


def test_what_a_fixture_notes_and_leaves_comes_out_of_the_unit(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "UnitPlugin", CuttingPlugin)
    name = collect_tests(2)[0].name
    replay = str(replay_of(test=name))
    unit = Unit(2, str(REFERENCE_DIR), 1, replay=replay, leave_in=str(tmp_path))
    result = run_unit(unit)
    assert [(o.name, o.status) for o in result.outcomes] == [(name, "passed")]
    assert result.outcomes[0].note == "12 of 40 states were opened. That is \\ud800 all."
    assert (result.seed, result.left) == (7, str(tmp_path / "store"))
    assert (tmp_path / "store/a").read_bytes() == b"1"
    assert run_unit(Unit(2, str(REFERENCE_DIR), 1, only=(name,))).left == ""


# What is left on disk.


def test_a_tree_is_left_with_ordinary_modes(tmp_path):
    rerun = Rerun(replay_of(), leave_in=tmp_path)
    before = os.umask(0)
    try:
        rerun.leave(Tree({"wal-0000000001.log": b"x", "deep/er/a": b""}, ("deep", "deep/er")))
    finally:
        os.umask(before)
    assert rerun.left == tmp_path
    assert rerun.misfit is None
    found = {path.relative_to(tmp_path).as_posix(): path for path in tmp_path.rglob("*")}
    assert set(found) == {"wal-0000000001.log", "deep", "deep/er", "deep/er/a"}
    assert found["wal-0000000001.log"].read_bytes() == b"x"
    if os.name == "posix":
        assert {path.stat().st_mode & 0o777 for path in found.values()} == {0o644, 0o755}


def test_without_a_place_nothing_is_left():
    rerun = Rerun(replay_of())
    rerun.leave(Tree({"a": b"x"}))
    assert (rerun.left, rerun.misfit) == (None, None)


@pytest.mark.parametrize("name", ["../a", "deep/../../a", "/tmp/kv-a", "deep/../.."])
def test_no_name_leads_out_of_the_place(tmp_path, name):
    place = tmp_path / "in"
    place.mkdir()
    for tree, inside in (
        (Tree({name: b"x"}), ""),
        (Tree({}, (name,)), ""),
        (Tree({"a": b""}), name),
    ):
        rerun = Rerun(replay_of(), leave_in=place)
        rerun.leave(tree, inside)
        assert "cannot be left" in str(rerun.misfit)
        assert rerun.left is None
        assert list(tmp_path.rglob("*")) == [place]


def test_the_place_is_beside_the_package_and_emptied_each_time(tmp_path):
    package = tmp_path / "kvstore"
    package.mkdir()
    place = make_place(package)
    assert place == tmp_path / "powercut/disk"
    (place / "deep").mkdir()
    (place / "deep/a").write_bytes(b"x")
    (place.parent / "mine.txt").write_text("kept")
    assert make_place(package) == place
    assert list(place.iterdir()) == []
    assert (place.parent / "mine.txt").read_text() == "kept"
    assert "disk/" in (place.parent / "README.txt").read_text()
    assert (place.parent / ".gitignore").read_text() == "*\n"  # no part of a student's work


def make_folder(place, elsewhere):
    place.mkdir()
    (place / "disk").mkdir()
    (place / "disk/thesis.txt").write_text("mine")


def make_file(place, elsewhere):
    place.write_text("mine")


def make_link(place, elsewhere):
    place.symlink_to(elsewhere)


@pytest.mark.parametrize("make", [make_folder, make_file, make_link])
def test_what_is_not_ours_is_not_touched(tmp_path, make):
    package, elsewhere = tmp_path / "here/kvstore", tmp_path / "elsewhere"
    package.mkdir(parents=True)
    elsewhere.mkdir()
    make(package.parent / "powercut", elsewhere)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(LeaveError, match="powercut is in the way"):
        make_place(package)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_link_in_our_place_is_not_followed(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    package, elsewhere = tmp_path / "kvstore", tmp_path / "elsewhere"
    package.mkdir()
    elsewhere.mkdir()
    (elsewhere / "thesis.txt").write_text("mine")
    place = make_place(package)
    (place / "link").symlink_to(elsewhere)
    make_place(package)
    assert (elsewhere / "thesis.txt").read_text() == "mine"
    place.rmdir()
    place.symlink_to(elsewhere)
    assert make_place(package).parent.name.startswith("kv-powercut-")
    assert (elsewhere / "thesis.txt").read_text() == "mine"


def test_where_nothing_can_be_written_a_folder_for_temporary_files_serves(tmp_path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    place = make_place(tmp_path / "no such folder/kvstore")
    assert place.is_dir()
    assert place.is_relative_to(tmp_path / "temporary")


# What the page says of it.


def shown(left):
    console = Console(width=80, file=io.StringIO())
    for part in left_parts(left):
        console.print(part, crop=False)
    return console.file.getvalue()


def test_the_page_says_where_it_is_and_what_to_type():
    name = "wal-0000000001.log"
    opening = ("python", "-m", "kvstore", "repl", "--data-dir", "powercut/disk")
    assert shown(Left("work/powercut/disk", (name,), opening, "work")) == (
        "The folder as the power cut left it: work/powercut/disk\n"
        "Look at what is in its files:\n"
        "    nox -s inspect -- work/powercut/disk/wal-0000000001.log\n"
        "Open it with your own code, from work (that may change its files):\n"
        "    python -m kvstore repl --data-dir powercut/disk\n"
    )


def test_an_empty_folder_is_said():
    assert shown(Left("work/powercut/disk", ())).endswith("disk\nThere is no file in it.\n")


def test_only_harmless_names_get_into_a_command_and_not_too_many():
    bad = (
        "$(reboot).log",
        "a b.log",
        "-r.log",
        "a\x1b[2J.log",
        "x/;.log",
        "../a.log",
        "kvstore.py",
    )
    assert "inspect" not in shown(Left("disk", bad))
    many = tuple(f"wal-{number:010}.log" for number in range(1, 9))
    text = shown(Left("a folder", (*many, *bad)))
    assert text.count("nox -s inspect -- 'a folder/wal-") == FILES_MAX
    assert "wal-0000000008.log" in text


# The command.


def run_stage(number, target, replay):
    stage(number, target=target, select="", seed=None, assist=False, debug=False, replay=replay)


def test_the_page_of_a_power_cut_that_passes(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(run, "UnitPlugin", CuttingPlugin)
    monkeypatch.setenv("COLUMNS", "300")
    shutil.copytree(REFERENCE_DIR, tmp_path / "kvstore")
    replay = replay_of(test=collect_tests(2)[0].name)
    with pytest.raises(typer.Exit) as ended:
        run_stage(2, tmp_path, str(replay))
    assert ended.value.exit_code == 0
    told = capsys.readouterr().out
    assert "Stage 2: Entry encoding, one power cut again" in told
    assert f"This power cut of {replay.test} passes now." in told
    assert "12 of 40 states were opened." in told
    assert f"The folder as the power cut left it: {tmp_path}/powercut/disk/store" in told
    assert "python -m kvstore repl --data-dir powercut/disk/store\n" in told
    assert (tmp_path / "powercut/disk/store/a").read_bytes() == b"1"


def test_an_id_that_is_none_touches_nothing(tmp_path):
    (tmp_path / "kvstore").mkdir()
    with pytest.raises(ReplayError, match="not the id of a schedule or of a power cut"):
        run_stage(3, tmp_path, "test_x:7:0:c0de:3:q:1")
    assert [path.name for path in tmp_path.iterdir()] == ["kvstore"]


def test_a_power_cut_of_another_stage_is_named(tmp_path):
    (tmp_path / "kvstore").mkdir()
    with pytest.raises(ReplayError, match="no test test_nobody_knows; nor has another stage"):
        run_stage(3, tmp_path, str(replay_of(test="test_nobody_knows")))


def test_what_is_in_the_way_of_a_power_cut_is_one_sentence(tmp_path):
    (tmp_path / "kvstore").mkdir()
    make_folder(tmp_path / "powercut", None)
    with pytest.raises(LeaveError, match="is in the way"):
        run_stage(3, tmp_path, str(replay_of()))


def test_an_id_says_its_seed_and_test_itself(tmp_path):
    with pytest.raises(CourseError, match="leave out -k and --seed"):
        stage(3, target=tmp_path, select="x", seed=None, replay=str(replay_of()))
