"""The results that a folder means, for a report: of a run, of a search, of a conversion, at its end or not."""

from __future__ import annotations

from pathlib import Path

from tfjs_compat.errors import RequestError
from tfjs_compat.results.case_result import Results
from tfjs_compat.results.files import RESULTS, read_results
from tfjs_compat.results.plan_file import PLAN
from tfjs_compat.system.store import Store
from tfjs_compat.workflows.convert import work_folder
from tfjs_compat.workflows.find import WORK


def results_of(path: Path, store: Store) -> tuple[Results, Path]:
    """What was found, and the folder that its logs are relative to.

    ``path`` is a results.json, the output folder of a run or of ``find``, or the target of ``convert``. Raises
    RequestError.
    """
    if not path.is_dir() and path.exists():
        return read_results(path), path.parent
    folders = [path, path / WORK, work_folder(path, store) / WORK]
    for folder in folders:
        if (folder / RESULTS).is_file() or (folder / PLAN).is_file():
            return read_results(folder), folder
    if not path.exists():
        raise RequestError(f"{path}: there is no such file or folder; give the output folder of a run")
    return read_results(path), path
