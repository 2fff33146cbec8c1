"""Report the results of a run, a search or a conversion, whether it has ended or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tfjs_compat.errors import RequestError
from tfjs_compat.handover.delivery import ACCOUNT
from tfjs_compat.report.background import Background
from tfjs_compat.report.writers import Place, Writer, find_writer, seen_from
from tfjs_compat.results.case_result import Results
from tfjs_compat.results.comparison import Kind, compare
from tfjs_compat.results.files import RESULTS, read_results
from tfjs_compat.results.history import read_history
from tfjs_compat.results.news import DEFAULT_FAIL_ON
from tfjs_compat.results.plan_file import PLAN
from tfjs_compat.system.files import require_target, require_usable, write_target
from tfjs_compat.system.store import Store
from tfjs_compat.workflows.convert import work_folder
from tfjs_compat.workflows.find import WORK

if TYPE_CHECKING:
    from rich.console import Console

    from tfjs_compat.results.comparison import Comparison


SHOWN_RUNS = 14
"""Earlier runs that a report shows of each case."""


class Report(NamedTuple):
    """A report: its ``text``, and the ``file`` that holds it; None where it is for stdout. ``comparison``: with what
    it was compared with, if it was.
    """

    text: str
    file: Path | None
    comparison: Comparison | None = None


@dataclass(frozen=True)
class ReportRequest:
    """What to report: ``path`` (see ``results_of``) in the format of that name.

    ``to`` is the file to write, ``-`` for none; without it the format decides. ``baseline`` is an earlier run to
    compare with, ``fail_on`` the kinds of change that count as failures. ``every_case``: also what a report would fold.
    """

    path: Path
    form: str
    to: Path | None = None
    baseline: Path | None = None
    fail_on: frozenset[Kind] = DEFAULT_FAIL_ON
    every_case: bool = False


def report(request: ReportRequest, store: Store, console: Console | None = None) -> Report:
    """Report what a run found. ``console`` shows a report that is not written. Raises RequestError, MachineryError."""
    writer = find_writer(request.form)
    results, output = results_of(request.path, store)
    comparison = compare(results_of(request.baseline, store)[0], results) if request.baseline is not None else None
    file = writer.target(request.path if request.path.is_dir() else output, request.to)
    background = Background(comparison, request.fail_on, read_history(output, SHOWN_RUNS))
    return write_report(writer, file, results, output, background, console=console, every_case=request.every_case)


def write_report(
    writer: Writer,
    file: Path | None,
    results: Results,
    output: Path,
    background: Background,
    *,
    console: Console | None = None,
    every_case: bool = False,
) -> Report:
    """One report on results whose logs are in ``output``; written, if there is a ``file``. Raises MachineryError."""
    place = Place(output, console, every_case) if file is None else Place(seen_from(file, output))
    text = writer.render(results, place, background)
    if file is not None:
        write_target(file, text)
    return Report(text, file, background.comparison)


def report_targets(texts: Sequence[str]) -> list[tuple[Writer, Path | None]]:
    """The reports that ``FORMAT=FILE`` each name, before a run writes them; None for stdout.

    Raises RequestError, also where such a file cannot be written; MachineryError on a full disk.
    """
    found = []
    for text in texts:
        name, equals, file = text.partition("=")
        if not equals or not file:
            raise RequestError(f"--report {text}: it names no file\nhint: --report {name}=FILE; - for FILE: stdout")
        writer = find_writer(name)
        if file != "-":
            require_target(f"--report {text}", Path(file))
        found.append((writer, None if file == "-" else Path(file)))
    return found


def results_of(path: Path, store: Store) -> tuple[Results, Path]:
    """The results at ``path``, and the folder that their logs are relative to.

    ``path`` is a results.json, the output folder of a run or of ``find``, or the target of ``convert``. Raises
    RequestError.
    """
    require_usable(str(path), path)
    if not path.is_dir() and path.exists():
        return read_results(path), path.parent
    folders = [path, path / WORK, work_folder(path, store) / WORK]
    for folder in folders:
        if (folder / RESULTS).is_file() or (folder / PLAN).is_file():
            return read_results(folder), folder
    if (path / ACCOUNT).is_file():
        raise RequestError(f"{path}: a converted model, not a run\nhint: {path / ACCOUNT} says how it was made")
    if not path.exists():
        hint = "`tfjs-compat run` writes its results there; give the --output of another run"
        raise RequestError(f"{path}: there is no such file or folder\nhint: {hint}")
    return read_results(path), path
