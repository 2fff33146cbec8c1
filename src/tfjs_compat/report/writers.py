"""The reports that there are: the one list of them. A new report is a module with ``render`` and a line in WRITERS.

A writer turns results into a text and never knows where it goes. Importing this loads none of them: the command line's
``--help`` needs their names only.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tfjs_compat.errors import RequestError, nearest

if TYPE_CHECKING:
    from rich.console import Console

    from tfjs_compat.report.background import Background
    from tfjs_compat.results.case_result import Results
    from tfjs_compat.results.comparison import Comparison


class Place(NamedTuple):
    """What a text has to know of its reader.

    ``output`` is the output folder of the run as seen from where the text is read: links and paths to logs begin with
    it. ``console`` is the console that shows the text, for its width and colours; None for a file. ``every_case``: also
    what is as expected, where a report would fold it.
    """

    output: Path = Path()
    console: Console | None = None
    every_case: bool = False


class Writer(NamedTuple):
    """A report: its ``name`` on the command line, what it is for, and the module with its ``render``.

    ``file`` is its name in the output folder where nobody names another target; None: it goes to stdout.
    """

    name: str
    purpose: str
    module: str
    file: str | None = None

    def render(self, results: Results, place: Place | None = None, background: Background | None = None) -> str:
        """The report on results as a text; ``background`` is what it says beside them."""
        from tfjs_compat.report.background import Background

        module = importlib.import_module(f"tfjs_compat.report.{self.module}")
        text = module.render(results, place or Place(), background or Background())
        assert isinstance(text, str)
        return text

    def target(self, output: Path, to: Path | None) -> Path | None:
        """The file that the report goes to; None for stdout, which is also what ``-`` means."""
        if to is None:
            return output / self.file if self.file is not None else None
        return None if str(to) == "-" else to


class ChangesWriter(NamedTuple):
    """A report on what changed between two runs: its name on the command line, and the module with its ``render``."""

    name: str
    module: str

    def render(self, comparison: Comparison, place: Place | None = None) -> str:
        """The report on a comparison as a text."""
        text = importlib.import_module(f"tfjs_compat.report.{self.module}").render(comparison, place or Place())
        assert isinstance(text, str)
        return text


WRITERS = (
    Writer("terminal", "a table and the causes", "terminal"),
    Writer("html", "one page with everything", "html", file="report.html"),
    Writer("markdown", "for documents and comments on pull requests", "markdown"),
    Writer("junit", "for CI systems", "junit"),
    Writer("github", "annotations of GitHub Actions at the matrix file", "github"),
    Writer("sarif", "for code scanning", "sarif"),
    Writer("json", "for programs", "json_document"),
)
DEFAULT = WRITERS[0]
CHANGES_WRITERS = (
    ChangesWriter("terminal", "changes_terminal"),
    ChangesWriter("markdown", "changes_markdown"),
    ChangesWriter("json", "changes_json"),
)


def find_writer(name: str) -> Writer:
    """The writer of that name. Raises RequestError."""
    for writer in WRITERS:
        if writer.name == name:
            return writer
    raise RequestError(f"no report format '{name}'\nhint: {nearest(name, [writer.name for writer in WRITERS])}")


def find_changes_writer(name: str) -> ChangesWriter:
    """The writer of that name for what changed. Raises RequestError."""
    for writer in CHANGES_WRITERS:
        if writer.name == name:
            return writer
    known = [writer.name for writer in CHANGES_WRITERS]
    raise RequestError(f"no format '{name}' for what changed\nhint: {nearest(name, known)}")


def seen_from(file: Path, output: Path) -> Path:
    """The output folder as seen from the folder of ``file``; absolute where no relative path leads there."""
    try:
        return Path(os.path.relpath(output.resolve(), file.parent.resolve()))
    except ValueError:
        return output.resolve()
