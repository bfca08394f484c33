"""An outcome and its failure in plain lines, for formats that know nothing but text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from grader.outcome import Comparison, Failure, Interleaving, Outcome, Wait
from grader.report import cuts, turns


def outcome_lines(outcome: Outcome) -> Iterator[str]:
    """Say why it failed, if it did, and how thorough the test was."""
    if outcome.failure is not None:
        yield from failure_lines(outcome.failure)
    if outcome.note:
        yield outcome.note


def failure_lines(failure: Failure) -> Iterator[str]:
    """Say why, what was done, what was expected, where, and what the code printed."""
    yield failure.reason
    if failure.interleaving is not None:
        yield from _race_lines(failure.interleaving)
    elif failure.power_cut is not None:
        yield from cuts.cut_lines(failure.power_cut)
    elif failure.steps:
        yield "What was done:"
        for number, step in enumerate(failure.steps, start=1):
            yield f"  {number}. {step.text}" + (f" → {step.result}" if step.result else "")
    if failure.comparison is not None:
        yield from _comparison_lines(failure.comparison)
    if failure.frames:
        yield "In your code:"
    for frame in failure.frames:
        yield f"  {frame.file}:{frame.line} in {frame.function}: {frame.source}"
    if failure.printed:
        yield f"Your code printed:\n{failure.printed}"


def _race_lines(race: Interleaving) -> Iterator[str]:
    yield turns.diagnosis(race)
    if race.latent:
        yield turns.LATENT_MEANS
    for wait in turns.told_waits(race):
        yield from _wait_lines(race, wait)
    yield turns.found_words(race)
    yield from (f"  before: {step}" for step in turns.step_words(race.before))
    told = turns.turns_of(race)
    for turn in told:
        yield from _turn_lines(turn, turns.thread_names(race))
    if any(turn.hurts for turn in told):
        yield f"  ({turns.HURTS_MEANS})"
    yield from (f"  after: {step}" for step in turns.step_words(race.after))


def _turn_lines(turn: turns.Turn, names: Sequence[str]) -> Iterator[str]:
    if turn.left_out:
        yield f"  {turns.left_out_words(turn)}"
    if turn.hurts:
        yield f"  {turns.switch_words(turn, names)}"
    for row in turn.rows(full=True):
        parts = (names[turn.thread], row.label, row.text)
        yield f"  {'  '.join(part for part in parts if part)}"


def _wait_lines(race: Interleaving, wait: Wait) -> Iterator[str]:
    where = f" is in {turns.short(wait.call)}" if wait.call else ""
    yield f"{turns.waiting_name(race, wait)}{where}"
    for held in turns.told_holds(wait):
        place = turns.place_words(held.place)
        yield f"  holds {turns.short(held.what)}" + (f", taken at {place}" if place else "")
    place = turns.place_words(wait.frames[-1]) if wait.frames else ""
    yield f"  waits for {turns.wait_words(race, wait)}" + (f", at {place}" if place else "")


def _comparison_lines(comparison: Comparison) -> Iterator[str]:
    if comparison.operator == "==":
        yield f"Expected: {comparison.expected}"
    else:
        yield f"Expected: {comparison.operator} {comparison.expected}"
    yield f"Came back: {comparison.actual}"
