"""Run one unit with pytest, in this process, and return its outcomes.

Every test that was collected has an outcome at the end: what pytest never came to is `error`, so
that nothing is a pass by being absent.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

import msgspec
import pytest

from grader.course import STAGES_DIR, Stage, load_course
from grader.outcome import Failure, Outcome, UnitResult
from grader.remote.process import choose_isolation
from grader.sandbox import Isolation, find_isolation
from grader.testkit.patience import Patience
from grader.testkit.rerun import Rerun, parse_replay
from grader.unit.again import check_rerun
from grader.unit.bench import Bench
from grader.unit.debugger import debugger
from grader.unit.plugin import UnitPlugin, describe


class Unit(msgspec.Struct, frozen=True):
    """What to run: the tests of `stage` against `package_dir`, the folder called `kvstore`.

    `select` is pytest's `-k`; `only` names whole tests. `debug` runs the package in this process.
    `collect_only` runs nothing: each outcome is `error`, and says what its test is and is worth.
    `isolation` is the key of the walls that were chosen for this run; empty: choose them here.
    `races_only` leaves out tests that do more than look for races. `replay` is the id of a
    schedule or of a power cut that is run again: it says which test is run, with which seed. Of a
    power cut the files are left in `leave_in`, an empty folder; empty text: nowhere.
    """

    stage: int
    package_dir: str
    seed: int
    select: str = ""
    only: tuple[str, ...] = ()
    debug: bool = False
    collect_only: bool = False
    isolation: str = ""
    races_only: bool = False
    replay: str = ""
    leave_in: str = ""


def new_seed() -> int:
    """A seed for a run that was given none."""
    return random.SystemRandom().randrange(1, 1_000_000)


def run_unit(
    unit: Unit,
    report: Callable[[Outcome], None] = lambda outcome: None,
    announce: Callable[[int], None] = lambda total: None,
    patience: Patience | None = None,
) -> UnitResult:
    """Run the tests of one unit; `report` is told each outcome as it comes, `announce` how many
    there will be. `patience` is what races may cost. Raises `ReplayError` for an id that is none,
    or that fits no test of the stage, and `KeyboardInterrupt` when the user ends it.
    """
    stage = load_course().stage(unit.stage)
    rerun = _rerun(unit)
    if rerun is not None:
        unit = msgspec.structs.replace(unit, only=(rerun.replay.test,), seed=rerun.replay.seed)
    outcomes: list[Outcome] = []

    def keep(outcome: Outcome) -> None:
        outcomes.append(outcome)
        report(outcome)

    package_dir = Path(unit.package_dir).resolve()
    isolation = _isolation(unit)
    bench = Bench(package_dir, isolation)
    plugin = UnitPlugin(stage, package_dir, bench, unit.seed, keep, patience, rerun)
    collected = _Collected(unit, announce)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ.pop("PYTEST_ADDOPTS", None)
    try:
        with debugger() if unit.debug else nullcontext():
            exit_code = pytest.main(_arguments(unit, stage), plugins=[plugin, collected])
    finally:
        bench.close()
    if plugin.is_stopped:
        raise KeyboardInterrupt
    if rerun is not None:
        check_rerun(rerun, outcomes)
    for outcome in _never_run(stage, collected.items, outcomes):
        keep(outcome)
    problems = list(plugin.collect_problems)
    if exit_code in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR):
        problems.append(f"pytest ended with {pytest.ExitCode(exit_code).name}")
    problem = "; ".join(problems)
    return UnitResult(
        stage=unit.stage,
        seed=unit.seed,
        isolation=str(isolation or "none (debug)"),
        outcomes=tuple(outcomes),
        problem=problem,
        left=str(rerun.left) if rerun is not None and rerun.left is not None else "",
    )


def _never_run(
    stage: Stage, items: Sequence[pytest.Item], outcomes: Sequence[Outcome]
) -> list[Outcome]:
    """An outcome for every test that was collected and has none yet."""
    seen = {outcome.test for outcome in outcomes}
    never = Failure("the grader never came to this test")
    described = (describe(item, stage, "error", never, 0.0) for item in items)
    return [outcome for outcome in described if outcome.test not in seen]


def _rerun(unit: Unit) -> Rerun | None:
    """What this unit is about, if that is one thing alone; raises `ReplayError`."""
    if not unit.replay:
        return None
    leave_in = Path(unit.leave_in) if unit.leave_in else None
    return Rerun(parse_replay(unit.replay), is_debugged=unit.debug, leave_in=leave_in)


def _isolation(unit: Unit) -> Isolation | None:
    """The walls of this unit; None where it runs nothing, or runs in this process."""
    if unit.debug or unit.collect_only:
        return None
    return find_isolation(unit.isolation) if unit.isolation else choose_isolation()


class _Collected:
    """Chooses the tests that are wanted, and remembers which these are."""

    def __init__(self, unit: Unit, announce: Callable[[int], None]) -> None:
        self.items: list[pytest.Item] = []
        self._only = frozenset(unit.only)
        self._races_only = unit.races_only
        self._announce = announce

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out what was not asked for."""
        if self._only:
            items[:] = [item for item in items if item.name in self._only]
        if self._races_only:
            items[:] = [item for item in items if _looks_for_races(item)]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Keep the tests that were selected."""
        self.items = list(session.items)
        self._announce(len(self.items))


def _looks_for_races(item: pytest.Item) -> bool:
    """Whether a test has the race finder look, and calls nothing of the package itself."""
    asked = getattr(item, "fixturenames", ())
    return "races" in asked and "kv" not in asked


def _arguments(unit: Unit, stage: Stage) -> list[str]:
    """Pytest's arguments. Seen from the folder of all stages, no two test files have one name: a
    process may run more than one stage.
    """
    folders = (stage.visible_tests, stage.hidden_tests)
    arguments = [str(folder) for folder in folders if folder.is_dir()]
    arguments += ["-c", os.devnull, "--rootdir", str(STAGES_DIR), "--noconftest"]
    arguments += ["--import-mode=importlib", "-p", "no:cacheprovider", "-p", "no:terminal"]
    arguments += [
        "-p",
        "no:debugging",
        "-p",
        "no:logging",
        "-p",
        "no:unraisableexception",
        "--strict-markers",
    ]
    if unit.select:
        arguments += ["-k", unit.select]
    # A progress bar has the real output; nothing but tests prints within this process.
    arguments += ["--capture=no" if unit.debug else "--capture=sys"]
    if unit.collect_only:
        arguments += ["--collect-only"]
    return arguments
