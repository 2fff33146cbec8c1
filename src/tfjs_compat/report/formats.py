"""Results → a text in one of the formats, and where it goes."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import msgspec
from rich.console import Console

from tfjs_compat.report import html, junit, markdown, terminal
from tfjs_compat.results.case_result import Results

Format = Literal["terminal", "html", "markdown", "junit", "json"]


def render(results: Results, form: Format, folder: Path, to: Path | None = None) -> str:
    """The report as a text. ``folder`` is the output folder, ``to`` the file that the text is for, if it is for one."""
    if form == "html":
        return html.render(results, _way(folder, to))
    if form == "markdown":
        return markdown.render(results)
    if form == "junit":
        return junit.render(results)
    if form == "json":
        return msgspec.json.format(msgspec.json.encode(results), indent=2).decode() + "\n"
    console = Console(file=io.StringIO(), highlight=False)
    with console.capture() as captured:
        terminal.show(console, results, f"{folder}{os.sep}")
    return captured.get()


def target(form: Format, folder: Path, to: Path | None) -> Path | None:
    """The file that a report goes to; None for stdout, which is also what ``-`` asks for."""
    if to is None:
        return folder / "report.html" if form == "html" else None
    return None if str(to) == "-" else to


def _way(folder: Path, to: Path | None) -> str:
    """From the folder of a page (this folder, where it goes to stdout) to the output folder, as a link says it."""
    start = Path(to).parent if to is not None else Path()
    try:
        return quote(Path(os.path.relpath(folder.resolve(), start.resolve())).as_posix())
    except ValueError:
        # Another drive: no relative way leads there.
        return folder.resolve().as_uri()
