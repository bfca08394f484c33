"""Both pages in a real browser: they load without a complaint, fit, sort, and can be read."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from grader.course import STAGES_DIR, load_course
from grader.grading.model import Entry, Evidence, Grade, QualityMark, StageRun, Student
from grader.grading.rubric import load_rubric
from grader.grading.score import make_grade
from grader.hints import load_hints
from grader.outcome import Comparison, Failure, Frame, Outcome, Step, UnitResult
from grader.report.html import write_class_report, write_student_report
from grader.tests.chromium import Browser, find_chromium, open_chromium
from grader.tests.make_races import deadlock, latent, lost_update, torn_read
from grader.unit.collect import collect_tests

COURSE = load_course()
SUBMISSIONS = 300
INDEX_BYTES_MAX = 2_000_000
WIDTHS = [320, 390, 1280]
FAILURE = Failure(
    "the value is another one",
    steps=(Step("store.get('a' * 4_000)", "b'" + "x" * 500 + "'"),),
    comparison=Comparison("==", "b'KVLG1'", "b'KVLG2'", b"KVLG1" * 40, b"KVLG2" * 40),
    frames=(Frame("memory.py", 12, "MemoryStore.get", "return self._items[key]" * 5),),
    printed="a line\n" * 30,
)
FAILURES = (FAILURE, lost_update(), torn_read(), deadlock(), latent())
# The contrast of two colours as WCAG 2 defines it.
CONTRAST = """
(() => {
  const parse = (colour) => colour.match(/[0-9.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = parse(colour).slice(0, 3).map((each) => {
      const share = each / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (parse(colour)[3] !== 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const low = [];
  for (const element of document.body.querySelectorAll("*")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || element.closest("svg, script, style")) continue;
    const [a, b] = [light(getComputedStyle(element).color), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) low.push(`${element.tagName}.${element.className}: ${ratio.toFixed(2)}`);
  }
  return [...new Set(low)];
})()
"""
TOO_WIDE = """
[...document.body.querySelectorAll("*")]
  .filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".scroll, .dump"))
  .map((e) => `${e.tagName}.${e.className}`)
"""
# Texts of a drawing that end right of the box that they stand in.
OUTSIDE = """
[...document.querySelectorAll("svg.race rect.box")].filter((box) => {
  const text = box.nextElementSibling.nextElementSibling.getBBox();
  return text.x + text.width > box.getBBox().x + box.getBBox().width;
}).length
"""
NAMES = "[...document.querySelectorAll('#table-submissions tbody th a')].map((a) => a.textContent)"
PRESS = "document.querySelectorAll('#table-submissions thead tr:last-child th button')[{}].click()"
SORTED = "document.querySelector('#table-submissions [aria-sort]').getAttribute('aria-sort')"

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")


def fake_grade(number: int) -> Grade:
    """A grade of a submission whose outcomes come by chance."""
    chance = random.Random(number)
    skill = chance.random()

    def fall(outcome: Outcome) -> Outcome:
        if chance.random() < skill:
            return msgspec.structs.replace(outcome, status="passed")
        failure = chance.choice(FAILURES)
        return msgspec.structs.replace(outcome, status="failed", failure=failure)

    runs = tuple(
        StageRun(s.number, UnitResult(s.number, 1, "x", tuple(map(fall, collect_tests(s.number)))))
        for s in COURSE.stages
    )
    quality = tuple(
        QualityMark(s.number, "style", skill, 1.0, ("a.py:1: x",)) for s in COURSE.stages
    )
    student = Student(f"s{number:07}", f"s{number}@example.org", f"Student {number:03}")
    entry = Entry(f"submission-{number:03}", digest="00", student=student)
    evidence = Evidence(entry, 1, runs, quality, seconds=chance.random() * 100)
    return make_grade(evidence, load_rubric(), [stage.number for stage in COURSE.stages])


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page of a class, and of one student."""
    folder = tmp_path_factory.mktemp("out")
    grades = [fake_grade(number) for number in range(SUBMISSIONS)]
    write_class_report(folder / "index.html", COURSE, grades)
    middling = min(grades, key=lambda grade: abs(grade.score - 60))
    write_student_report(folder / "report.html", COURSE, middling, load_hints(STAGES_DIR))
    return folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with open_chromium(tmp_path_factory.mktemp("browser") / "profile") as browser:
        yield browser


def test_the_page_of_a_large_class_stays_small(out: Path) -> None:
    assert (out / "index.html").stat().st_size < INDEX_BYTES_MAX


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["index.html", "report.html"])
def test_a_page_fits_and_can_be_read(
    out: Path, browser: Browser, tmp_path: Path, name: str, width: int, *, dark: bool
) -> None:
    browser.open(out / name, width=width, dark=dark)
    browser.ask("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert browser.ask(TOO_WIDE) == []
    assert browser.ask(CONTRAST) == []
    assert browser.ask(OUTSIDE) == 0
    said = [event["params"] for event in browser.events if event["method"] == "Log.entryAdded"]
    assert said == []
    asked = [e["params"] for e in browser.events if e["method"] == "Network.requestWillBeSent"]
    assert [each["request"]["url"] for each in asked] == [(out / name).resolve().as_uri()]
    picture = browser.draw(tmp_path / "page.png", whole=False)
    # A blank picture has the same few bytes again and again.
    assert len(zlib.compress(picture)) > 20_000


def test_tables_sort_by_a_press(out: Path, browser: Browser) -> None:
    browser.open(out / "index.html")
    names = browser.ask(NAMES)
    assert names == sorted(names)
    browser.ask(PRESS.format(0))
    assert browser.ask(SORTED) == "ascending"
    browser.ask(PRESS.format(0))
    assert browser.ask(SORTED) == "descending"
    assert browser.ask(NAMES) == sorted(names, reverse=True)
    browser.ask(PRESS.format(1))
    scores = [fake_grade(int(name.split()[1])).score for name in browser.ask(NAMES)[:20]]
    assert browser.ask(SORTED) == "descending"
    assert scores == sorted(scores, reverse=True)
    assert browser.ask("document.querySelectorAll('[aria-sort]').length") == 1


def test_without_scripts_the_table_is_still_there(out: Path, browser: Browser) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(out / "index.html")
        assert len(browser.ask(NAMES)) == SUBMISSIONS
        assert browser.ask("document.querySelectorAll('button').length") == 0
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_a_script_that_got_in_would_not_run(out: Path, browser: Browser) -> None:
    html = (out / "index.html").read_text(encoding="utf-8")
    forged = html.replace("</h1>", "</h1><script>document.title = 'forged'</script>")
    (out / "forged.html").write_text(forged, encoding="utf-8")
    browser.open(out / "forged.html")
    assert browser.ask("document.title").endswith(f"{SUBMISSIONS} submissions")
    assert any("Content Security Policy" in str(event["params"]) for event in browser.events)
