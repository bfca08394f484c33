"""The course on disk: which stages there are, which files belong to each, and where their parts
lie.

`stages/course.toml` is the one place that says so. Raises `CourseError`, one sentence, when it and
the folders disagree.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from grader.mistake import MistakeError

ROOT = Path(__file__).resolve().parent.parent
STAGES_DIR = ROOT / "stages"
REFERENCE_DIR = ROOT / "solution" / "kvstore"


class CourseError(MistakeError):
    """The course's own files are missing or contradict each other."""


@dataclass(frozen=True)
class Stage:
    """One stage: its number from 1, what it is called, and its files with the names that they
    define.
    """

    number: int
    name: str
    folder: Path
    files: dict[str, tuple[str, ...]]
    also_lays: tuple[str, ...]
    hours: float

    @property
    def readme(self) -> Path:
        """The brief."""
        return self.folder / "README.md"

    @property
    def skeleton(self) -> Path:
        """The folder of the files to be completed."""
        return self.folder / "skeleton"

    @property
    def visible_tests(self) -> Path:
        """The folder of the tests that a student may read."""
        return self.folder / "tests"

    @property
    def hidden_tests(self) -> Path:
        """The folder of the others; a hand-out has none."""
        return self.folder / "hidden"


@dataclass(frozen=True)
class Course:
    """The stages in order, and the files that every student is given.

    `docs_url` is where the course's site is published; empty when it is not.
    """

    title: str
    given: tuple[str, ...]
    stages: tuple[Stage, ...]
    docs_url: str = ""

    def stage(self, number: int) -> Stage:
        """Return stage `number`; raises `CourseError` when there is none."""
        for stage in self.stages:
            if stage.number == number:
                return stage
        raise CourseError(f"there is no stage {number}: the stages are 1 to {len(self.stages)}")

    @property
    def given_dir(self) -> Path:
        """The folder of the given files."""
        return STAGES_DIR / "given"

    def stage_of(self, file: str) -> int | None:
        """The number of the stage in which `file` is written, None for a file that is the student's
        own idea.
        """
        return next((stage.number for stage in self.stages if file in stage.files), None)

    def module_of(self, name: str) -> str | None:
        """The module that must define `name`, None for a name that the course does not know."""
        for stage in self.stages:
            for file, names in stage.files.items():
                if name in names:
                    return file.removesuffix(".py")
        return None


@cache
def load_course() -> Course:
    """Read `stages/course.toml`; raises `CourseError`."""
    path = STAGES_DIR / "course.toml"
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        stages = tuple(_stage(entry) for entry in data["stage"])
        docs_url = data["docs_url"]
        course = Course(data["title"], tuple(data["given"]), stages, docs_url)
    except (OSError, tomllib.TOMLDecodeError, KeyError) as problem:
        raise CourseError(f"{path.name} cannot be read: {problem}") from problem
    if docs_url and not docs_url.startswith(("https://", "http://")):
        raise CourseError(f"{path.name}: docs_url must begin with https://, not be {docs_url!r}")
    return course


def _stage(entry: dict[str, Any]) -> Stage:
    return Stage(
        number=entry["number"],
        name=entry["name"],
        folder=STAGES_DIR / entry["folder"],
        files={file: tuple(names) for file, names in entry["files"].items()},
        also_lays=tuple(entry.get("also_lays", ())),
        hours=float(entry["hours"]),
    )
