"""How long a run searches for failures that do not show by themselves."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Patience:
    """How much one run spends on searching: `factor` times as many schedules as usual of the same
    programs, none after `end` (of `time.monotonic`), and how many more failures, races and power
    cuts, are shrunk. `found` counts the races of the run; `tell` hears which test tried how many
    schedules.
    """

    factor: int = 1
    shrinks: int = 4
    found: int = 0
    end: float = math.inf
    tell: Callable[[str, int], None] = lambda test, count: None

    @property
    def is_over(self) -> bool:
        """Whether there is no time left."""
        return time.monotonic() >= self.end
