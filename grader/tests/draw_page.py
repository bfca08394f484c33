"""Draw a page of a report as plain text, whatever terminal the tests run in."""

import io

from rich.console import Console, RenderableType

from grader.report.console import print_page


def drawn(page: RenderableType, width: int = 80) -> str:
    """The text at a width in columns, without colour and without spaces at the ends of lines."""
    file = io.StringIO()
    console = Console(
        file=file,
        width=width,
        height=25,
        color_system=None,
        force_terminal=False,
        legacy_windows=False,
    )
    print_page(console, page)
    return "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())
