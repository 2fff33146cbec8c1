"""The JavaScript half of a case: check the artifact, load it in TensorFlow.js, predict, compare."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from tfjs_compat.artifact.reading import read, read_as
from tfjs_compat.artifact.tensors import DamagedTensorsError, read_tensors
from tfjs_compat.artifact.vocabulary import Vocabulary
from tfjs_compat.checks.examine import check_artifact as check_artifact_document
from tfjs_compat.checks.examine import examine
from tfjs_compat.errors import MachineryError
from tfjs_compat.matrix.routes import Quantization
from tfjs_compat.outcomes.failures import Failure, Finding, Raised, is_machinery
from tfjs_compat.outcomes.interface import Interface
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.repairs.document import repair_document
from tfjs_compat.system.decoding import Reader
from tfjs_compat.system.files import disk_errors, remove_tree
from tfjs_compat.trials.comparison import TOLERANCES, compare
from tfjs_compat.trials.runtimes.bundle import get_bundle, read_vocabulary
from tfjs_compat.trials.runtimes.exits import TfjsExit
from tfjs_compat.trials.runtimes.job import TfjsJob
from tfjs_compat.trials.runtimes.record import read_record
from tfjs_compat.trials.runtimes.runtime import TfjsRuntime

_INTERFACES = Reader[Interface](Interface)


class ArtifactUnderTest(msgspec.Struct, frozen=True):
    """A converted model: ``folder`` holds ``artifact`` and, for a comparison, ``inputs`` and ``expected``.

    ``tfjs`` is the release to load it with; ``no_inputs`` says why there is nothing to compare, if so;
    ``quantization`` is how the weights are stored, which widens what predictions may differ by.
    """

    folder: Path
    format: Literal["layers", "graph"]
    tfjs: str
    no_inputs: str | None = None
    quantization: Quantization = ""


def check_converted(subject: ArtifactUnderTest, converted: Outcome, runtime: TfjsRuntime, until: Stage) -> Outcome:
    """Check, load, predict and compare, as far as ``until``. Raises MachineryError, Interrupted."""
    started = time.monotonic()
    findings = check_artifact(subject.folder / "artifact", runtime, subject.tfjs)
    seconds = {**converted.seconds, str(Stage.CHECK): round(time.monotonic() - started, 4)}
    outcome = replace(converted, tfjs=subject.tfjs, stage=Stage.CHECK, findings=findings, seconds=seconds)
    if errors := [finding for finding in findings if finding.severity == "error"]:
        left = left_by_repair(subject.folder / "artifact", _vocabulary(runtime, subject.tfjs))
        return replace(outcome, failure=replace(_check_failure(errors), unrepairable=left))
    return outcome if until is Stage.CHECK else load_converted(subject, outcome, runtime, until)


def load_converted(subject: ArtifactUnderTest, converted: Outcome, runtime: TfjsRuntime, until: Stage) -> Outcome:
    """Load, predict and compare, as far as ``until``, whatever a check said. Raises MachineryError, Interrupted."""
    load_only = until is Stage.LOAD or subject.no_inputs is not None
    outcome = _run(subject, replace(converted, tfjs=subject.tfjs), runtime, load_only=load_only)
    if outcome.failure is not None or outcome.machinery is not None or until is Stage.LOAD:
        return outcome
    if subject.no_inputs is not None:
        return replace(outcome, unproven=subject.no_inputs)
    try:
        expected, outputs = (read_tensors(subject.folder / name) for name in ("expected", "outputs"))
        parity = compare(expected, outputs, TOLERANCES[subject.quantization])
    except DamagedTensorsError as error:
        message = f"TensorFlow.js left no readable predictions: {error}"
        return replace(outcome, failure=Failure(Stage.PREDICT, message))
    return replace(outcome, parity=parity)


def check_artifact(folder: Path, runtime: TfjsRuntime, tfjs: str) -> tuple[Finding, ...]:
    """Everything that a static look at an artifact finds, for a TensorFlow.js release.

    Raises RequestError for a release that does not exist, MachineryError, Interrupted.
    """
    return tuple(dict.fromkeys(examine(folder, _vocabulary(runtime, tfjs))))


def _vocabulary(runtime: TfjsRuntime, tfjs: str) -> Vocabulary:
    return read_vocabulary(get_bundle(tfjs, runtime.context, runtime.node), runtime.node)


def left_by_repair(folder: Path, vocabulary: Vocabulary) -> tuple[str, ...]:
    """The errors that a repaired artifact still has, by id. Nothing is written."""
    reading = read(folder)
    if reading.artifact is None:
        return ()
    document = repair_document(reading.artifact.document).model_json
    repaired = read_as(folder, document, []).artifact
    left = check_artifact_document(repaired, vocabulary) if repaired is not None else ()
    return tuple(dict.fromkeys(finding.id for finding in left if finding.severity == "error"))


def _check_failure(errors: Sequence[Finding]) -> Failure:
    kinds = list(dict.fromkeys(finding.id for finding in errors))
    first = errors[0]
    more = f" (and {len(errors) - 1} more: {', '.join(kinds[:6])})" if len(errors) > 1 else ""
    return Failure(Stage.CHECK, f"{first.path}: {first.message}{more}", findings=tuple(errors))


def _run(subject: ArtifactUnderTest, outcome: Outcome, runtime: TfjsRuntime, *, load_only: bool) -> Outcome:
    folder = subject.folder
    job = TfjsJob(
        model=folder / "artifact",
        format=subject.format,
        inputs=None if load_only else folder / "inputs",
        outputs=folder / "outputs",
        record=folder / "tfjs.jsonl",
        expected=None if load_only else folder / "expected",
    )
    # A case's own processes may have put anything there.
    for path in (job.record, job.outputs):
        _remove(path)
    bundle = get_bundle(subject.tfjs, runtime.context, runtime.node)
    ended = runtime.run(job, bundle, folder, folder / "tfjs-log.txt")
    return read_run(read_record(job.record), ended, outcome, runtime.runtime)


def _remove(path: Path) -> None:
    with disk_errors(path):
        if path.is_dir() and not path.is_symlink():
            remove_tree(path)
        else:
            path.unlink(missing_ok=True)


def read_run(events: Sequence[Mapping[str, Any]], ended: TfjsExit, outcome: Outcome, runtime: str) -> Outcome:
    """What the record and the end of a run in TensorFlow.js say, added to the outcome.

    ``runtime``: ``node`` or ``browser``, to which the backend that ran is added. What ended the run from outside, and
    a fault of the machine that the record names, becomes ``machinery``. Raises MachineryError where there is no
    stage to name: TensorFlow.js did not start, or its program failed by itself.
    """
    seconds = dict(outcome.seconds)
    status, stage, failure = ended.status, Stage.LOAD, None
    for event in events:
        kind = event.get("event")
        if kind == "stage" and event.get("stage") in ("load", "predict"):
            stage = Stage(event["stage"])
            if isinstance(event.get("seconds"), (int, float)):
                seconds[str(stage)] = float(event["seconds"])
        elif kind == "facts":
            runtime = f"{runtime} {event.get('backend', '')}".strip()
        elif kind == "failure" and isinstance(event.get("error"), dict):
            error = event["error"]
            raised = Raised(str(error.get("type") or "Error"), str(error.get("message") or ""))
            if error.get("internal"):
                raise MachineryError(f"the check in TensorFlow.js failed by itself: {raised.type}: {raised.message}")
            failure = Failure(stage, f"{raised.type}: {raised.message}"[:2000], (raised,), text=str(error.get("stack")))
    outcome = replace(outcome, stage=stage, seconds=seconds, runtime=runtime, interface=_interface(events))
    if failure is not None and is_machinery(failure):
        return replace(outcome, failure=failure, machinery=failure.message)
    if failure is None and ended.fault is not None:
        return replace(outcome, machinery=f"{ended.fault} during {stage}")
    if not events and status.limit_exceeded is None and status.exit_code >= 0:
        raise MachineryError(f"TensorFlow.js did not start: it {status.describe()}; see tfjs-log.txt")
    if failure is None and not status.ok:
        failure = Failure(stage, f"TensorFlow.js {status.describe()} during {stage}")
    return replace(outcome, failure=failure, limited=status.limit_exceeded is not None)


def _interface(events: Sequence[Mapping[str, Any]]) -> Interface | None:
    """What the record says of names; None where the model was not run, or where that cannot be read."""
    said = {event.get("event"): event for event in reversed(events)}
    if "inputs" not in said or "outputs" not in said:
        return None
    outputs = said["outputs"]
    found = {"inputs": said["inputs"].get("matched"), "outputs": outputs.get("matched")}
    try:
        return _INTERFACES.convert({**found, "call": outputs.get("call"), "ambiguous": outputs.get("ambiguous", False)})
    except msgspec.ValidationError:
        return None
