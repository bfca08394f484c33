"""What a test is worth: `@points(2, suite="persistence", hint="torn-tail")`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from grader.outcome import Suite

MARK = "course"
F = TypeVar("F", bound=Callable[..., Any])


def points(value: float, *, suite: Suite, hint: str) -> Callable[[F], F]:
    """Say what a test is worth in its suite, and which hint of the stage's `hints.toml` helps when
    it fails.
    """
    mark = getattr(pytest.mark, MARK)(points=value, suite=suite, hint=hint)

    def apply(function: F) -> F:
        return mark(function)  # type: ignore[no-any-return]

    return apply
