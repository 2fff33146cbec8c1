"""Repair an artifact that exists already, and prove it: it loads, and (with a reference) predicts the same numbers."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec

from tfjs_compat.engine.request import RunRequest
from tfjs_compat.errors import Interrupted, RequestError
from tfjs_compat.handover.delivery import check_target, deliver, lock_target
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.repairs.folder import DamagedArtifactError, repair_folder
from tfjs_compat.repairs.repair import Repaired
from tfjs_compat.repairs.unrepairable import Unrepairable, unrepairable
from tfjs_compat.results.artifact_report import ArtifactReport
from tfjs_compat.search.request import SearchRequest
from tfjs_compat.system.files import disk_errors
from tfjs_compat.system.holes import copy_file
from tfjs_compat.system.progress import Progress, Silent
from tfjs_compat.system.temporary import temporary_folder
from tfjs_compat.system.text import plain
from tfjs_compat.workflows.check import check
from tfjs_compat.workflows.converted import find_converted, put_samples
from tfjs_compat.workflows.find import WORK, Finder, Found, find


class RepairReport(msgspec.Struct, frozen=True):
    """The result of a repair.

    ``repaired`` says what was changed and accounts for every weight. ``checked`` is the verdict of TensorFlow.js on the
    result: ``works`` where a reference proved its numbers, ``converts`` where it loads and nothing proves them.
    ``remains`` is what no repair cures. ``reference`` is the search that made the reference's predictions.
    ``written``: the result is in the target.
    """

    source: str
    repaired: Repaired
    checked: ArtifactReport
    remains: tuple[Unrepairable, ...]
    reference: Found | None
    written: bool


def repair(
    source: Path,
    target: Path,
    reference: SearchRequest | None,
    *,
    run_options: RunRequest,
    tfjs: str | None = None,
    force: bool = False,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    checker: Callable[..., ArtifactReport] = check,
    finder: Finder = find,
) -> RepairReport:
    """Repair the artifact in ``source`` (its folder, or a case of a run) into ``target``, which is written only if the
    result loads and no number disagrees.

    ``reference``: a search for the model that it was converted from, which is built and run in the first environment
    that can; then the result has to be proven by it. Without one, the predictions that lie beside the artifact are
    compared, if there are any. ``run_options`` say with which TensorFlow.js runtime to check, and
    with which store. ``checker`` and ``finder`` are what checks the result and looks for that environment. Raises
    RequestError, MachineryError, Interrupted.
    """
    converted = find_converted(source)
    _require_different(converted.artifact, target)
    check_target(target, force=force)
    reporter, store = progress or Silent(), run_options.store
    scratch = store.folder("scratch")
    with lock_target(target, store), disk_errors(scratch), temporary_folder("repair-", scratch) as folder:
        repaired = _repaired(converted.artifact, folder / "artifact", reporter)
        if isinstance(repaired, DamagedArtifactError):
            return _damaged(source, repaired)
        found = _predictions(reference, folder, finder, reporter, stop) if reference is not None else None
        if found is None:
            put_samples(converted, folder)
        checked = checker(folder, tfjs=tfjs, runtime=run_options.runtime, node=run_options.node, store=store, stop=stop)
        checked = msgspec.structs.replace(checked, folder=str(source))
        # A reference was given for its proof: that nothing could be compared is none.
        good = checked.verdict is Verdict.WORKS or (checked.verdict is Verdict.CONVERTS and found is None)
        if good:
            deliver(folder / "artifact", target, {}, force=force)
        return RepairReport(str(source), repaired, checked, unrepairable(checked.findings), found, good)


def _require_different(source: Path, target: Path) -> None:
    if os.path.lexists(target) and source.samefile(target):
        raise RequestError(f"--output {target}: it is the folder to repair\nhint: give another folder")


def _repaired(source: Path, artifact: Path, progress: Progress) -> Repaired | DamagedArtifactError:
    """Put the repaired artifact into a folder, or say that it cannot be read."""
    what = "repairing"
    progress.begin(what)
    try:
        repaired = repair_folder(source, artifact, lambda done, total: progress.say(what, _share(done, total)))
    except DamagedArtifactError as error:
        progress.end(what, "it cannot be read")
        return error
    many = len(repaired.applied)
    progress.end(what, f"{many} repair{'s' * (many > 1)}" if many else "nothing to repair")
    return repaired


def _predictions(
    reference: SearchRequest, folder: Path, finder: Finder, progress: Progress, stop: threading.Event | None
) -> Found:
    """Put inputs and the reference's predictions on them into ``folder``."""
    work = folder / "reference"
    run_options = replace(reference.run_options, output=work)
    found = finder(replace(reference, until=Stage.SERIALIZE, run_options=run_options), progress, stop)
    if found.interrupted:
        raise Interrupted
    if found.case is not None:
        for name in ("inputs", "expected"):
            given = work / WORK / "cases" / found.case.trial / name
            if given.is_dir():
                shutil.copytree(given, folder / name, copy_function=copy_file)
    return found


def _damaged(source: Path, error: DamagedArtifactError) -> RepairReport:
    """The end of a repair of what cannot even be read: TensorFlow.js was not started."""
    issues = tuple(dict.fromkeys(finding.id for finding in error.findings))
    message = plain(f"{error.findings[0].path}: {error.findings[0].message}")
    checked = ArtifactReport(str(source), None, None, Verdict.FAILS, Stage.CHECK, issues, message, error.findings, None)
    return RepairReport(str(source), Repaired({}), checked, (), None, written=False)


def _share(done: int, total: int) -> str:
    return f"{done >> 20} of {total >> 20} MiB"
