"""Whatever text a submission brings, both pages keep the shape that ours have."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from grader.grading.model import Adjustment, Entry, Grade, QualityMark, Student
from grader.outcome import Comparison, Failure, Frame, Step
from grader.report.html.render import TEXT_CHARS_MAX
from grader.report.words import plain
from grader.tests.make_outcomes import graded, marks, rejected
from grader.tests.make_pages import class_page, graded_with, more, student_page
from grader.tests.read_page import Page

TEXTS = [
    "<script>alert(1)</script>",
    '"onmouseover="alert(1)',
    "' onfocus='alert(1)' autofocus='",
    "javascript:alert(1)",
    "{{7*7}}{% include '/etc/passwd' %}",
    "</title></style></script><img src=x onerror=alert(1)>",
    "]]> --> <!-- &lt;b&gt; &#60;i&#62;",
    "\u202eright to left\u2066\u200b\u2028",
    "a\x00b\x08\x7f\x85",
    "\x1b[2J\x1b]0;title\x07",
    "half a pair \ud800",
    "../../etc/passwd",
    "=HYPERLINK(1)",
]
_OURS = {"status", "suite", "operator"}  # never a submission's


def fill(value: Any, text: str) -> Any:
    """The same with `text` in place of every text, also of those that only the grader writes."""
    if isinstance(value, str):
        return text
    if isinstance(value, tuple):
        return tuple(fill(each, text) for each in value)
    if isinstance(value, msgspec.Struct):
        fields = {name: getattr(value, name) for name in value.__struct_fields__}
        return type(value)(
            **{name: old if name in _OURS else fill(old, text) for name, old in fields.items()}
        )
    return value


def whole_grade() -> Grade:
    """A grade with something in every field."""
    failure = Failure(
        "reason",
        steps=(Step("text", "result"),),
        comparison=Comparison("==", "1", "2"),
        frames=(Frame("file.py", 1, "function", "source"),),
        printed="printed",
    )
    student = Student("id", "mail", "name")
    entry = Entry("dir", "00", student, datetime(2026, 1, 2, tzinfo=UTC), "problem", ("aside",))
    grade = graded_with(
        more("a", failure=failure),
        more("b", failure=Failure("reason", unwritten="WAL.append")),
        more("c", status="skipped", failure=Failure("reason")),
        more("d", status="error", failure=Failure("reason")),
        more("e", hidden=True, failure=failure),
        quality=(*marks(), QualityMark(2, "check", 0.0, 1.0, ("finding", "finding"))),
        entry=entry,
        unsteady=("test",),
    )
    return msgspec.structs.replace(grade, adjustments=(Adjustment("reason", -1.0),))


PLAIN_GRADE = fill(whole_grade(), "harmless")


def shape(page: Page) -> list[tuple[str, str]]:
    return [(tag, name) for tag, name, _ in page.attributes]


def check_characters(page: Page) -> None:
    odd = {c for c in page.html if unicodedata.category(c) in {"Cc", "Cf", "Cs"} and c != "\n"}
    assert odd == set()


@pytest.mark.parametrize("text", TEXTS)
def test_a_students_page_keeps_its_shape(text: str) -> None:
    ours = student_page(PLAIN_GRADE)
    page = student_page(fill(whole_grade(), text))
    assert page.tags == ours.tags
    assert shape(page) == shape(ours)
    assert page.links == ours.links
    assert " ".join(plain(text).split()) in page.text
    check_characters(page)


@pytest.mark.parametrize("text", TEXTS)
def test_the_class_page_keeps_its_shape(text: str) -> None:
    rejection = rejected("no", "problem")
    ours = class_page([PLAIN_GRADE, fill(rejection, "harmless")])
    page = class_page([fill(whole_grade(), text), fill(rejection, text)])
    assert page.tags == ours.tags
    assert shape(page) == shape(ours)
    assert len(page.links) == len(ours.links)
    assert all(link.startswith(("#", "./")) for link in page.links)
    assert not any(set(link) & set("<>\"' :") for link in page.links)
    assert " ".join(plain(text).split()) in page.text
    check_characters(page)


def test_a_megabyte_in_every_field_stays_a_page() -> None:
    huge = fill(whole_grade(), "<b>" * 350_000)
    for page in (student_page(huge), class_page([huge])):
        assert "b" not in page.tags
        assert len(page.html) < 100 * 4 * TEXT_CHARS_MAX
        assert "characters left out" in page.text


def test_a_megabyte_of_lines_shows_the_last_of_them() -> None:
    failure = Failure("no", printed="\n".join(f"<i>{n}" for n in range(100_000)))
    page = student_page(graded_with(more("a", failure=failure)))
    assert "… 99985 lines before <i>99985 <i>99986" in page.text
    assert "i" not in page.tags


def test_control_characters_are_spelled_out() -> None:
    page = student_page(graded_with(more("a", failure=Failure("x\x1b[2J\u202ey\x00"))))
    assert r"x\x1b[2J\u202ey\x00" in page.text


def test_a_page_runs_and_loads_nothing_but_its_own() -> None:
    for page in (student_page(graded()), class_page([graded()])):
        policy = next(v for _, name, v in page.attributes if name == "content" and "default" in v)
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy
        assert not page.tags & {"link", "img", "iframe", "object", "embed", "form", "base"}
        names = {name for _, name, _ in page.attributes}
        assert not names & {"style", "src", "srcset", "action", "srcdoc", "formaction", "ping"}
        assert not any(name.startswith("on") for name in names)
    assert "script" not in student_page(graded()).tags
