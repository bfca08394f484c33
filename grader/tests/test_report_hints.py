"""The files of hints: what is read, what is refused, and how a rung is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.course import STAGES_DIR
from grader.hints import HintError, find_hint, load_hints
from grader.report.hint import hint_page
from grader.tests.draw_page import drawn

GOOD = """
[torn-tail]
title = "Torn tails"
nudge = "Which frame?"
idea = "Only the last."
almost = "Cut it off."
read = "docs/wal.md"
"""


def stages(tmp_path: Path, **files: str) -> Path:
    for stage, text in files.items():
        (tmp_path / stage).mkdir()
        (tmp_path / stage / "hints.toml").write_text(text, encoding="utf-8")
    return tmp_path


def test_a_hint_has_three_rungs(tmp_path: Path) -> None:
    hint = load_hints(stages(tmp_path, stage3=GOOD))["torn-tail"]
    assert [hint.rung(n) for n in (1, 2, 3)] == ["Which frame?", "Only the last.", "Cut it off."]
    assert (hint.title, hint.read, hint.stage_folder) == ("Torn tails", "docs/wal.md", "stage3")
    for number in (0, 4):
        with pytest.raises(HintError, match=f"rungs 1 to 3, not {number}"):
            hint.rung(number)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (GOOD.replace("idea", "idee"), "stage3/hints.toml: [torn-tail] has the unknown key 'idee'"),
        (GOOD.replace('idea = "Only the last."', ""), "[torn-tail] has no 'idea'"),
        (GOOD.replace("Only the last.", " "), "[torn-tail]: 'idea' must be a text"),
        (GOOD.replace('"Only the last."', "3"), "[torn-tail]: 'idea' must be a text"),
        ('title = "x"', "'title' stands outside of a table"),
        ("[torn-tail", "stage3/hints.toml cannot be read"),
    ],
)
def test_a_mistake_in_the_file_is_one_sentence(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(HintError) as error:
        load_hints(stages(tmp_path, stage3=text))
    assert problem in str(error.value)


def test_a_name_is_used_once_in_the_course(tmp_path: Path) -> None:
    with pytest.raises(HintError, match=r"stage4/hints.toml: \[torn-tail\] is also in stage3"):
        load_hints(stages(tmp_path, stage3=GOOD, stage4=GOOD))


def test_an_unknown_name_gets_the_nearest_ones(tmp_path: Path) -> None:
    hints = load_hints(stages(tmp_path, stage3=GOOD))
    assert find_hint(hints, "torn-tail").title == "Torn tails"
    with pytest.raises(HintError, match="no hint 'torn-tial'; did you mean torn-tail"):
        find_hint(hints, "torn-tial")
    with pytest.raises(HintError, match="no hint 'x': the course has none"):
        find_hint({}, "x")


def test_the_hints_of_the_course_can_be_read() -> None:
    load_hints(STAGES_DIR)


def test_a_rung_is_shown_with_the_way_to_the_next(tmp_path: Path) -> None:
    hint = load_hints(stages(tmp_path, stage3=GOOD))["torn-tail"]
    text = drawn(hint_page(hint, 2)) + drawn(hint_page(hint, 3))
    assert "hint 2 of 3" in text
    assert "Only the last." in text
    assert "Read on: docs/wal.md" in text
    assert text.count("nox -s hint -- torn-tail 3") == 1
