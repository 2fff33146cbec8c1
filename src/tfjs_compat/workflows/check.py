"""A converted model that exists already: checked, loaded, run in TensorFlow.js. No Python environment is needed."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Literal

from tfjs_compat.artifact.reading import Artifact, read
from tfjs_compat.engine.options import memory_limit
from tfjs_compat.errors import MachineryError
from tfjs_compat.matrix.routes import Quantization
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.results.artifact_report import ArtifactReport, artifact_report
from tfjs_compat.system.context import Context
from tfjs_compat.system.files import disk_errors
from tfjs_compat.system.process import Limits
from tfjs_compat.system.store import Store
from tfjs_compat.system.temporary import temporary_folder
from tfjs_compat.trials.runtimes.bundle import default_version
from tfjs_compat.trials.runtimes.runtime import TfjsRuntime
from tfjs_compat.trials.tfjs_check import ArtifactUnderTest, check_converted
from tfjs_compat.workflows.converted import find_converted, put_samples


def check(
    folder: Path,
    *,
    tfjs: str | None = None,
    runtime: Literal["node", "browser"] = "node",
    node: str = "wheel",
    store: Store | None = None,
    stop: threading.Event | None = None,
) -> ArtifactReport:
    """Check a TensorFlow.js model that exists already, and load it; no Python environment is needed.

    ``folder`` holds model.json, or is the folder of a case, whose inputs and predictions are then compared again; so is
    the stored input of a model that `convert` wrote (predict.json).
    Raises RequestError; MachineryError also where something ended the check from outside; Interrupted.
    """
    kept, converted = store or Store(), find_converted(folder)
    limits = Limits(seconds=300.0, memory=memory_limit(1))
    context = Context(kept, stop or threading.Event(), limits=limits)
    tfjs_runtime = TfjsRuntime(context, runtime, node)
    tfjs_runtime.require()
    parent = kept.folder("scratch")
    with temporary_folder("check-", parent) as scratch, disk_errors(parent):
        (scratch / "artifact").symlink_to(converted.artifact.resolve(), target_is_directory=True)
        no_inputs = put_samples(converted, scratch)
        reading = read(converted.artifact)
        subject = ArtifactUnderTest(
            scratch,
            reading.artifact.format if reading.artifact is not None else "layers",
            tfjs or default_version(),
            no_inputs,
            _quantization(reading.artifact) if reading.artifact is not None else "",
        )
        outcome = check_converted(subject, Outcome(Stage.CHECK), tfjs_runtime, Stage.PREDICT)
    if outcome.machinery is not None:
        raise MachineryError(outcome.machinery)
    return artifact_report(str(folder), outcome, converted.compared_with)


def _quantization(artifact: Artifact) -> Quantization:
    """How the weights of an artifact are stored, the coarsest way first."""
    stored = {weight.stored for weight in artifact.weights if weight.stored != weight.dtype}
    ways: tuple[Quantization, ...] = ("uint8", "float16", "uint16")
    return next((way for way in ways if way in stored), "")
