"""A converted model that exists already: checked, loaded, run in TensorFlow.js. No Python environment is needed."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import Literal

from tfjs_compat.artifact.reading import Artifact, read
from tfjs_compat.engine.options import memory_limit
from tfjs_compat.errors import RequestError
from tfjs_compat.matrix.routes import Quantization
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.results.artifact_report import ArtifactReport, artifact_report
from tfjs_compat.system.files import disk_errors
from tfjs_compat.system.process import Limits
from tfjs_compat.system.store import Store
from tfjs_compat.trials.runtimes.bundle import default_version
from tfjs_compat.trials.runtimes.runtime import Web
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
    Raises RequestError, MachineryError, Interrupted.
    """
    kept = store or Store()
    if not folder.is_dir():
        raise RequestError(f"{folder}: there is no such folder; give one that holds a model.json")
    named, folder = folder, _last_trial(folder)
    whole = (folder / "artifact").is_dir()
    artifact = folder / "artifact" if whole else folder
    if not (artifact / "model.json").exists():
        raise RequestError(f"{folder}: {_why_no_model(folder)}")
    web = Web(kept, runtime, node, Limits(seconds=300.0, memory=memory_limit(1)))
    parent = kept.folder("scratch")
    with disk_errors(parent), tempfile.TemporaryDirectory(dir=parent, prefix="check-") as name:
        scratch = Path(name)
        (scratch / "artifact").symlink_to(artifact.resolve(), target_is_directory=True)
        told = [one for one in ("inputs", "expected") if whole and (folder / one).is_dir()]
        for one in told:
            (scratch / one).symlink_to((folder / one).resolve(), target_is_directory=True)
        reading = read(artifact)
        subject = ArtifactUnderTest(
            scratch,
            reading.artifact.format if reading.artifact is not None else "layers",
            tfjs or default_version(),
            None if len(told) == 2 else "there are no inputs and predictions beside it",
            _quantization(reading.artifact) if reading.artifact is not None else "",
        )
        outcome = check_converted(subject, Outcome(Stage.CHECK), web, Stage.PREDICT, stop or threading.Event())
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
    """Why a folder that somebody wants checked has no model.json, as far as one can see."""
    cases = sorted(trial for trial in (folder / "cases").glob("*/*") if trial.is_dir())
    if cases and (folder / "results.json").is_file():
        example = next((one for one in cases if _converted(one)), cases[0])
        return f"it is the output of a run; give one of its cases: {example.parent}"
    places = (folder.resolve().parent.name, folder.resolve().parent.parent.name)
    logs = sorted(folder.glob("log.txt" if places[1] == "cases" else "*/log.txt"))
    if logs and "cases" in places:
        return f"it is a case that ended before there was a converted model; see {logs[0]}"
    return "it holds no model.json, so it is no TensorFlow.js model"


def _converted(case: Path) -> bool:
    return (case / "artifact" / "model.json").is_file()
