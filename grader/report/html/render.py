"""From a page's model to its HTML: the templates, and the one door that all text goes through.

Invariants: autoescape is always on; every text has been shortened and freed of control characters
by `_shown` before it is escaped; a name that a template misspells is an error. The only markup that
is let through as it is comes from style.css and sort.js, whose hashes the page's
Content-Security-Policy names: the browser runs and applies nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from grader.report.html.instructor import ClassView
from grader.report.html.student import StudentView
from grader.report.words import plain

TEXT_CHARS_MAX = 6_000
_TEMPLATES = Path(__file__).with_name("templates")


def render_student(view: StudentView) -> str:
    """Return the page of one submission."""
    return _environment().get_template("student.html.j2").render(view=view)


def render_class(view: ClassView) -> str:
    """Return the page of a class."""
    return _environment().get_template("class.html.j2").render(view=view)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for name, file in (("style", "style.css"), ("script", "sort.js")):
        source = (_TEMPLATES / file).read_text(encoding="utf-8")
        environment.globals[name] = Markup(source)  # noqa: S704  (our own file)
        environment.globals[f"{name}_hash"] = _hash(source)
    environment.filters["prose"] = prose
    return environment


def prose(text: str) -> list[tuple[str, bool]]:
    """Split the course's own words at backticks: pairs of text and whether it is code."""
    parts = " ".join(text.split()).split("`")
    return [(part, number % 2 == 1) for number, part in enumerate(parts) if part]


def _shown(value: object) -> object:
    """Make any text fit to be shown; what is markup already has been through here."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    if len(value) <= TEXT_CHARS_MAX:
        return plain(value)
    half = TEXT_CHARS_MAX // 2
    left_out = len(value) - 2 * half
    return plain(f"{value[:half]} … {left_out:,} characters left out … {value[-half:]}")


def _hash(source: str) -> str:
    """Return the hash of an inline style or script as a Content-Security-Policy names it."""
    digest = hashlib.sha256(source.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
