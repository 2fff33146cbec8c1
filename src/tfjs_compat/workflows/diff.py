"""Compare two runs; compare a run with its baseline."""

from __future__ import annotations

import fnmatch
from pathlib import Path

import msgspec

from tfjs_compat.engine.request import RunRequest
from tfjs_compat.errors import RequestError
from tfjs_compat.results.case_result import CaseResult, Results
from tfjs_compat.results.comparison import Comparison, compare
from tfjs_compat.results.files import RESULTS
from tfjs_compat.results.history import last_complete_run, with_last_answers
from tfjs_compat.results.plan_file import PLAN
from tfjs_compat.system.store import Store
from tfjs_compat.workflows.report import results_of


def diff(old: Path, new: Path, store: Store) -> Comparison:
    """What changed from one run to another; each is an output folder or a results.json. Raises RequestError."""
    return compare(results_of(old, store)[0], results_of(new, store)[0])


def read_baseline(request: RunRequest) -> Results | None:
    """The results that a run is to be compared with, read before it begins: they may be those of its own folder.

    None where the request names none, and where it names its own output folder, which holds no run yet. Raises
    RequestError.
    """
    path = request.baseline
    if path is None:
        return None
    if path.resolve() == request.output.resolve() and not any((path / name).exists() for name in (RESULTS, PLAN)):
        return None
    try:
        found, folder = results_of(path, request.store)
        # A run that was stopped, or met an outage, says less than the ones before it.
        return with_last_answers(found if found.complete else last_complete_run(folder) or found, folder)
    except RequestError as error:
        keep = f"leave it out of the first run, then keep that run: cp {request.output / RESULTS} baseline.json"
        raise RequestError(f"--baseline {str(error).partition(chr(10))[0]}\nhint: {keep}") from None


def against_baseline(baseline: Results, results: Results, request: RunRequest) -> Comparison:
    """What changed since the baseline in the cases that the request is about (``--only``, ``--shard``)."""
    kept = baseline.cases
    if request.only:
        kept = tuple(case for case in kept if _requested(case, request.only))
    if request.shard is not None:
        own = {case.id for case in results.cases}
        kept = tuple(case for case in kept if case.id in own)
    return compare(msgspec.structs.replace(baseline, cases=kept), results)


def _requested(case: CaseResult, patterns: tuple[str, ...]) -> bool:
    names = case.id, case.combination.slug()
    return any(fnmatch.fnmatchcase(name, pattern) for name in names for pattern in patterns)
