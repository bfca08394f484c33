"""The pages that `--replay` and `nox -s race` print: one schedule or power cut again, and a long
look.

Not here: how a failure is told (failure.py), and how races are looked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.text import Text

from grader.course import Stage
from grader.hints import Hint
from grader.outcome import Outcome, UnitResult
from grader.report.blocks import INDENT, Heading, command, hanging, joined
from grader.report.failure import failure_section
from grader.report.feedback import RunFacts
from grader.report.left import Left, left_parts
from grader.report.telling import reason_words
from grader.report.words import STATUS_WORDS, count, plain


@dataclass(frozen=True)
class Look:
    """What came of looking for races in one stage.

    `tests` is how many looked. `race` and `others`, failures that are no race, stand beside the
    seed of their run.
    """

    stage: Stage
    tests: int
    schedules: int
    race: tuple[int, Outcome] | None
    others: Sequence[tuple[int, Outcome]]


@dataclass(frozen=True)
class LookFacts:
    """The student's folder as they would type it, the seed of the first rounds, the walls, and wall
    time.
    """

    target: str
    seed: int
    isolation: str
    seconds: float


def replay_page(
    stage: Stage,
    result: UnitResult,
    hints: Mapping[str, Hint],
    facts: RunFacts,
    *,
    what: str = "schedule",
    left: Left | None = None,
) -> Group:
    """Return the page of one schedule, or of one `what`, that was run again; `left` is the folder
    that came of it.
    """
    return Group(*_replay_parts(stage, result, hints, facts, what, left))


def race_page(looks: Sequence[Look], hints: Mapping[str, Hint], facts: LookFacts) -> Group:
    """Return the page of a long look at stages."""
    return Group(*_race_parts(looks, hints, facts))


def _replay_parts(
    stage: Stage,
    result: UnitResult,
    hints: Mapping[str, Hint],
    facts: RunFacts,
    what: str,
    left: Left | None,
) -> Iterator[RenderableType]:
    title = f"Stage {stage.number}: {stage.name}, one {what} again"
    yield from _top(title, facts.target, result.seed, result.isolation)
    if result.problem:
        yield hanging("It could not be run: ", result.problem, style="bold red")
        return
    failed = [outcome for outcome in result.outcomes if outcome.status != "passed"]
    for place, outcome in enumerate(failed, start=1):
        yield _failure(place, outcome, result.seed, hints, facts.target)
    if not failed:
        names = ", ".join(outcome.name for outcome in result.outcomes)
        yield hanging("", f"This {what} of {names} passes now.", style="bold green")
        for note in filter(None, (outcome.note for outcome in result.outcomes)):
            yield hanging("", note)
        yield Text()
    if left is not None:
        yield from left_parts(left)
        yield Text()
    if not failed:
        yield Text("Next: see whether another one fails, and run the stage again:", "bold")
        yield command(f"nox -s stage{stage.number}")


def _race_parts(
    looks: Sequence[Look], hints: Mapping[str, Hint], facts: LookFacts
) -> Iterator[RenderableType]:
    numbers = [str(look.stage.number) for look in looks]
    which = f"stage {numbers[0]}" if len(numbers) == 1 else f"stages {', '.join(numbers)}"
    yield from _top(f"Races: {which}", facts.target, facts.seed, facts.isolation)
    found = [look for look in looks if look.race]
    for look in found:
        assert look.race is not None
        yield _failure(1, look.race[1], look.race[0], hints, facts.target)
    yield from _others(looks)
    yield Heading("Result")
    yield from _counts(looks, facts)
    yield Text()
    if found:
        yield Text("Next: mend it, and look again:", "bold")
        yield command(f"nox -s race -- {found[0].stage.number}")
    elif any(look.others for look in looks):
        first = next(look for look in looks if look.others)
        yield Text("Next: mend what fails in any schedule:", "bold")
        yield command(f"nox -s stage{first.stage.number}")
    else:
        yield Text("That is no proof: a schedule that was not tried may fail. To look for longer:")
        number = f"{numbers[0]} " if len(numbers) == 1 else ""
        yield command(f"nox -s race -- {number}--seconds {max(60, round(facts.seconds)) * 10}")


def _counts(looks: Sequence[Look], facts: LookFacts) -> Iterator[RenderableType]:
    schedules = sum(look.schedules for look in looks)
    races = sum(look.race is not None for look in looks)
    tried = f"{count(schedules, 'schedule')} of {count(sum(k.tests for k in looks), 'test')}"
    is_clean = not any(look.others for look in looks)
    style = "bold red" if races else "bold green" if is_clean else "bold"
    line = Text(f"{'one race' if races else 'no race'} in {tried}", style)
    rate = round(schedules / max(facts.seconds, 0.001))
    yield line.append(f" · {facts.seconds:.1f} s · {rate:,} schedules/s", "dim")
    for look in looks if len(looks) > 1 else ():
        tests = f"{count(look.schedules, 'schedule')} of {count(look.tests, 'test')}"
        yield Text(f"{INDENT}stage {look.stage.number}: {tests}", "dim")


def _others(looks: Sequence[Look]) -> Iterator[RenderableType]:
    """Tests that could not look, one line each."""
    for look in looks:
        if look.others:
            remark = f"stage {look.stage.number}: these fail in any schedule"
            yield Heading("Could not look", remark, "yellow")
        for _seed, outcome in look.others:
            reason = reason_words(outcome.failure) if outcome.failure else ""
            yield hanging(
                f"{INDENT}{outcome.name}: ", plain(reason) or STATUS_WORDS[outcome.status]
            )
        if look.others:
            yield Text()


def _top(title: str, target: str, seed: int, isolation: str) -> Iterator[RenderableType]:
    yield Heading(title)
    where = joined((target, f"seed {seed}", f"isolation {isolation}"))
    yield Text(plain(where), "dim")
    yield Text()


def _failure(
    place: int, outcome: Outcome, seed: int, hints: Mapping[str, Hint], target: str
) -> RenderableType:
    hint = hints.get(outcome.hint) if outcome.status != "error" else None
    return failure_section(place, outcome, seed, hint=hint, path_of=lambda file: f"{target}/{file}")
