"""What the benchmark of power cuts computes without running anything: histories, runs, tables."""

import io
import random

import pytest
from rich.console import Console

from grader.benchmarks.powercuts import correct, drawn, generated, kinds
from grader.benchmarks.powercuts.grid import Grid
from grader.benchmarks.powercuts.kinds import Counted
from grader.benchmarks.races.drawn import DESIGNS_DIR
from grader.mutants.catalog import Mutant
from grader.oracle.model import Raises
from grader.oracle.operations import OPERATIONS
from grader.oracle.whole import State
from grader.testkit.marks import MARK

SEEDS = range(20)


def histories(stage, policy, seed=1):
    return [trial.history for trial in generated.trials(stage, policy, random.Random(seed))]


@pytest.mark.parametrize("stage", drawn.STAGES)
def test_a_seed_always_draws_the_same_histories(stage):
    assert histories(stage, "always", 1) == histories(stage, "always", 1)
    assert histories(stage, "always", 1) != histories(stage, "always", 2)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_call_of_a_random_history_raises_and_each_writes(seed):
    state = State()
    history = generated.store_history(random.Random(seed), 12, snapshots=True)
    assert 0 < len(history) <= 12 + 5  # two snapshots, a reopening, a close
    for name, args in history:
        answer, state = OPERATIONS[name].act(state, args, state.now_ns)
        assert not isinstance(answer, Raises)
        assert OPERATIONS[name].writes


def test_calls_that_would_raise_are_left_out():
    text, closed = ("set", ("a", b"text")), ("close", ())
    history = [text, ("incr", ("a", 1)), ("get", ("a",)), closed, ("set", ("b", b"1"))]
    assert generated.without_refused(history) == [text, closed]


def test_snapshots_are_for_stages_that_know_them():
    def names(stage):
        told = [histories(stage, "always", seed)[0] for seed in SEEDS]
        return {name for history in told for name, _ in history}

    assert {"close", "reopen"} <= names(4)
    assert "snapshot" not in names(4)
    assert {"snapshot", "close", "reopen"} <= names(5)
    assert names(3) == {"append", "sync", "advance"}


@pytest.fixture
def known_mark(pytestconfig):
    """The stages' tests may be imported here too."""
    pytestconfig.addinivalue_line("markers", f"{MARK}: what a test is worth")


@pytest.mark.usefixtures("known_mark")
@pytest.mark.parametrize("stage", drawn.STAGES)
def test_what_hidden_tests_try_is_drawn_without_a_package(stage):
    first, again = drawn.draw(stage, 1), drawn.draw(stage, 1)
    assert first == again
    assert first != drawn.draw(stage, 2)
    assert any(one.trials for one in first.values())
    assert all(one.trials or one.has_faults or one.has_damage for one in first.values())


@pytest.mark.usefixtures("known_mark")
def test_a_drawn_history_keeps_all_its_calls():
    trials = [trial for one in drawn.draw(4, 1).values() for trial in one.trials]
    assert all(trial.history == trial.whole for trial in trials)


def test_a_test_that_looks_at_answers_is_drawn_up_to_there():
    def test(power):
        power.reopen(None, [])
        raise AssertionError("this needs a package")

    def faulty(power):
        power.explore_faults(None, [], "write", "EIO")
        raise AssertionError("so does this")

    assert drawn.draw_one(test, "seed") == drawn.Drawn(has_damage=True)
    assert drawn.draw_one(faulty, "seed") == drawn.Drawn(has_faults=True)


def test_every_design_with_files_is_tried_and_the_reference_first():
    runs = correct.runs_of(DESIGNS_DIR)
    assert runs[:3] == [("reference", 3), ("reference", 4), ("reference", 5)]
    own = {path.parent.name for path in DESIGNS_DIR.glob("*/wal.py")}
    assert len(own) >= 3
    assert {(name, stage) for name in own for stage in drawn.STAGES} <= set(runs)


def mutant(name, kind):
    return Mutant(name, "wal.py", "It is wrong.", "a", "b", kind=kind)


ROWS = [
    (3, mutant("one", "missing fsync"), Counted(100, ordered=5, strict=2)),
    (4, mutant("two", "apply before log"), Counted(50, otherwise="faults")),
    (4, mutant("three", "missing fsync"), Counted(1000, ordered=1, is_killed=True)),
]


def test_mutants_stand_below_their_kind_which_has_their_sums():
    assert kinds.table_rows(ROWS) == [
        ("missing fsync", "", "1,100", "8", "6", "2", "1/2", ""),
        ("· one", "3", "100", "7", "5", "2", "no", ""),
        ("· three", "4", "1,000", "1", "1", "0", "yes", ""),
        ("apply before log", "", "50", "0", "0", "0", "0/1", "faults"),
        ("· two", "4", "50", "0", "0", "0", "no", "faults"),
    ]


def test_the_summary_counts_mutants_and_names_kinds_without_one():
    wanted = ["missing fsync", "fsync without flush", "apply before log"]
    text = kinds.summary(ROWS, wanted)
    assert text == (
        "Of 3 mutants 3 are found: 2 by power cuts; 1 by kill -9. No mutant: fsync without flush."
    )


def test_a_mutant_that_nothing_shows_is_not_found():
    assert not Counted(500).is_found
    assert not Counted(500, is_killed=True).is_found
    assert (Counted(1) + Counted(otherwise="damage")).is_found


def test_ways_are_named_once():
    both = Counted(otherwise="faults") + Counted(otherwise="damage, faults") + Counted()
    assert both.otherwise == "damage, faults"


def test_a_grid_is_shown_as_markdown_or_in_the_terminal():
    grid = Grid("A title", ("name", "n"), [("one", "1"), ("[two]", "2")])
    assert grid.markdown() == "A title\n\n| name | n |\n| :-- | --: |\n| one | 1 |\n| [two] | 2 |\n"
    for markdown in (True, False):
        out = io.StringIO()
        grid.show(Console(file=out, width=60), markdown=markdown)
        assert "[two]" in out.getvalue()
        assert ("| :-- |" in out.getvalue()) == markdown
