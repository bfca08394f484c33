"""A failure in plain lines, for formats that know nothing but text."""

from __future__ import annotations

from collections.abc import Iterator

from grader.outcome import Comparison, Failure


def failure_lines(failure: Failure) -> Iterator[str]:
    """Say why, what was done, what was expected, where, and what the code printed."""
    yield failure.reason
    if failure.steps:
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


def _comparison_lines(comparison: Comparison) -> Iterator[str]:
    if comparison.operator == "==":
        yield f"Expected: {comparison.expected}"
    else:
        yield f"Expected: {comparison.operator} {comparison.expected}"
    yield f"Came back: {comparison.actual}"
