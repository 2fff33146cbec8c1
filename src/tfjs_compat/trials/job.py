"""What the Python half of a trial is given."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from tfjs_compat.environments.environment import Environment
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.models import Kind
from tfjs_compat.outcomes.parity import Tolerance
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.system.files import write_whole
from tfjs_compat.trials.settings import Settings


def last_python_stage(until: Stage) -> Stage:
    """The last stage that an environment's Python runs, where the case is to come as far as ``until``."""
    return until if until.rank < Stage.CONVERT.rank else Stage.CONVERT


def copy_model(case: Case, folder: Path) -> Path:
    """Copy the model's files into the case's folder, unless a builder makes it: the path to read it from.

    Copied, because keras_keras unzips beside its input, and a case may write where it reads. Raises OSError.
    """
    source = Path(case.model.path)
    if case.model.kind is Kind.BUILDER:
        return source
    target = folder / "given" / source.name.replace(" ", "_")
    target.parent.mkdir()
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy(source, target)
    return target


def write_job(case: Case, environment: Environment, folder: Path, model: Path, settings: Settings) -> None:
    """Write ``job.json`` into the case's folder: what ``inside/worker.py`` is to do. Raises MachineryError."""
    route = case.route
    command = environment.bin / "tensorflowjs_converter"
    job = {
        "folder": str(folder.absolute()),
        "record": str((folder / "record.jsonl").absolute()),
        "until": str(last_python_stage(settings.until)),
        "model": {
            "kind": case.model.kind,
            "path": str(model.absolute()),
            "module": case.model.module,
            "function": case.model.function,
            "search": case.model.search,
        },
        "route": {"format": route.format, "serialize": route.serialize, "command": route.command, "flags": route.flags},
        "options": route.options,
        # Python chooses inputs by it; what quantised weights may differ by says nothing about them.
        "tolerance": Tolerance(),
        "inputs_file": str(settings.inputs.absolute()) if settings.inputs else None,
        "sample": settings.sample,
        "python": str(environment.executable),
        "converter": str(command) if command.exists() else None,
    }
    write_whole(folder / "job.json", msgspec.json.encode(job), lasting=False)
