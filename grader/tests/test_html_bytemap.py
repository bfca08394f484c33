"""A byte map on a page: its text, its geometry, and that what a file holds is only text there."""

from __future__ import annotations

import itertools
import unicodedata

import pytest
from rich.cells import cell_len

from grader.report.bytemap import ByteMap, byte_map
from grader.report.html.bytemap import CHAR, WIDTH, Drawing, drawing
from grader.report.html.render import _environment
from grader.testkit import formats
from grader.testkit.formats import SET
from grader.tests.read_page import Page

LOG, SNAPSHOT = "wal-0000000001.log", "snapshot-0000000002.kvsp"
A, B = (formats.frame((SET, 1_700_000_000_000_000_000, key, b"1")) for key in "ab")
MANY = b"".join(formats.frame((SET, 1, f"k{n}", b"v")) for n in range(20))
SAVED = formats.snapshot({f"k{n}": b"v" for n in range(9)}, {"k1": 99}, 5)
MAPS = [
    byte_map(LOG, A + B[:12], len(A) + 12, len(A)),
    byte_map(LOG, A + B[:20] + b"?" + B[21:] + A, 93, 45),
    byte_map(LOG, MANY + bytes(99), len(MANY) + 99, len(MANY)),
    byte_map(LOG, formats.frame(*[(SET, 1, "値" * 7, b"\xff" * 99)] * 9), 2_000),
    byte_map(SNAPSHOT, SAVED[:-1] + b"?", len(SAVED), 133),
]
HOSTILE = [
    "<script>alert(1)</script>",
    "</text></svg><img src=x onerror=alert(1)>",
    '"onmouseover="alert(1)',
    "{{7*7}}{% include '/etc/passwd' %}",
    "a\x00b\x1b[2J\u202e\u2028",
    "]]> --> <!-- &lt;b&gt;",
]


def page_of(it: ByteMap) -> Page:
    source = '{% from "bytemap.html.j2" import byte_map %}<body>{{ byte_map(it) }}</body>'
    return Page(_environment().from_string(source).render(it=drawing(it)))


def test_the_page_says_what_a_terminal_says() -> None:
    text = page_of(MAPS[0]).text
    for words in (
        "wal-0000000001.log segment of the log · 43 bytes · 1 intact frame TORN TAIL",
        "It has a torn tail at 31",
        "frame at 0 · 31 bytes · intact",
        "0 0x0 crc32 dd 77 3c 0b dd773c0b ok",
        "replay stopped here, at 31 (0x1f)",
        "frame at 31 · 12 bytes · TORN TAIL",
        "The frame at 31 should have 31 bytes, 12 are there.",
        "43 0x2b op 1 byte missing",
    ):
        assert words in text


def test_a_wrong_checksum_is_told_with_the_right_one() -> None:
    text = page_of(byte_map(LOG, bytes(4) + A[4:], len(A))).text
    assert "00000000 is WRONG: the bytes give dd773c0b" in text


def test_the_drawing_has_a_title_and_a_description() -> None:
    html = page_of(MAPS[0]).html
    assert "<title>The bytes of wal-0000000001.log</title>" in html
    description = html.partition("<desc>")[2].partition("</desc>")[0]
    assert "torn tail at 31" in description
    assert "12 are there." in description
    assert "Replay stopped here, at 31 (0x1f)." in description


def test_it_scrolls_in_a_box_of_its_own_and_needs_no_script() -> None:
    page = page_of(MAPS[0])
    assert ("div", "class", "scroll") in page.attributes
    assert ("div", "tabindex", "0") in page.attributes
    assert "script" not in page.tags
    assert not [name for _, name, _ in page.attributes if name in ("style", "id", "href")]


def test_a_file_without_frames_has_no_drawing() -> None:
    for it in (byte_map("LOCK", b"", 0), byte_map(LOG, b"", 0)):
        page = page_of(it)
        assert "svg" not in page.tags
        assert it.verdict[0] in page.text


def cells(it: Drawing) -> list[tuple[float, float, float, float]]:
    return [(e.x, e.y, e.x + e.width, e.y + e.height) for e in it.shapes if e.shape == "cell"]


@pytest.mark.parametrize("it", MAPS)
def test_texts_stay_in_their_cells_and_cells_apart(it: ByteMap) -> None:
    picture = drawing(it)
    for each in picture.shapes:
        assert each.x >= 0
        assert each.x + each.width <= WIDTH
        assert each.y + each.height <= picture.height
        for line in each.lines:
            assert line.x + cell_len(line.text) * CHAR <= each.x + each.width
            assert each.shape == "rule" or each.y < line.y < each.y + each.height
    assert len(cells(picture)) > 8
    for one, other in itertools.combinations(cells(picture), 2):
        beside = one[2] < other[0] or other[2] < one[0]
        assert beside or one[3] < other[1] or other[3] < one[1]


@pytest.mark.parametrize("it", MAPS)
def test_every_field_has_a_cell_in_a_box(it: ByteMap) -> None:
    picture = drawing(it)
    boxes = [each for each in picture.shapes if each.shape == "box"]
    for above, below in itertools.pairwise(boxes):
        assert above.y + above.height < below.y
    for _, top, _, bottom in cells(picture):
        assert sum(box.y < top and bottom < box.y + box.height for box in boxes) == 1
    fields = [row for part in it.parts for row in getattr(part, "rows", ()) if row.name]
    assert len(cells(picture)) == len(fields)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_file_holds_is_only_text(text: str) -> None:
    def page_with(key: str) -> Page:
        data = formats.frame((SET, 1, key[:20], key.encode()))
        return page_of(byte_map(f"{key}.log", data, len(data)))

    ours, page = page_with("harmless"), page_with(text)
    assert page.tags == ours.tags
    assert {(tag, name) for tag, name, _ in page.attributes} == {
        (tag, name) for tag, name, _ in ours.attributes
    }
    odd = {c for c in page.html if unicodedata.category(c) in {"Cc", "Cf", "Cs"} and c != "\n"}
    assert odd == set()
