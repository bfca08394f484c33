"""How many states of the disk show each kind of bug, beside a plain kill -9 of the same histories.

All histories of a stage's hidden tests are tried on each mutant of that stage, to the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from grader.benchmarks.powercuts.drawn import STAGES, Drawn, draw, power_agent
from grader.benchmarks.powercuts.grid import Grid
from grader.benchmarks.powercuts.killed import is_found_by_kill
from grader.benchmarks.races.drawn import BenchmarkError, mutant_package
from grader.mutants.catalog import Mutant, load_mutants
from grader.powercuts.agent import UnsupportedIO
from grader.powercuts.case import Trial
from grader.powercuts.explore import Explorer
from grader.remote.failures import CallFailure
from grader.unit import Unit
from grader.unit.worker import run_in_worker

KINDS = (
    "missing fsync",
    "fsync without flush",
    "apply before log",
    "no directory fsync",
    "rename before fsync of the file",
    "snapshot in place",
    "log cut before the snapshot is durable",
    "appends after an uncut torn tail",
    "torn tail taken for corruption",
    "corruption taken for a torn tail",
    "checksum not over all bytes",
    "relative deadlines",
    "partial batch applied",
    "stale temporary file loaded",
    "wrong segment order past 9 or 10",
    "old snapshot preferred",
    "acknowledgement before sync",
    "error on append swallowed",
    "lock file left behind after kill",
)
_COLUMNS = ("kind, and its mutants", "stage", "states", "showing it", "ordered", "strict")
_CAUGHT = ("failed", "timeout", "crashed")
_HOW = """\
states: different disks that were opened, of all histories. ordered, strict: what the states that
show it need; what is ordered is also strict. kill -9: whether it shows when the process is killed
after each call, and its files are opened again. otherwise: how the hidden tests find what no power
cut shows: faults (of the disk: ENOSPC, EIO), damage (flipped bits, cut and missing files), or tests
that watch the calls of the system or the answers."""


@dataclass(frozen=True)
class Counted:
    """What came of a mutant: how many states were opened, how many of them show it in each model,
    whether a kill shows it, and how else it is found.
    """

    states: int = 0
    ordered: int = 0
    strict: int = 0
    is_killed: bool = False
    otherwise: str = ""

    @property
    def is_found(self) -> bool:
        """Whether it shows at all."""
        return bool(self.ordered or self.strict or self.otherwise)

    def __add__(self, other: Counted) -> Counted:
        """Of both together."""
        ways = sorted({*self.otherwise.split(", "), *other.otherwise.split(", ")} - {""})
        return Counted(
            self.states + other.states,
            self.ordered + other.ordered,
            self.strict + other.strict,
            self.is_killed or other.is_killed,
            ", ".join(ways),
        )


Row = tuple[int, Mutant, Counted]


def print_kinds(console: Console, kind: str, each: int, seed: int, *, markdown: bool) -> bool:
    """Print what shows the mutants of kinds whose name contains `kind`, at most `each` of a kind;
    True if all are shown.
    """
    wanted = [name for name in KINDS if kind in name]
    if not wanted:
        raise BenchmarkError(f"no kind has a name that contains {kind!r}")
    mutants = [pair for name in wanted for pair in _mutants_of(name)[:each]]
    drawn = {stage: draw(stage, seed) for stage in {stage for stage, _ in mutants}}
    rows: list[Row] = []
    with Progress(console=console, transient=True) as progress:
        for stage, mutant in progress.track(mutants, description="kinds"):
            rows.append((stage, mutant, _count(stage, mutant, drawn[stage], seed)))
    grid = Grid(f"Power cuts, seed {seed}", (*_COLUMNS, "kill -9", "otherwise"), table_rows(rows))
    grid.show(console, markdown=markdown)
    console.print(_HOW, soft_wrap=True)
    console.print(summary(rows, wanted), soft_wrap=True)
    return all(counted.is_found for _, _, counted in rows)


def _mutants_of(kind: str) -> list[tuple[int, Mutant]]:
    return [
        (stage, mutant) for stage in STAGES for mutant in load_mutants(stage) if mutant.kind == kind
    ]


def table_rows(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """One row for each kind, with sums, and below it one for each of its mutants."""
    made: list[tuple[str, ...]] = []
    for kind in KINDS:
        own = [row for row in rows if row[1].kind == kind]
        if not own:
            continue
        killed = sum(counted.is_killed for _, _, counted in own)
        whole = _cells(sum((counted for _, _, counted in own), Counted()))
        made.append((kind, "", *whole[:4], f"{killed}/{len(own)}", whole[5]))
        made += [(f"· {mutant.name}", str(stage), *_cells(one)) for stage, mutant, one in own]
    return made


def summary(rows: Sequence[Row], wanted: Sequence[str]) -> str:
    """How many mutants power cuts show, and how many a kill, and which kinds have no mutant."""
    cut, killed, found = (
        sum(map(is_one, rows))
        for is_one in (
            lambda row: bool(row[2].ordered or row[2].strict),
            lambda row: row[2].is_killed,
            lambda row: row[2].is_found,
        )
    )
    text = f"Of {len(rows)} mutants {found} are found: {cut} by power cuts; {killed} by kill -9."
    tried = {mutant.kind for _, mutant, _ in rows}
    missing = [kind for kind in wanted if kind not in tried]
    return f"{text} No mutant: {', '.join(missing)}." if missing else text


def _cells(counted: Counted) -> tuple[str, ...]:
    showing = counted.ordered + counted.strict
    numbers = (counted.states, showing, counted.ordered, counted.strict)
    killed = "yes" if counted.is_killed else "no"
    return (*(f"{number:,}" for number in numbers), killed, counted.otherwise)


def _count(stage: int, mutant: Mutant, drawn: dict[str, Drawn], seed: int) -> Counted:
    trials = [trial for one in drawn.values() for trial in one.trials]
    with mutant_package(stage, mutant.name) as package:
        counted = sum((_explore(package, trial) for trial in trials), Counted())
        is_killed = any(is_found_by_kill(package, trial) for trial in trials)
        counted += Counted(is_killed=is_killed)
        if not counted.is_found:
            tests = [name for name, one in drawn.items() if one.has_faults or one.has_damage]
            # Who caught it may not be written down yet: then all tests are asked.
            only = (*tests, *mutant.caught_by) if mutant.caught_by else ()
            failed = _failed(Unit(stage, str(package), seed, only=only))
            counted += Counted(otherwise=_ways(failed, drawn))
    return counted


def _explore(package: Path, trial: Trial) -> Counted:
    with power_agent(package) as agent:
        explorer = Explorer(agent, finds_all=True)
        try:
            case = explorer.record(trial)
            if case.refusal is not None:
                return Counted(otherwise="a call raises")
            explored = explorer.explore(case)
        except UnsupportedIO:
            return Counted(otherwise="unsupported I/O")
        except CallFailure:
            return Counted(otherwise="a call does not return")
    ordered = sum(found.cut.model == "ordered" for found in explored.found)
    return Counted(explored.opened, ordered, len(explored.found) - ordered)


def _failed(unit: Unit) -> set[str]:
    return {outcome.name for outcome in run_in_worker(unit).outcomes if outcome.status in _CAUGHT}


def _ways(failed: set[str], drawn: dict[str, Drawn]) -> str:
    ways = {
        "faults": any(drawn[name].has_faults for name in failed & drawn.keys()),
        "damage": any(drawn[name].has_damage for name in failed & drawn.keys()),
        "other tests": bool(failed - drawn.keys()),
    }
    return ", ".join(way for way, is_one in ways.items() if is_one)
