"""What the Python half of a trial is given."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec

from tfjs_compat.environments.environment import Environment
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.models import Kind
from tfjs_compat.outcomes.parity import Tolerance
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.system.files import write_whole
from tfjs_compat.system.holes import copy_file
from tfjs_compat.trials.comparison import TOLERANCES
from tfjs_compat.trials.settings import Settings

_INSIDE = Path(__file__).parents[1] / "inside"
_LIBRARIES = ("/usr/lib", "/usr/share", "/lib", "/lib64", "/etc")
"""Where packages of the system are: of their files the C library alone is in the key."""

_OF_THE_RUN = ("servers", "locks", "runs", "plan.json", "results.jsonl", "results.json", ".results", ".lock")
"""What a run writes into its output folder beside its cases."""

GIVEN = "given"
"""The first event of a case's record, written before its process starts."""


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
        shutil.copytree(source, target, copy_function=copy_file)
    else:
        copy_file(str(source), str(target))
    return target


def _known_folders(environment: Environment, folder: Path, settings: Settings) -> list[str]:
    """Files, and folders of files, that the case's key covers or that the run writes: their opening is not recorded."""
    store = [str(settings.store.root / name) for name in ("environments", "wheels", "scratch")]
    cases = next((parent for parent in folder.absolute().parents if parent.name == "cases"), folder)
    # Whoever reads a run that goes on, in the builder's folder, is not the builder.
    output = [str(cases), *(str(cases.parent / name) for name in _OF_THE_RUN)]
    return [*store, *output, str(environment.root), str(_INSIDE), str(folder.absolute()), *_LIBRARIES]


def _may_be_watched(case: Case) -> bool:
    """Whether the builder's folder is the user's, and no folder that holds all that he has."""
    if case.model.kind is not Kind.BUILDER or _INSIDE in Path(case.model.path).parents:
        return False
    return Path(case.model.search[0]) not in (Path.home(), Path("/"), Path("/tmp"))


def _confinement(folder: Path, settings: Settings) -> dict[str, Any] | None:
    """The arguments of inside/tfjs_case/confine.py; None: the case is not confined."""
    permissions = settings.permissions
    if not permissions.confined:
        return None
    # Weights that Keras downloads are kept where all models find them.
    downloads = [str(settings.store.folder("keras"))]
    folders = [str(folder.absolute()), *permissions.write]
    if permissions.network:
        return {"folders": [*folders, *downloads], "network": True}
    return {"folders": folders, "network": False, "apparent": downloads}


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
        "rewrite": route.rewrites,
        "options": route.options,
        # By the one a rewritten model is proven, by the other inputs are chosen that prove something of this route.
        "tolerance": Tolerance(),
        "compared_by": TOLERANCES[route.quantization],
        "inputs_file": str(settings.inputs.absolute()) if settings.inputs else None,
        # A rewritten model is proven by them.
        "sample": settings.sample or route.rewrites,
        "python": str(environment.executable),
        "converter": str(command) if command.exists() else None,
        "confine": _confinement(folder, settings),
        "known": _known_folders(environment, folder, settings),
        "watch": case.model.search[0] if _may_be_watched(case) else None,
        "file_size": settings.limits.disk,
        "trusted": settings.permissions.trusts(case.model.ref),
    }
    write_whole(folder / "job.json", msgspec.json.encode(job), lasting=False)
    # The worker goes on from there. A record without it was tampered with by the model.
    write_whole(folder / "record.jsonl", msgspec.json.encode({"event": GIVEN}) + b"\n", lasting=False)
