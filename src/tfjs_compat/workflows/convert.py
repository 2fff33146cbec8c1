"""Convert, whatever it takes: find a way, and hand over the model that was proven to work."""

from __future__ import annotations

import datetime
import hashlib
import os
import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from tfjs_compat import __version__
from tfjs_compat.artifact.tensors import read_tensors
from tfjs_compat.errors import RequestError
from tfjs_compat.handover.account import Account, InputsTold
from tfjs_compat.handover.delivery import ACCOUNT, check_target, deliver, lock_target
from tfjs_compat.matrix.models import Kind, find_model
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.search.request import SearchRequest
from tfjs_compat.system.files import digest_files, remove_tree
from tfjs_compat.system.progress import Progress
from tfjs_compat.system.store import Store
from tfjs_compat.workflows.find import WORK, Found, find


def convert(
    wish: SearchRequest,
    target: Path,
    *,
    force: bool = False,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Found:
    """Find the best way for a model and write the result to ``target``, with its account; nothing where none works.

    Raises RequestError, MachineryError.
    """
    store = wish.how.store
    check_target(target, force=force)
    model = find_model(wish.model, Path.cwd())
    if model.kind is Kind.SAVED_MODEL and target.resolve().is_relative_to(Path(model.path).resolve()):
        raise RequestError(f"--output {target}: it is inside the model {wish.model}, which would be another one then")
    with lock_target(target, store):
        # Its own folder, so that conversions to different targets do not wait for each other.
        work = work_folder(target, store)
        found = find(replace(wish, how=replace(wish.how, output=work)), progress, stop)
        if found.case is not None:
            folder = work / WORK / "cases" / found.case.trial
            account = _account(found, found.case, folder, wish)
            told = msgspec.json.format(msgspec.json.encode(account), indent=2) + b"\n"
            deliver(folder / "artifact", target, {ACCOUNT: told}, force=force)
            # What counts is in the target, and in the store what is worth keeping; logs are wanted where nothing works.
            remove_tree(work)
        return found


def work_folder(target: Path, store: Store) -> Path:
    """Where the cases of a conversion to that target are run, and stay with their logs where none of them works."""
    return store.folder("conversions") / hashlib.sha256(os.fsencode(target.resolve())).hexdigest()[:16]


def _account(found: Found, case: CaseResult, folder: Path, wish: SearchRequest) -> Account:
    assert case.parity is not None, "what works was compared"
    artifact = folder / "artifact"
    files = sorted(path for path in artifact.iterdir() if path.is_file())
    inputs = read_tensors(folder / "inputs")
    recipe = found.recipe
    return Account(
        schema=1,
        tool=__version__,
        created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        model=case.model,
        model_digest=find_model(wish.model, Path.cwd()).digest,
        combination=case.combination,
        resolved=case.resolved,
        keras_in_use=case.keras_in_use,
        route=case.route,
        process_env=recipe.process_env if recipe is not None else {},
        steps=found.steps,
        repairs=case.repairs,
        lock=case.lock,
        packages=tuple(_pins(recipe.files["requirements.txt"])) if recipe is not None else (),
        tfjs=case.tfjs,
        runtime=case.runtime,
        parity=case.parity,
        inputs=tuple(InputsTold(one.name, _dtype(one.values), tuple(one.values.shape)) for one in inputs),
        inputs_from=str(wish.how.inputs) if wish.how.inputs is not None else "generated from the model's signature",
        files=tuple(path.name for path in files),
        digest=digest_files((path.name, path) for path in files),
    )


def _dtype(values: Any) -> str:
    return "string" if values.dtype.kind in "OSU" else str(values.dtype)


def _pins(lock: str) -> Iterable[str]:
    return (line.partition(" ")[0] for line in lock.splitlines() if "==" in line and not line.startswith((" ", "#")))
