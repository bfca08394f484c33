"""Scores as they are shown: rounded, and only full marks read as full marks."""

from __future__ import annotations

import math

from grader.grading.model import Tally


def percent(tally: Tally) -> str:
    """Return the share in whole percents, rounded down."""
    # 29 of 100 must not become 28 by the rounding of floats.
    return str(math.floor(tally.share * 100 + 1e-9))


def below(value: float, full: float, digits: int) -> str:
    """Round, but never up to `full` what is less."""
    least = 10.0**-digits
    shown = min(value, full - least) if value < full else full
    return f"{shown:.{digits}f}"
