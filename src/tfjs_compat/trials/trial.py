"""One case, for real: convert it in its environment, then check, load and run the result in TensorFlow.js.

Everything happens in children and in the case's own folder; what comes back is an Outcome.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path

import msgspec

from tfjs_compat.errors import MachineryError
from tfjs_compat.matrix.cases import Case
from tfjs_compat.outcomes.outcome import Applied, Outcome
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.repairs.folder import DamagedArtifactError, repair_folder
from tfjs_compat.system.child_files import make_empty, read_child_file, settle
from tfjs_compat.system.disk_use import nearly_full
from tfjs_compat.system.files import disk_errors, remove_tree
from tfjs_compat.trials.damaged_store import over_whole_store
from tfjs_compat.trials.fork_server import ServerDiedError
from tfjs_compat.trials.job import copy_model, last_python_stage, write_job
from tfjs_compat.trials.record import (
    read_outcome,
    read_reference,
    read_rewritable,
    read_rewriting,
    read_wrong_inputs,
    stage_now,
    why_no_inputs,
)
from tfjs_compat.trials.runtimes.runtime import TfjsRuntime, runtime_version
from tfjs_compat.trials.session import EnvironmentSession
from tfjs_compat.trials.settings import Settings
from tfjs_compat.trials.tfjs_check import ArtifactUnderTest, check_converted
from tfjs_compat.trials.touched import with_opened

LEFT = (
    *("log.txt", "record.jsonl", "job.json", "artifact", "converted", "inputs", "expected"),
    *("tfjs-log.txt", "tfjs.jsonl", "tfjs-job.json", "outputs"),
)
"""What a case leaves in its folder, as far as it comes so far. What else its model wrote is not kept between runs."""

CACHE_MARK = "key"
"""A file in a case's folder: its content is, file for file, what is kept under this key."""

_TEXTS = ("log.txt", "record.jsonl", "job.json")
_LOG_TAIL = 6000
_MOST_TEXT = 8 << 20
"""Bytes of a log, a record or a job; what is longer was put there by a model."""

_LEAST_FREE = 1 << 20
_RECORD_TAIL = 1 << 14


def convert_case(case: Case, session: EnvironmentSession, folder: Path, settings: Settings) -> Outcome:
    """The Python half of a case, as far as stage convert, in ``folder`` (emptied first).

    Log, record, artifact and tensors stay there. Raises MachineryError for a full disk and the like, Interrupted.
    """
    started = time.time()
    _prepare(case, session, folder, settings)
    if settings.web is not None and settings.until.rank > Stage.CHECK.rank:
        settings.web.prepare(folder, runtime_version(case))
    settings.progress.say(case.id, lambda: stage_now(read_child_file(folder / "record.jsonl", _RECORD_TAIL, tail=True)))
    try:
        events, ended = session.run(folder)
    except ServerDiedError:
        settings.progress.say(case.id, "again, in a process of its own")
        _prepare(case, session, folder, settings)
        events, ended = session.run_alone(folder)
    settle_case(folder)
    is_full = shutil.disk_usage(folder).free < _LEAST_FREE
    if not ended.ok and (ended.limit_exceeded is not None or nearly_full(folder)):
        _drop_written(folder)
    log_tail = read_child_file(folder / "log.txt", _LOG_TAIL, tail=True).decode("utf-8", "replace")
    outcome = read_outcome(events, ended, log_tail, last_python_stage(settings.until))
    if is_full and outcome.failure is not None and not outcome.limited:
        # Few programs say so when a disk is full, and the record of it may not have found room either.
        outcome = msgspec.structs.replace(outcome, machinery=f"{folder}: no space left on the device")
    outcome = over_whole_store(outcome, session.environment, settings)
    outcome = with_opened(outcome, case, events, started)
    versions = [event.get("keras") for event in events if event.get("event") == "facts"]
    # The last word is on the model itself, the first on tf.keras.
    keras = next((version for version in reversed(versions) if version), None)
    return msgspec.structs.replace(
        outcome,
        no_sample=why_no_inputs(events),
        reference=read_reference(events),
        rewritable=read_rewritable(events),
        rewriting=read_rewriting(events),
        wrong_inputs=read_wrong_inputs(events),
        keras_in_use=keras if isinstance(keras, str) else None,
        keras_alone=any(event.get("event") == "facts" and event.get("alone") is True for event in events),
        resolved=session.lock.resolved(),
        lock=session.lock.id,
        log="log.txt",
    )


def settle_case(folder: Path) -> None:
    """Make a case's folder safe to go on with when its processes have ended. Raises MachineryError.

    What the TensorFlow.js half writes is removed: a model may have put anything there.
    """
    settle(folder)
    for path in (folder / name for name in _TEXTS):
        if os.path.lexists(path) and path.lstat().st_size > _MOST_TEXT:
            make_empty(path)
    for name in ("home", "converted", "outputs", "tfjs-log.txt", "tfjs.jsonl", "tfjs-job.json", CACHE_MARK):
        make_empty(folder / name)


def _drop_written(folder: Path) -> None:
    """Remove what a case wrote that did not come to its end, so that its folder takes no room from others."""
    for path in folder.iterdir():
        if path.name not in _TEXTS:
            make_empty(path)


def _prepare(case: Case, session: EnvironmentSession, folder: Path, settings: Settings) -> None:
    remove_tree(folder)
    with disk_errors(folder):
        folder.mkdir(parents=True)
        write_job(case, session.environment, folder, copy_model(case, folder), settings)


def finish_case(case: Case, folder: Path, converted: Outcome, settings: Settings) -> Outcome:
    """The TensorFlow.js half of a case whose Python half left ``folder``; what did not convert stays as it is.

    A repaired route starts from the artifact in ``folder``, which may be that of the same route without the repair.
    Raises MachineryError, Interrupted.
    """
    outcome = converted
    if settings.web is not None and settings.until.rank > Stage.CONVERT.rank:
        try:
            if outcome.failure is None and outcome.machinery is None:
                settings.progress.say(case.id, "in TensorFlow.js")
                outcome = _in_tfjs(case, folder, outcome, settings.web, settings)
        finally:
            settings.web.warm_nodes.release(folder)
    if (outcome.failure or outcome.unproven) and shutil.disk_usage(folder).free < _LEAST_FREE:
        outcome = msgspec.structs.replace(outcome, machinery=f"{folder}: no space left on the device")
    _clean(folder)
    return outcome


def _in_tfjs(case: Case, folder: Path, converted: Outcome, web: TfjsRuntime, settings: Settings) -> Outcome:
    outcome, route = converted, case.route
    if route.repairs:
        outcome = msgspec.structs.replace(outcome, repairs=_repaired(folder))
    subject = ArtifactUnderTest(folder, route.format, runtime_version(case), outcome.no_sample, route.quantization)
    return check_converted(subject, outcome, web, settings.until)


def as_converted(outcome: Outcome, folder: Path) -> Outcome | None:
    """An outcome taken back to the end of its conversion, or None where it did not come so far."""
    if outcome.stage.rank < Stage.CHECK.rank or not (folder / "artifact" / "model.json").is_file():
        return None
    seconds = {stage: spent for stage, spent in outcome.seconds.items() if Stage(stage).rank <= Stage.CONVERT.rank}
    return msgspec.structs.replace(
        outcome,
        stage=Stage.CONVERT,
        failure=None,
        findings=(),
        parity=None,
        unproven=None,
        interface=None,
        seconds=seconds,
        log="log.txt",
    )


def _repaired(folder: Path) -> tuple[Applied, ...]:
    """Repair the artifact of a case; the model.json of the converter stays beside it, in ``converted``."""
    artifact, converted = folder / "artifact", folder / "converted"
    with disk_errors(folder):
        remove_tree(converted)
        artifact.rename(converted)
    try:
        applied = repair_folder(converted, artifact).applied
    except DamagedArtifactError:
        # The check says what is wrong with it.
        converted.rename(artifact)
        return ()
    for path in converted.iterdir():
        # The weights' bytes are those of the artifact.
        if path.name != "model.json":
            path.unlink()
    return applied


def _clean(folder: Path) -> None:
    for name in ("home", "given", "saved_model", "model.h5", "model.keras"):
        with contextlib.suppress(MachineryError):
            make_empty(folder / name)
