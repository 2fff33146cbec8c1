"""A converted model that exists already, wherever it lies: a folder, a case of a run, what `convert` wrote."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import NamedTuple

from tfjs_compat.artifact.tensors import write_tensors
from tfjs_compat.errors import RequestError
from tfjs_compat.handover.first_load import EXAMPLE, read_example
from tfjs_compat.matrix.models import find_model
from tfjs_compat.system.files import require_usable

_SAMPLES = ("inputs", "expected")


class Converted(NamedTuple):
    """``artifact`` holds model.json; ``case`` is the trial's folder where it is of one, ``example`` the file with the
    stored input that `convert` wrote beside the model. None where there is no such thing."""

    artifact: Path
    case: Path | None = None
    example: Path | None = None

    @property
    def compared_with(self) -> str:
        """What there is to compare its predictions with, in words; empty for nothing."""
        if self.case is not None:
            return "Python's"
        return f"those in {EXAMPLE}" if self.example is not None else ""


def find_converted(folder: Path) -> Converted:
    """The converted model that a request names: its folder, or a case of a run (OUTPUT/cases/CASE, or a trial of it).

    Raises RequestError, which says what else is there.
    """
    require_usable(str(folder), folder)
    if not folder.is_dir():
        raise RequestError(f"{folder}: {_what_it_is(folder)}")
    trial = _last_trial(folder)
    if (trial / "artifact" / "model.json").exists():
        whole = all((trial / name).is_dir() for name in _SAMPLES)
        return Converted(trial / "artifact", trial if whole else None)
    if not (folder / "model.json").exists():
        raise RequestError(f"{folder}: {_why_no_model(trial)}")
    return Converted(folder, None, folder / EXAMPLE if (folder / EXAMPLE).is_file() else None)


def put_samples(converted: Converted, folder: Path) -> str | None:
    """Put the inputs and predictions of a model into ``folder``, as a trial has them; why there are none, or None.

    Raises OSError where they cannot be put there.
    """
    if converted.case is not None:
        for name in _SAMPLES:
            (folder / name).symlink_to((converted.case / name).resolve(), target_is_directory=True)
        return None
    if converted.example is None:
        return "there are no inputs and predictions beside it"
    try:
        example = read_example(converted.example)
    except (OSError, ValueError) as error:
        return f"{converted.example} cannot be read: {error}"
    for name, tensors in zip(_SAMPLES, example, strict=True):
        write_tensors(folder / name, tensors)
    return None


def _what_it_is(path: Path) -> str:
    """What stands in the place of a folder, with the way to go on."""
    if not path.exists():
        return "there is no such folder\nhint: give a folder that holds a model.json"
    if path.name == "model.json":
        return f"it is a file of the model\nhint: give its folder: {shlex.quote(str(path.parent))}"
    return _source_model(path) or "it is a file\nhint: give the folder that holds model.json"


def _source_model(path: Path) -> str | None:
    """Where it is a model that has not been converted yet: what it is, and the command that converts it."""
    try:
        kind = find_model(str(path.absolute()), Path.cwd()).kind
    except RequestError:
        return None
    command = f"tfjs-compat convert --model {shlex.quote(str(path))} --output web_model"
    return f"it is no TensorFlow.js model: it is a model of Python ({kind})\nhint: `{command}` converts it"


def _last_trial(folder: Path) -> Path:
    """Of a case (OUTPUT/cases/CASE) the trial that converted it last; any other folder itself."""
    if folder.resolve().parent.name != "cases":
        return folder
    converted = [trial for trial in folder.iterdir() if _is_converted(trial)]
    return max(converted, key=lambda trial: (trial / "artifact").stat().st_mtime, default=folder)


def _why_no_model(folder: Path) -> str:
    """Why a folder has no model.json, as far as one can see."""
    cases = sorted(trial for trial in (folder / "cases").glob("*/*") if trial.is_dir())
    if cases and (folder / "results.json").is_file():
        example = next((trial for trial in cases if _is_converted(trial)), cases[0])
        hint = f"`tfjs-compat check {shlex.quote(str(example.parent))}` checks one of its cases"
        return f"it is the output of a run, not a model\nhint: {hint}"
    places = (folder.resolve().parent.name, folder.resolve().parent.parent.name)
    logs = sorted(folder.glob("log.txt" if places[1] == "cases" else "*/log.txt"))
    if logs and "cases" in places:
        return f"it is a case that ended before there was a converted model\nhint: {logs[0]} says why"
    return _source_model(folder) or "it is no TensorFlow.js model: it holds no model.json"


def _is_converted(case: Path) -> bool:
    return (case / "artifact" / "model.json").is_file()
