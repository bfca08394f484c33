"""What the quality suite measures, read from `quality.toml`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

from grader.mistake import MistakeError

SETTINGS_FILE = Path(__file__).with_name("quality.toml")


class QualityError(MistakeError):
    """Quality cannot be measured: the grader's settings or its tools are at fault."""


class RuffSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ruff is asked for; `complexity_max` is the highest cyclomatic complexity allowed."""

    rules: tuple[str, ...]
    line_length: int
    target_version: str
    complexity_max: int
    statements_per_finding: int


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The points of each check in each stage, in the order of reports, and ruff's settings."""

    points: dict[str, float]
    ruff: RuffSettings


@cache
def load_settings(path: Path = SETTINGS_FILE) -> Settings:
    """Read the settings; raises `QualityError` with the file and what is wrong."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Settings)
    except (OSError, msgspec.DecodeError) as problem:
        raise QualityError(f"{path.name} cannot be read: {problem}") from problem
