"""A failing case → a folder, and a .zip of it, in which a stranger sees the failure by one command."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from tfjs_compat import __version__
from tfjs_compat.diagnosis.catalogue import catalogue
from tfjs_compat.diagnosis.diagnose import diagnose
from tfjs_compat.engine.options import memory_limit
from tfjs_compat.engine.request import RunRequest
from tfjs_compat.errors import MachineryError, RequestError
from tfjs_compat.handover.reproduction.account import ACCOUNT, SCHEMA, Reproduction, Shown
from tfjs_compat.handover.reproduction.folder import Subject, write_bundle
from tfjs_compat.handover.reproduction.private import Private, of_this_machine
from tfjs_compat.handover.reproduction.script import Requirements
from tfjs_compat.locks.lock import Lock
from tfjs_compat.matrix.axes import TODAY, Combination
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.system.context import Context
from tfjs_compat.system.files import disk_errors, remove_tree, require_usable
from tfjs_compat.system.process import Limits
from tfjs_compat.system.progress import Progress, Silent
from tfjs_compat.system.temporary import temporary_folder
from tfjs_compat.trials.comparison import TOLERANCES
from tfjs_compat.trials.runtimes.bundle import default_version
from tfjs_compat.trials.runtimes.runtime import TfjsRuntime
from tfjs_compat.trials.tfjs_check import ArtifactUnderTest, load_converted
from tfjs_compat.workflows.failing_case import FailingCase, failing_case


@dataclass(frozen=True)
class ReproRequest:
    """What to reproduce, and where to.

    ``case`` names one of ``results``, the output folder of a run; None: what ``run_options`` say is run first.
    ``force``: a reproduction that is in ``target`` is replaced.
    """

    target: Path
    case: str | None = None
    results: Path = Path(".tfjs-compat")
    force: bool = False
    run_options: RunRequest = field(default_factory=RunRequest)


class Written(msgspec.Struct, frozen=True):
    """A bundle that was written: its folder, the .zip beside it, and what it shows."""

    folder: Path
    archive: Path
    reproduction: Reproduction


def repro(
    request: ReproRequest, progress: Progress | None = None, stop: threading.Event | None = None
) -> Written | None:
    """Write a bundle that shows a failing case; None where nothing that was to be run fails.

    Raises RequestError, also where a file of the model holds what is private to this machine; MachineryError,
    Interrupted.
    """
    _check_target(request.target, force=request.force)
    case = failing_case(request.case, request.results, request.run_options, progress, stop)
    if case is None:
        return None
    context = Context(
        request.run_options.store,
        stop or threading.Event(),
        progress or Silent(),
        Limits(seconds=300.0, memory=memory_limit(1)),
    )
    account = _account(case, _shown(case, request.run_options, context))
    entry = catalogue().get(account.issue or "")
    subject = Subject(
        account=account,
        model=case.model,
        route=case.route,
        requirements=requirements_of(case.result.combination, case.lock, account.python),
        lock=case.lock,
        trial=case.folder if case.folder.is_dir() else None,
        log=case.log,
        link=entry.links[0] if entry is not None and entry.links else None,
    )
    private = of_this_machine([Path(case.model.path).parent, case.output, context.store.root])
    _write(subject, request.target, private)
    return Written(request.target, _archive(request.target), account)


def _archive(target: Path) -> Path:
    return target.with_name(f"{target.name}.zip")


def _check_target(target: Path, *, force: bool) -> None:
    require_usable(f"--output {target}", target, below=True)
    if not os.path.lexists(target):
        return
    if not target.is_dir():
        raise RequestError(f"--output {target}: it exists and is not a folder")
    if any(target.iterdir()) and not (force and (target / ACCOUNT).is_file()):
        hint = "\nhint: --force replaces a reproduction in it" if (target / ACCOUNT).is_file() else ""
        raise RequestError(f"--output {target}: the folder is not empty{hint}")


def _write(subject: Subject, target: Path, private: Sequence[Private]) -> None:
    """Write it beside the target under the target's own name, so that no half of it is ever seen."""
    target = target.absolute()
    aside = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tfjs-compat")
    whole = aside / target.name
    with disk_errors(target):
        whole.mkdir(parents=True)
        try:
            write_bundle(subject, whole, private)
            if target.exists():
                remove_tree(target)
            whole.rename(target)
            _archive(whole).replace(_archive(target))
        finally:
            remove_tree(aside)


def requirements_of(combination: Combination, lock: Lock | None, python: str) -> Requirements:
    """What the script has uv install: the lock's pins, or what could not be resolved."""
    dropped = tuple(f"{name}; python_version < '3'" for name in combination.stand_ins)
    overrides = (*combination.overrides, *dropped)
    minor = ".".join(python.split(".")[:2])
    if lock is not None:
        pins = tuple(f"{name}=={version}" for name, version in lock.packages.items())
        # With an override of the user's the pins contradict what packages say of themselves.
        forced = (*pins, *dropped) if combination.overrides else dropped
        return Requirements(minor, pins, (), forced, TODAY, wheels_only=not lock.source_builds)
    named = (f"tensorflow=={combination.tensorflow}", f"tensorflowjs=={combination.tensorflowjs}")
    keras = () if combination.keras == "resolved" else (f"keras=={combination.keras}",)
    return Requirements(
        minor, (*named, *keras, *combination.extra), combination.constraints, overrides, combination.as_of
    )


def _shown(case: FailingCase, options: RunRequest, context: Context) -> tuple[Shown, str | None]:
    """What a run of the bundle ends with, and the TensorFlow.js that it ends in."""
    result = case.result
    if result.stage is not Stage.CHECK:
        return Shown(result.stage, result.message, result.signature), result.tfjs
    outcome = _load_anyway(case, options, context)
    found = diagnose(outcome, Stage.PREDICT)
    if found.verdict not in (Verdict.FAILS, Verdict.MISMATCH):
        raise RequestError(
            f"{result.id}: a look at the model found {', '.join(result.issues)}, and TensorFlow.js {outcome.tfjs} loads"
            " it all the same: there is no failure to show"
        )
    return Shown(outcome.stage, found.message, found.signature), outcome.tfjs


def _load_anyway(case: FailingCase, options: RunRequest, context: Context) -> Outcome:
    """What TensorFlow.js makes of a model that a check has proven broken."""
    runtime = TfjsRuntime(context, options.runtime, options.node)
    runtime.require()
    scratch = context.store.folder("scratch")
    with disk_errors(scratch), temporary_folder("repro-", scratch) as folder:
        for name in ("artifact", "inputs", "expected"):
            if (case.folder / name).is_dir():
                (folder / name).symlink_to((case.folder / name).resolve(), target_is_directory=True)
        if not (folder / "artifact").is_dir():
            raise RequestError(f"{case.folder}: the converted model is gone\nhint: run the case again")
        no_inputs = None if (folder / "expected").is_dir() else "there are no inputs"
        tfjs = case.result.tfjs or default_version()
        subject = ArtifactUnderTest(folder, case.route.format, tfjs, no_inputs, case.route.quantization)
        outcome = load_converted(subject, Outcome(Stage.CHECK), runtime, Stage.PREDICT)
    if outcome.machinery is not None:
        raise MachineryError(outcome.machinery)
    return outcome


def _account(case: FailingCase, seen: tuple[Shown, str | None]) -> Reproduction:
    result = case.result
    shown, tfjs = seen
    return Reproduction(
        schema=SCHEMA,
        tool=__version__,
        case=result.id,
        verdict=result.verdict,
        stage=result.stage,
        signature=result.signature,
        issue=result.issue,
        message=result.message,
        shown=shown,
        combination=result.combination,
        model=result.model,
        route=result.route,
        format=case.route.format,
        resolved=result.resolved,
        keras_in_use=result.keras_in_use,
        tfjs=tfjs,
        runtime=result.runtime,
        process_variables=case.variables,
        inputs_given=result.reference is not None and result.reference.source == "user",
        python=case.lock.python.version if case.lock is not None else result.combination.python,
        lock=result.lock,
        machine=case.machine,
        tolerance=TOLERANCES[case.route.quantization],
        started=case.started,
    )
