"""A bundle on disk: written into an empty folder, searched for what is private, and packed as a .zip beside it."""

from __future__ import annotations

import ast
import os
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tfjs_compat.artifact.tensors import DamagedTensorsError, Tensor, read_tensors
from tfjs_compat.errors import RequestError
from tfjs_compat.handover.reproduction import side_files
from tfjs_compat.handover.reproduction.account import ACCOUNT, Reproduction
from tfjs_compat.handover.reproduction.model_files import ModelFiles, write_model
from tfjs_compat.handover.reproduction.private import Private, cleaned, leaks
from tfjs_compat.handover.reproduction.readme import README, Evidence, readme
from tfjs_compat.handover.reproduction.script import SCRIPT, Requirements, script
from tfjs_compat.locks.lock import Lock
from tfjs_compat.matrix.models import Model
from tfjs_compat.matrix.routes import Route
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.system.holes import copy_file
from tfjs_compat.system.text import plain

_INSIDE = Path(__file__).parents[2] / "inside"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_PACKAGE = "tfjs_case"
_REWRITES = "rewrites"
"""The folder in it that rewrites models: only where the route does."""
_MADE_AGAIN = ("web_model", "seen")
"""What the script makes again: left out where it holds what is private."""


class Subject(msgspec.Struct, frozen=True):
    """Everything that a bundle is made of.

    ``lock`` is None where nothing could be resolved. ``trial`` is the folder of the trial (None: it left none), with
    artifact, inputs, expected and outputs as far as it came; ``log`` is the text of its log, ``link`` where upstream
    tracks its issue.
    """

    account: Reproduction
    model: Model
    route: Route
    requirements: Requirements
    lock: Lock | None
    trial: Path | None
    log: str = ""
    link: str | None = None


def write_bundle(subject: Subject, folder: Path, private: Sequence[Private]) -> None:
    """Write a bundle into ``folder``, which is empty, and ``folder``.zip beside it.

    Raises RequestError where a file of the model holds what is private, OSError.
    """
    account = _cleaned(subject.account, private)
    stage = account.shown.stage
    files = ModelFiles("")
    if stage.rank >= Stage.BUILD.rank and not subject.route.repairs:
        files = write_model(subject.model, folder)
    if stage.rank >= Stage.IMPORT.rank:
        _write_harness(folder, subject.route, in_tfjs=_in_tfjs(stage))
    evidence = _write_tensors(subject, folder, private)
    if _in_tfjs(stage):
        assert account.tfjs is not None, "what fails in TensorFlow.js was loaded in one"
        (folder / side_files.PACKAGE_JSON).write_text(side_files.package_json(account.tfjs), "utf-8")
        shutil.copyfile(_INSIDE / "reproduction" / "predict.mjs", folder / "predict.mjs")
    if subject.lock is None:
        for name, text in side_files.unresolved_files(subject.requirements).items():
            (folder / name).write_text(text, "utf-8")
    else:
        _write_environment(subject, folder)
    (folder / ACCOUNT).write_bytes(account.to_json())
    predicts = (folder / "inputs").is_dir()
    text = script(account, subject.model, files, subject.route, subject.requirements, predicts=predicts)
    (folder / SCRIPT).write_text(text, "utf-8")
    made_again = () if subject.route.repairs else _MADE_AGAIN
    _search(folder, private, made_again)
    names = sorted(path.name for path in folder.iterdir())
    about = readme(account, subject.requirements, files, evidence, names, subject.link)
    (folder / README).write_text(about, "utf-8")
    _search(folder, private, ())
    pack(folder, folder.with_name(f"{folder.name}.zip"))


def _in_tfjs(stage: Stage) -> bool:
    return stage.rank > Stage.CONVERT.rank


def _cleaned(account: Reproduction, private: Sequence[Private]) -> Reproduction:
    """The account without what is private in its texts; a model of the user's own is called by its name alone."""
    shown = msgspec.structs.replace(account.shown, message=cleaned(account.shown.message, private))
    named = account.model if account.model.startswith("zoo:") else Path(account.model).name
    return msgspec.structs.replace(
        account,
        shown=shown,
        message=cleaned(account.message, private),
        model=cleaned(named, private),
        case=cleaned(account.case, private),
    )


def _write_harness(folder: Path, route: Route, *, in_tfjs: bool) -> None:
    harness, program = folder / "harness", _INSIDE / "reproduction" / "reproduction.py"
    (harness / _PACKAGE).mkdir(parents=True)
    shutil.copyfile(program, harness / program.name)
    for path in _needed_by(program):
        shutil.copyfile(path, harness / _PACKAGE / path.name)
    if route.rewrites:
        rewrites = _INSIDE / _PACKAGE / _REWRITES
        shutil.copytree(rewrites, harness / _PACKAGE / _REWRITES, ignore=shutil.ignore_patterns("__pycache__"))
    if in_tfjs:
        shutil.copytree(_INSIDE / "tfjs", harness / "tfjs", ignore=shutil.ignore_patterns("run_in_page.mjs"))


def _needed_by(program: Path) -> list[Path]:
    """The modules of ``inside/tfjs_case`` that a program imports, and those that they import."""
    package = _INSIDE / _PACKAGE
    found, to_read = {package / "__init__.py"}, [program]
    while to_read:
        for node in ast.walk(ast.parse(to_read.pop().read_text("utf-8"))):
            if not isinstance(node, ast.ImportFrom) or (node.module or "").split(".")[0] != _PACKAGE:
                continue
            inner = (node.module or "").partition(".")[2]
            names = [inner] if inner else [alias.name for alias in node.names]
            if inner == _REWRITES:
                continue
            new = {package / f"{name}.py" for name in names} - found
            found |= new
            to_read += sorted(new)
    return sorted(found)


def _write_tensors(subject: Subject, folder: Path, private: Sequence[Private]) -> Evidence:
    """Copy what was compared, where it is about that; what goes into the README."""
    log = cleaned(plain(subject.log), private)
    stage, trial = subject.account.shown.stage, subject.trial
    if trial is None or not _in_tfjs(stage):
        return Evidence(log)
    found: dict[str, tuple[Tensor, ...]] = {}
    for name, place in (("inputs", "inputs"), ("expected", "expected"), ("outputs", "seen")):
        if not (trial / name / "tensors.json").is_file():
            continue
        try:
            found[place] = read_tensors(trial / name)
        except DamagedTensorsError:
            continue
        shutil.copytree(trial / name, folder / place, copy_function=copy_file)
    if (trial / "artifact").is_dir():
        shutil.copytree(trial / "artifact", folder / "web_model", copy_function=copy_file)
    return Evidence(log, found.get("expected", ()), found.get("seen", ()))


def _write_environment(subject: Subject, folder: Path) -> None:
    lock, account = subject.lock, subject.account
    assert lock is not None
    (folder / side_files.LOCK).write_text(lock.text, "utf-8")
    for name in lock.stand_ins:
        module = name.lower().replace("-", "_").replace(".", "_")
        (folder / "stand_ins").mkdir(exist_ok=True)
        text = f'"""In place of {name}, which is left out: an import of it succeeds and finds nothing."""\n'
        (folder / "stand_ins" / f"{module}.py").write_text(text, "utf-8")
    if account.shown.stage is not Stage.INSTALL:
        with_node = _in_tfjs(account.shown.stage)
        text = side_files.containerfile(subject.requirements, with_node=with_node)
        (folder / side_files.CONTAINERFILE).write_text(text, "utf-8")


def _search(folder: Path, private: Sequence[Private], made_again: Sequence[str]) -> None:
    """Leave out what is made again and holds what is private; refuse to hand over the rest with it."""
    for name in made_again:
        if (folder / name).is_dir() and next(leaks(folder / name, private), None) is not None:
            shutil.rmtree(folder / name)
    if (leak := next(leaks(folder, private), None)) is not None:
        raise RequestError(
            f"{leak.file} of the reproduction would hold {leak.what}, so nothing was written\n"
            "hint: take it out of the model's files, or reproduce a copy of the model that does not have it"
        )


def pack(folder: Path, archive: Path) -> None:
    """Pack a folder as a .zip that is the same for the same content. Raises OSError."""
    temporary = archive.with_name(f".{archive.name}.part")
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as packed:
            for path in sorted(each for each in folder.rglob("*") if each.is_file()):
                name = f"{folder.name}/{path.relative_to(folder).as_posix()}"
                entry = zipfile.ZipInfo(name, _EPOCH)
                entry.external_attr = (0o755 if os.access(path, os.X_OK) else 0o644) << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                packed.writestr(entry, path.read_bytes())
        temporary.replace(archive)
    finally:
        temporary.unlink(missing_ok=True)
