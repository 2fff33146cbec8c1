"""Convert a model: find a way that works, and write the artifact that was proven by it."""

from __future__ import annotations

import hashlib
import os
import threading
from dataclasses import replace
from pathlib import Path

from tfjs_compat.errors import RequestError
from tfjs_compat.handover.account import account_of
from tfjs_compat.handover.delivery import ACCOUNT, check_target, deliver, lock_target
from tfjs_compat.handover.first_load import first_load
from tfjs_compat.matrix.models import Kind, Model, find_model
from tfjs_compat.search.request import SearchRequest
from tfjs_compat.system.context import Context
from tfjs_compat.system.files import remove_tree
from tfjs_compat.system.progress import Progress
from tfjs_compat.system.store import Store
from tfjs_compat.workflows.find import WORK, Finder, Found, find


def convert(
    request: SearchRequest,
    target: Path,
    *,
    force: bool = False,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    finder: Finder = find,
) -> Found:
    """Find the best way for a model and write the result to ``target``, with its account; nothing where none works.

    ``finder`` is what looks for the way. Raises RequestError, MachineryError.
    """
    options = request.run_options
    check_target(target, force=force)
    model = find_model(request.model, Path.cwd(), Context(options.store, stop or threading.Event()).go_on)
    _require_apart(model, target)
    with lock_target(target, options.store):
        # Its own folder, so that conversions to different targets do not wait for each other.
        work = work_folder(target, options.store)
        found = finder(replace(request, run_options=replace(options, output=work)), progress, stop)
        if found.case is not None and found.recipe is not None:
            folder = work / WORK / "cases" / found.case.trial
            beside = first_load(found.case, folder)
            account = account_of(found.case, found.steps, found.recipe, model.digest, folder, options.inputs, beside)
            deliver(folder / "artifact", target, {ACCOUNT: account.to_json(), **beside}, force=force)
            # What counts is in the target, and in the store what is worth keeping; logs are wanted where nothing works.
            remove_tree(work)
        return found


def work_folder(target: Path, store: Store) -> Path:
    """The store's folder for the trials of conversions to ``target``; it stays, with their logs, where none works."""
    return store.folder("conversions") / hashlib.sha256(os.fsencode(target.resolve())).hexdigest()[:16]


def _require_apart(model: Model, target: Path) -> None:
    if model.kind is Kind.SAVED_MODEL and target.resolve().is_relative_to(Path(model.path).resolve()):
        raise RequestError(
            f"--output {target}: it is inside the model {model.ref}, which writing would change\n"
            "hint: give a folder outside it"
        )
