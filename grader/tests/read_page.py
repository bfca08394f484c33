"""Reads an HTML page as a browser would, for tests that ask what is on it."""

from __future__ import annotations

from html.parser import HTMLParser

_VOID = frozenset(
    {"meta", "rect", "path", "circle"}
)  # ours that have no end tag, or end themselves
_IN_A_LINE = frozenset({"a", "abbr", "bdi", "code", "small", "span", "strong"})


class Page(HTMLParser):
    """A page: its `tags`, its `attributes` as (tag, name, value), its text, its ids and links.

    Raises AssertionError when tags do not nest.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.html = html
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.headings: list[str] = []
        self._texts: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    @property
    def text(self) -> str:
        """All text of the body, white space folded."""
        return " ".join("".join(self._texts).split())

    @property
    def ids(self) -> list[str]:
        return [value for _, name, value in self.attributes if name == "id"]

    @property
    def links(self) -> list[str]:
        return [value for _, name, value in self.attributes if name == "href"]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._end_line(tag)
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in _VOID:
            self._open.append(tag)
        if tag in ("h1", "h2", "h3", "h4"):
            self.headings.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open[-1] == tag, f"</{tag}> closes <{self._open[-1]}>"
        self._open.pop()
        self._end_line(tag)

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self._open):
            self._texts.append(data)
        if {"h1", "h2", "h3", "h4"} & set(self._open):
            self.headings[-1] += data

    def _end_line(self, tag: str) -> None:
        if tag not in _IN_A_LINE:
            self._texts.append(" ")

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")
