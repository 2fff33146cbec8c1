"""What a run found, as a document: read its results, render them, write them where that is a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tfjs_compat.report.writers import Place, find_writer, seen_from
from tfjs_compat.results.files import read_results
from tfjs_compat.system.files import write_whole

if TYPE_CHECKING:
    from rich.console import Console


class Report(NamedTuple):
    """A report: its ``text``, and the ``file`` that holds it; None where it is for stdout."""

    text: str
    file: Path | None


def report(path: Path, form: str, to: Path | None = None, console: Console | None = None) -> Report:
    """Report the results in ``path``, an output folder or its results.json, in the format of that name.

    ``to`` is the file to write, ``-`` for none; without it the format decides. ``console`` shows a report that is not
    written. Raises RequestError, MachineryError.
    """
    writer, results = find_writer(form), read_results(path)
    output = path if path.is_dir() else path.parent
    file = writer.target(output, to)
    if file is None:
        return Report(writer.render(results, Place(output, console)), None)
    text = writer.render(results, Place(seen_from(file, output)))
    write_whole(file, text)
    return Report(text, file)
