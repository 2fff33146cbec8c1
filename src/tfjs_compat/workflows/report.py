"""Report the results of a run, a search or a conversion, whether it has ended or not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tfjs_compat.errors import RequestError
from tfjs_compat.handover.delivery import ACCOUNT
from tfjs_compat.report.writers import Place, find_writer, seen_from
from tfjs_compat.results.case_result import Results
from tfjs_compat.results.files import RESULTS, read_results
from tfjs_compat.results.plan_file import PLAN
from tfjs_compat.system.files import write_whole
from tfjs_compat.system.store import Store
from tfjs_compat.workflows.convert import work_folder
from tfjs_compat.workflows.find import WORK

if TYPE_CHECKING:
    from rich.console import Console


class Report(NamedTuple):
    """A report: its ``text``, and the ``file`` that holds it; None where it is for stdout."""

    text: str
    file: Path | None


def report(path: Path, form: str, store: Store, to: Path | None = None, console: Console | None = None) -> Report:
    """Report what ``path`` holds (see ``results_of``) in the format of that name.

    ``to`` is the file to write, ``-`` for none; without it the format decides. ``console`` shows a report that is not
    written. Raises RequestError, MachineryError.
    """
    writer = find_writer(form)
    results, output = results_of(path, store)
    file = writer.target(path if path.is_dir() else output, to)
    if file is None:
        return Report(writer.render(results, Place(output, console)), None)
    text = writer.render(results, Place(seen_from(file, output)))
    write_whole(file, text)
    return Report(text, file)


def results_of(path: Path, store: Store) -> tuple[Results, Path]:
    """The results at ``path``, and the folder that their logs are relative to.

    ``path`` is a results.json, the output folder of a run or of ``find``, or the target of ``convert``. Raises
    RequestError.
    """
    if not path.is_dir() and path.exists():
        return read_results(path), path.parent
    folders = [path, path / WORK, work_folder(path, store) / WORK]
    for folder in folders:
        if (folder / RESULTS).is_file() or (folder / PLAN).is_file():
            return read_results(folder), folder
    if (path / ACCOUNT).is_file():
        raise RequestError(f"{path}: a converted model, not a run\nhint: {path / ACCOUNT} says how it was made")
    if not path.exists():
        raise RequestError(f"{path}: there is no such file or folder\nhint: give the output folder of a run")
    return read_results(path), path
