"""A converted model that exists already: checked, loaded, run in TensorFlow.js. No Python environment is needed."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Literal

from tfjs_compat.artifact.reading import Artifact, read
from tfjs_compat.engine.options import memory_limit
from tfjs_compat.errors import MachineryError, RequestError
from tfjs_compat.matrix.routes import Quantization
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.results.artifact_report import ArtifactReport, artifact_report
from tfjs_compat.system.context import Context
from tfjs_compat.system.files import disk_errors, require_usable
from tfjs_compat.system.process import Limits
from tfjs_compat.system.store import Store
from tfjs_compat.system.temporary import temporary_folder
from tfjs_compat.trials.runtimes.bundle import default_version
from tfjs_compat.trials.runtimes.runtime import TfjsRuntime
from tfjs_compat.trials.tfjs_check import ArtifactUnderTest, check_converted


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

    ``folder`` holds model.json, or is the folder of a case, whose inputs and predictions are then compared again.
    Raises RequestError; MachineryError also where something ended the check from outside; Interrupted.
    """
    require_usable(str(folder), folder)
    kept = store or Store()
    if not folder.is_dir():
        raise RequestError(f"{folder}: there is no such folder\nhint: give a folder that holds a model.json")
    named, folder = folder, _last_trial(folder)
    is_case = (folder / "artifact").is_dir()
    artifact = folder / "artifact" if is_case else folder
    if not (artifact / "model.json").exists():
        raise RequestError(f"{folder}: {_why_no_model(folder)}")
    limits = Limits(seconds=300.0, memory=memory_limit(1))
    context = Context(kept, stop or threading.Event(), limits=limits)
    tfjs_runtime = TfjsRuntime(context, runtime, node)
    tfjs_runtime.require()
    parent = kept.folder("scratch")
    with temporary_folder("check-", parent) as scratch, disk_errors(parent):
        (scratch / "artifact").symlink_to(artifact.resolve(), target_is_directory=True)
        samples = [name for name in ("inputs", "expected") if is_case and (folder / name).is_dir()]
        for name in samples:
            (scratch / name).symlink_to((folder / name).resolve(), target_is_directory=True)
        reading = read(artifact)
        subject = ArtifactUnderTest(
            scratch,
            reading.artifact.format if reading.artifact is not None else "layers",
            tfjs or default_version(),
            None if len(samples) == 2 else "there are no inputs and predictions beside it",
            _quantization(reading.artifact) if reading.artifact is not None else "",
        )
        outcome = check_converted(subject, Outcome(Stage.CHECK), tfjs_runtime, Stage.PREDICT)
    if outcome.machinery is not None:
        raise MachineryError(outcome.machinery)
    return artifact_report(str(named), outcome)


def _quantization(artifact: Artifact) -> Quantization:
    """How the weights of an artifact are stored, the coarsest way first."""
    stored = {weight.stored for weight in artifact.weights if weight.stored != weight.dtype}
    ways: tuple[Quantization, ...] = ("uint8", "float16", "uint16")
    return next((way for way in ways if way in stored), "")


def _last_trial(folder: Path) -> Path:
    """Of a case (OUTPUT/cases/CASE) the trial that converted it last; any other folder itself."""
    if folder.resolve().parent.name != "cases":
        return folder
    converted = [trial for trial in folder.iterdir() if _converted(trial)]
    return max(converted, key=lambda trial: (trial / "artifact").stat().st_mtime, default=folder)


def _why_no_model(folder: Path) -> str:
    """Why a folder that was given to be checked has no model.json, as far as one can see."""
    cases = sorted(trial for trial in (folder / "cases").glob("*/*") if trial.is_dir())
    if cases and (folder / "results.json").is_file():
        example = next((trial for trial in cases if _converted(trial)), cases[0])
        hint = f"`tfjs-compat check {example.parent}` checks one of its cases"
        return f"it is the output of a run, not a model\nhint: {hint}"
    places = (folder.resolve().parent.name, folder.resolve().parent.parent.name)
    logs = sorted(folder.glob("log.txt" if places[1] == "cases" else "*/log.txt"))
    if logs and "cases" in places:
        return f"it is a case that ended before there was a converted model\nhint: {logs[0]} says why"
    return "it is no TensorFlow.js model: it holds no model.json"


def _converted(case: Path) -> bool:
    return (case / "artifact" / "model.json").is_file()
