"""Where the pages lead: to a submission's own report, and to what the course says of a stage."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from grader.course import ROOT, Stage


@dataclass(frozen=True)
class Link:
    """A link; `target` may be empty, and then there is only the text."""

    text: str
    target: str = ""


@dataclass(frozen=True)
class Docs:
    """Where a reader of the page at `page` finds the course's documentation.

    With `url`, on the course's site, laid out as mkdocs does it. Raises `ValueError` for another
    scheme than http and https.
    """

    url: str
    page: Path

    def __post_init__(self) -> None:
        if self.url and urlsplit(self.url).scheme not in ("http", "https"):
            raise ValueError(f"{self.url!r} is no web address: begin it with https://")

    def stage(self, stage: Stage, fragment: str = "") -> Link:
        """Link to the brief of a stage, or to the section of it with that heading."""
        folder = stage.folder
        anchor = f"#{quote(fragment)}" if fragment else ""
        text = f"{folder.parent.name}/{folder.name}/{stage.readme.name}{anchor}"
        if self.url:
            return Link(text, f"{self.url.rstrip('/')}/stages/stage{stage.number}/{anchor}")
        here = self.page.resolve().parent
        if not (here.is_relative_to(ROOT) and stage.readme.is_relative_to(ROOT)):
            return Link(text)
        return Link(text, quote(Path(os.path.relpath(stage.readme, here)).as_posix()) + anchor)

    def read_on(self, stage: Stage, read: str) -> Link:
        """Link to what a hint says to read, such as "README.md#the-format"."""
        file, _, fragment = read.partition("#")
        return self.stage(stage, fragment) if file in ("", stage.readme.name) else Link(read)


def report_link(submission: str) -> str:
    """Return the address of a submission's own page, relative to the class's."""
    folder = quote(submission, safe="", errors="replace")
    return f"./{folder}/report.html"
