"""Names that are not what they seem: look-alikes, invisible characters, names that no disk keeps.

A name of a submission is hostile text; it is compared and shown here, and never used as a path.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection

SHOWN_CHARS_MAX = 100
FILE_NAME_BYTES_MAX = 200  # most file systems keep 255, and copies may need a few more

# Windows keeps these for devices, with any extension.
_RESERVED = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{port}{n}" for port in ("com", "lpt") for n in range(10)),
}
# Letters that look like a Latin one: those of Cyrillic and Greek, by code point and in the order of
# `_LATIN`. Accents and widths are undone by Unicode itself.
_ALIKE = (
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u051b\u051d\u043a"
    "\u043c\u0442\u0432\u043d\u0433\u03bf\u03b1\u03bd\u03c1\u03c5\u03b9\u03ba\u03c4\u03b5\u0131"
)
_LATIN = "aeopcyxijshdqwkmtbhroavpuiktei"
_TO_LATIN = str.maketrans(_ALIKE, _LATIN)


def show(name: str) -> str:
    r"""Return a name as it may stand in a sentence: one line, not too long, controls as `\x1b`."""
    text = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in name
    )
    return text if len(text) <= SHOWN_CHARS_MAX else f"{text[:SHOWN_CHARS_MAX]}…"


def spell(name: str) -> str:
    r"""Return a name with every letter that is not ASCII by its Unicode name: `m\N{…}mory.py`."""
    return show(name.encode("ascii", "namereplace").decode())


def fold_name(name: str) -> str:
    """The same text for all names that some file system, or Python's import, holds for one."""
    return unicodedata.normalize("NFKC", name).casefold()


def is_reserved(name: str) -> bool:
    """Whether Windows keeps a name for a device, whatever its extension."""
    return name.partition(".")[0].casefold() in _RESERVED


def is_too_long(name: str) -> bool:
    """Whether a name may be more than a file system keeps."""
    return len(name.encode("utf-8", "surrogatepass")) > FILE_NAME_BYTES_MAX


def looks_like(name: str, real: Collection[str]) -> str | None:
    """Return the one of the `real` names that a reader would take `name` for; None if it is one of
    them, or like none.
    """
    if name in real:
        return None
    bare = _skeleton(name)
    by_skeleton = {_skeleton(one): one for one in real}
    return by_skeleton.get(bare) or by_skeleton.get(bare.removesuffix(".txt"))


def _skeleton(name: str) -> str:
    """What is left of a name without case, accents, invisible characters and foreign letters."""
    text = unicodedata.normalize("NFKD", name).casefold().translate(_TO_LATIN)
    seen = "".join(char for char in text if unicodedata.category(char) not in {"Mn", "Cf", "Cc"})
    return seen.rstrip(" .")
