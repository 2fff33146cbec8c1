"""One case, for real: convert it in its environment, then check, load and run the result in TensorFlow.js.

Everything happens in children and in the case's own folder; what comes back is an Outcome.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from tfjs_compat import process
from tfjs_compat.cases import Case
from tfjs_compat.diagnosis import Outcome
from tfjs_compat.environments import DEFAULT_LAYOUT, Environment, Layout
from tfjs_compat.errors import MachineryError
from tfjs_compat.locks import Lock
from tfjs_compat.models import Kind
from tfjs_compat.outcomes import Failure, Raised, Stage, is_machinery
from tfjs_compat.process import Ended, Limits
from tfjs_compat.progress import Progress
from tfjs_compat.repairs import Applied, DamagedArtifactError, repair_folder
from tfjs_compat.routes import find_route
from tfjs_compat.runtime.run import read_record
from tfjs_compat.server import Server, ServerDiedError
from tfjs_compat.store import Store, disk_errors, remove_tree, write_whole
from tfjs_compat.webcheck import Subject, Web, check_converted, runtime_version, why_no_inputs

_WORKER = Path(__file__).parent / "inside" / "worker.py"
_OUTSIDE_KILLS = frozenset((signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
_THREADS = (
    *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"),
    *("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"),
)
"""One each: as many cases run as there are cores, and a sum that is split by cores depends on their number."""
_LOG_TAIL = 6000
_MOST_RECORD = 4 << 20
_LEAST_FREE = 1 << 20


@dataclass(frozen=True)
class Settings:
    """What is the same for every case of a run."""

    store: Store
    until: Stage
    limits: Limits
    web: Web | None
    stop: threading.Event
    progress: Progress
    inputs: Path | None = None
    isolation: Literal["fork", "process"] = "process"
    fresh: bool = False
    layout: Layout = DEFAULT_LAYOUT


class Bench:
    """An environment with one set of process variables, ready for cases one after another.

    With isolation by fork it holds a server that has imported TensorFlow, from the first case on.
    """

    def __init__(
        self, environment: Environment, lock: Lock, variables: Mapping[str, str], scratch: Path, settings: Settings
    ) -> None:
        self.environment, self.lock, self.variables = environment, lock, variables
        self._scratch, self._settings = scratch, settings
        self._server: Server | None = None

    def run(self, folder: Path) -> tuple[list[dict[str, Any]], Ended]:
        """Run the job in ``folder``: its events and how it ended. Raises MachineryError, Interrupted."""
        if self._settings.isolation == "fork":
            with contextlib.suppress(ServerDiedError):
                return self._run_in_fork(folder)
            # Something killed the server, perhaps this very case: that case gets a process of its own.
            self.close()
            self._settings.progress.say(folder.name, "again, in a process of its own")
            (folder / "record.jsonl").unlink(missing_ok=True)
        ended = process.run(
            [str(self.environment.executable), "-I", str(_WORKER), str(folder / "job.json")],
            env=self._child_environment(folder),
            cwd=folder,
            log=folder / "log.txt",
            limits=self._settings.limits,
            stop=self._settings.stop,
        )
        return _events(folder / "record.jsonl"), ended

    def _run_in_fork(self, folder: Path) -> tuple[list[dict[str, Any]], Ended]:
        if self._server is None:
            self._server = self._start()
        server = self._server
        if not server.wait_ready():
            shutil.copy(server.log, folder / "log.txt")
            return read_record(server.record), server.ended or Ended(-9, None, 0.0, 0)
        imported = read_record(server.record)
        ended = server.run(
            folder / "job.json", self._child_environment(folder), folder / "log.txt", self._settings.limits
        )
        if server.cases > 1:
            # The import was the first case's; the others need to know of it, not to be billed for it.
            imported = [{**event, "seconds": 0.0} if "seconds" in event else event for event in imported]
        return [*imported, *_events(folder / "record.jsonl")], ended

    def _start(self) -> Server:
        remove_tree(self._scratch)
        with disk_errors(self._scratch):
            self._scratch.mkdir(parents=True)
        command = [str(self.environment.executable), "-I"]
        settings = self._settings
        return Server(command, self._child_environment(self._scratch), self._scratch, settings.limits, settings.stop)

    def close(self) -> None:
        """End the server, if there is one, and remove what it needed."""
        if self._server is not None:
            self._server.close()
            self._server = None
        remove_tree(self._scratch)

    def _child_environment(self, folder: Path) -> dict[str, str]:
        scrubbed = process.clean_environment(folder / "home")
        own = {
            "PATH": os.pathsep.join([str(self.environment.bin), scrubbed["PATH"]]),
            "VIRTUAL_ENV": str(self.environment.root / "venv"),
            "KERAS_HOME": str(self._settings.store.folder("keras")),
            "CUDA_VISIBLE_DEVICES": "-1",
            "TF_CPP_MIN_LOG_LEVEL": "1",
            **dict.fromkeys(_THREADS, "1"),
        }
        return {**scrubbed, **own, **self.variables}


def run_case(case: Case, bench: Bench, folder: Path, settings: Settings) -> Outcome:
    """Run a case to its end, in ``folder`` (emptied first), where log, record, artifact and tensors stay.

    Raises MachineryError for a full disk and the like, Interrupted.
    """
    return finish_case(case, folder, convert_case(case, bench, folder, settings), settings)


def convert_case(case: Case, bench: Bench, folder: Path, settings: Settings) -> Outcome:
    """The Python half of a case: as far as stage convert. Raises as ``run_case`` does."""
    remove_tree(folder)
    with disk_errors(folder):
        folder.mkdir(parents=True)
        model_path = _own_copy(case, folder)
        _write_job(case, bench.environment, folder, model_path, settings)
    if settings.web is not None and settings.until.rank > Stage.CHECK.rank:
        settings.web.prepare(folder, runtime_version(case), settings.stop)
    events, ended = bench.run(folder)
    outcome = read_outcome(events, ended, _tail(folder / "log.txt"), _last_python_stage(settings.until))
    told = [event.get("keras") for event in events if event.get("event") == "facts"]
    # The last word is on the model itself, the first on tf.keras.
    keras = next((version for version in reversed(told) if version), None)
    return msgspec.structs.replace(
        outcome,
        no_sample=why_no_inputs(events),
        keras_in_use=keras if isinstance(keras, str) else None,
        resolved=bench.lock.resolved(),
        lock=bench.lock.id,
        log=f"{folder.parent.name}/{folder.name}/log.txt",
    )


def finish_case(case: Case, folder: Path, converted: Outcome, settings: Settings) -> Outcome:
    """The TensorFlow.js half of a case whose Python half left ``folder``; what did not convert stays as it is.

    A repaired route starts from the artifact in ``folder``, which may be that of the same route without the repair.
    Raises as ``run_case`` does.
    """
    outcome = converted
    if settings.web is not None and settings.until.rank > Stage.CONVERT.rank:
        try:
            if outcome.failure is None and outcome.machinery is None:
                settings.progress.say(case.id, "in TensorFlow.js")
                outcome = _in_tfjs(case, folder, outcome, settings.web, settings)
        finally:
            settings.web.standby.give_back(folder)
    if (outcome.failure or outcome.unproven) and shutil.disk_usage(folder).free < _LEAST_FREE:
        # Few programs say so when a disk is full, and the record of it may not have found room either.
        outcome = msgspec.structs.replace(outcome, machinery=f"{folder}: no space left on the device")
    _clean(folder)
    return outcome


def _in_tfjs(case: Case, folder: Path, converted: Outcome, web: Web, settings: Settings) -> Outcome:
    outcome, route = converted, find_route(case.route)
    if route.repairs:
        outcome = msgspec.structs.replace(outcome, repairs=_repaired(folder))
    subject = Subject(folder, route.format, runtime_version(case), outcome.no_sample, route.quantization)
    return check_converted(subject, outcome, web, settings.until, settings.stop)


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
        seconds=seconds,
        log=f"{folder.parent.name}/{folder.name}/log.txt",
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


def _last_python_stage(until: Stage) -> Stage:
    return until if until.rank < Stage.CONVERT.rank else Stage.CONVERT


def _own_copy(case: Case, folder: Path) -> Path:
    """Model files are copied: keras_keras unzips beside its input, and a case may write where it reads."""
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


def _write_job(case: Case, environment: Environment, folder: Path, model: Path, settings: Settings) -> None:
    route = find_route(case.route)
    command = environment.bin / "tensorflowjs_converter"
    job = {
        "folder": str(folder.absolute()),
        "record": str((folder / "record.jsonl").absolute()),
        "until": str(_last_python_stage(settings.until)),
        "model": {
            "kind": case.model.kind,
            "path": str(model.absolute()),
            "module": case.model.module,
            "function": case.model.function,
            "search": case.model.search,
        },
        "route": {"format": route.format, "serialize": route.serialize, "command": route.command, "flags": route.flags},
        "options": route.options,
        "inputs_file": str(settings.inputs.absolute()) if settings.inputs else None,
        "python": str(environment.executable),
        "converter": str(command) if command.exists() else None,
    }
    write_whole(folder / "job.json", msgspec.json.encode(job), lasting=False)


def read_outcome(events: Sequence[Mapping[str, Any]], ended: Ended, log_tail: str, until: Stage) -> Outcome:
    """What a worker's record and its end say. A record is written by code that runs a user's model: nothing in it is
    believed beyond its form."""
    stages = [(_stage(event), event) for event in events if event.get("event") == "stage"]
    seconds = {
        str(stage): _seconds(event) for stage, event in stages if stage is not None and event.get("status") == "done"
    }
    if not stages and ended.killed_by is None and ended.exit_code >= 0:
        last = (log_tail.strip() or "it said nothing").splitlines()[-1]
        raise MachineryError(f"the worker did not start ({ended.describe()}): {last}")
    reached = [stage for stage, _ in stages if stage is not None]
    stage = max(reached, key=lambda one: one.rank) if reached else Stage.IMPORT
    if ended.ok and any(event.get("event") == "done" for event in events):
        return Outcome(stage=until, machinery=_lost_sample(events), seconds=seconds)
    failed = next((event for event in events if event.get("event") == "failure"), None)
    if failed is not None and ended.killed_by is None:
        failure = Failure(_stage(failed) or stage, "", _chain(failed.get("chain")), text=log_tail)
        failure = msgspec.structs.replace(failure, message=_headline(failure))
        machinery = failure.message if is_machinery(failure) else None
        return Outcome(stage=failure.stage, failure=failure, machinery=machinery, seconds=seconds)
    if ended.killed_by is None and -ended.exit_code in _OUTSIDE_KILLS:
        said = f"the case {ended.describe()} from outside, perhaps for want of memory, during {stage}"
        return Outcome(stage=stage, machinery=said, seconds=seconds)
    without = "" if ended.killed_by is not None or ended.exit_code < 0 else ", without an exception,"
    said = f"the case {ended.describe()}{without} during {stage}"
    failure = Failure(stage, said, text=log_tail)
    return Outcome(stage=stage, failure=failure, seconds=seconds, limited=ended.killed_by is not None)


def _lost_sample(events: Sequence[Mapping[str, Any]]) -> str | None:
    """The fault of the machine that kept a case from taking its inputs and predictions, or None."""
    chains = [_chain(event.get("chain")) for event in events if event.get("event") == "no-sample"]
    failures = [Failure(Stage.BUILD, "", chain) for chain in chains]
    return next((_headline(failure) for failure in failures if is_machinery(failure)), None)


def _events(record: Path) -> list[dict[str, Any]]:
    """The events of a record; none out of what no worker writes."""
    try:
        return read_record(record) if record.is_file() and record.stat().st_size <= _MOST_RECORD else []
    except (OSError, RecursionError):
        return []


def _stage(event: Mapping[str, Any]) -> Stage | None:
    """The stage that an event names, if it is one that a worker can be in."""
    try:
        stage = Stage(event.get("stage"))
    except ValueError:
        return None
    return stage if Stage.IMPORT.rank <= stage.rank <= Stage.CONVERT.rank else None


def _seconds(event: Mapping[str, Any]) -> float:
    """What a stage took; 0 where the record says something that cannot be."""
    value = event.get("seconds")
    return float(value) if isinstance(value, (int, float)) and 0 <= value < 1e9 else 0.0


def _chain(value: object) -> tuple[Raised, ...]:
    try:
        return msgspec.convert(value, tuple[Raised, ...])
    except msgspec.ValidationError:
        return ()


def _headline(failure: Failure) -> str:
    outer = failure.chain[0] if failure.chain else None
    if outer is None:
        return "the case failed and left no readable account of it"
    return f"{outer.type}: {outer.message}".strip().removesuffix(":")


def _tail(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _LOG_TAIL))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _clean(folder: Path) -> None:
    for name in ("home", "given", "saved_model", "model.h5", "model.keras"):
        path = folder / name
        with contextlib.suppress(OSError):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
