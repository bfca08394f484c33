"""A TOML file whose mistakes are told with file and line.

The library that reads TOML keeps no line numbers, so a line is found again by what stands in it.
What the keys mean is not known here.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.mistake import MistakeError


class RubricError(MistakeError):
    """The rubric cannot be used; one sentence with file, line and what is wrong there."""


@dataclass(frozen=True)
class RubricFile:
    """The file's name, its text, and the data in it."""

    name: str
    text: str
    data: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> RubricFile:
        """Read the file; raises `RubricError` if it cannot be read or is no TOML."""
        try:
            text = path.read_text(encoding="utf-8")
            return cls(path.name, text, tomllib.loads(text))
        except (OSError, ValueError) as problem:
            raise RubricError(f"{path.name} cannot be read: {problem}") from problem

    def error(self, needle: str, sentence: str) -> RubricError:
        """The error to raise about the line in which `needle` stands first, comments aside."""
        pattern = re.compile(rf"(?<![\w.-]){re.escape(needle)}(?![\w-])")
        for number, line in enumerate(self.text.splitlines(), start=1):
            if pattern.search(line.partition("#")[0]):
                return RubricError(f"{self.name}, line {number}: {sentence}")
        return RubricError(f"{self.name}: {sentence}")

    def check_keys(self, where: str, table: Mapping[str, Any], known: Collection[str]) -> None:
        """Refuse a key that means nothing here."""
        for key in table:
            if key not in known:
                place = f" in [{where}]" if where else ""
                raise self.error(key, f"{key!r} means nothing{place}; known: {', '.join(known)}")

    def table(self, key: str) -> Mapping[str, Any]:
        """The table `[key]`, empty when it is absent."""
        value = self.data.get(key, {})
        if not isinstance(value, dict):
            raise self.error(key, f"{key} must be a table, [{key}]")
        return value

    def tables(self, key: str) -> list[Mapping[str, Any]]:
        """The tables `[[key]]`, in order."""
        value = self.data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.error(key, f"{key} must be tables, [[{key}]]")
        return value

    def names(self, key: str) -> tuple[str, ...]:
        """The list of names `key`, empty when it is absent."""
        value = self.data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(key, f'{key} must be a list of names, such as ["stage6_polish"]')
        return tuple(value)

    def text_of(self, table: Mapping[str, Any], key: str) -> str:
        """A text that is not empty."""
        value = table.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.error(key, f"{key} must be a text")
        return value

    def number(
        self,
        table: Mapping[str, Any],
        key: str,
        least: float,
        most: float,
        default: float | None = None,
    ) -> float:
        """A number from `least` to `most`; without a `default` it must be there."""
        value = table.get(key, default)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not (math.isfinite(value) and least <= value <= most):
            raise self.error(key, f"{key} must be a number from {least:g} to {most:g}")
        return float(value)
