"""What each suite is worth of the 100, read from `weights.toml` and checked."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Any

from grader.outcome import SUITES, Suite

WEIGHTS_FILE = Path(__file__).with_name("weights.toml")
WEIGHTS_SUM = 100


class WeightsError(Exception):
    """The weights cannot be used; the message names the file and what is wrong in it."""


def load_weights(path: Path = WEIGHTS_FILE) -> dict[Suite, float]:
    """Read the weights: every suite, each above 0, 100 together. Raises `WeightsError`."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise WeightsError(f"{path.name} cannot be read: {problem}") from problem
    table = data.get("suites")
    if not isinstance(table, dict) or len(data) != 1:
        raise WeightsError(f"{path.name} must hold one table, [suites]")
    unknown = sorted(set(table) - set(SUITES))
    if unknown:
        raise WeightsError(f"{path.name}: unknown suite {unknown[0]!r}; known: {', '.join(SUITES)}")
    weights = {suite: _weight(path, suite, table) for suite in SUITES}
    total = math.fsum(weights.values())
    if not math.isclose(total, WEIGHTS_SUM, abs_tol=1e-9):
        raise WeightsError(f"{path.name}: the weights add up to {total:g}, not {WEIGHTS_SUM}")
    return weights


def _weight(path: Path, suite: Suite, table: dict[str, Any]) -> float:
    if suite not in table:
        raise WeightsError(f"{path.name}: no weight for {suite}")
    value = table[suite]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not (math.isfinite(value) and value > 0):
        raise WeightsError(f"{path.name}: the weight of {suite} must be a number above 0")
    return float(value)
