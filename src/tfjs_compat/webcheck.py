"""The JavaScript half of a case: check the artifact, load it in TensorFlow.js, predict, compare."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from tfjs_compat.cases import DEFAULT, Case
from tfjs_compat.checks import examine
from tfjs_compat.diagnosis import Outcome
from tfjs_compat.errors import MachineryError
from tfjs_compat.outcomes import Failure, Finding, Raised, Stage
from tfjs_compat.parity import TOLERANCES, compare
from tfjs_compat.process import Ended, Limits
from tfjs_compat.routes import Quantization
from tfjs_compat.runtime.browser import find_browser, run_in_browser
from tfjs_compat.runtime.bundle import default_version, get_bundle, kept_bundle, read_vocabulary
from tfjs_compat.runtime.node import Node, find_node
from tfjs_compat.runtime.run import Task, read_record, run_in_node
from tfjs_compat.runtime.standby import Spare, Standby, is_possible
from tfjs_compat.store import Store, remove_tree
from tfjs_compat.tensors import DamagedTensorsError, read_tensors


class Web:
    """What runs TensorFlow.js: Node always (it reads the bundle's vocabulary), the browser where it is asked for.

    Looked for when first needed, so that a run that has all its outcomes already starts no process.
    """

    def __init__(self, store: Store, runtime: Literal["node", "browser"], preference: str, limits: Limits) -> None:
        """``preference``: which Node: ``wheel``, ``system`` or a path."""
        self.store, self.runtime, self.limits = store, runtime, limits
        self._preference = preference
        self.standby = Standby()

    @functools.cached_property
    def node(self) -> Node:
        """Node. Raises MachineryError."""
        return find_node(self._preference)

    @functools.cached_property
    def browser(self) -> Path | None:
        """The browser, or None where none was asked for. Raises MachineryError."""
        return find_browser() if self.runtime == "browser" else None

    def describe(self) -> str:
        """What runs TensorFlow.js, as far as it decides outcomes."""
        return f"{self.runtime} {self._preference}"

    def prepare(self, case: Path, tfjs: str, stop: threading.Event) -> None:
        """Start the Node that a check of the case in this folder will need, while the case is converted.

        Raises nothing. A release that is not in the store is left to the check: few cases may come so far.
        """
        if self.runtime == "node" and is_possible():
            self.standby.prepare(case, tfjs, lambda: self._spare(tfjs), stop)

    def _spare(self, tfjs: str) -> Spare | None:
        bundle = kept_bundle(tfjs, self.store)
        return Spare(bundle, self.node, self.store.folder("scratch")) if bundle is not None else None


def runtime_version(case: Case) -> str:
    """The TensorFlow.js release that loads this case's result."""
    asked = case.combination.tfjs_runtime
    return default_version() if asked == DEFAULT else asked


class Subject(msgspec.Struct, frozen=True):
    """A converted model: ``folder`` holds ``artifact`` and, for a comparison, ``inputs`` and ``expected``.

    ``tfjs`` is the release to load it with; ``no_inputs`` says why there is nothing to compare, if so;
    ``quantization`` is how the weights are stored, which widens what predictions may differ by.
    """

    folder: Path
    format: Literal["layers", "graph"]
    tfjs: str
    no_inputs: str | None = None
    quantization: Quantization = ""


def check_converted(subject: Subject, converted: Outcome, web: Web, until: Stage, stop: threading.Event) -> Outcome:
    """Check, load, predict and compare, as far as ``until``. Raises MachineryError, Interrupted."""
    started = time.monotonic()
    findings = check_artifact(subject.folder / "artifact", web, subject.tfjs, stop)
    seconds = {**converted.seconds, str(Stage.CHECK): round(time.monotonic() - started, 4)}
    replace = msgspec.structs.replace
    outcome = replace(converted, tfjs=subject.tfjs, stage=Stage.CHECK, findings=findings, seconds=seconds)
    if errors := [finding for finding in findings if finding.severity == "error"]:
        return replace(outcome, failure=_check_failure(errors))
    if until is Stage.CHECK:
        return outcome
    load_only = until is Stage.LOAD or subject.no_inputs is not None
    outcome = _run(subject, outcome, web, stop, load_only=load_only)
    if outcome.failure is not None or until is Stage.LOAD:
        return outcome
    if subject.no_inputs is not None:
        return replace(outcome, unproven=subject.no_inputs)
    try:
        expected, outputs = (read_tensors(subject.folder / name) for name in ("expected", "outputs"))
        parity = compare(expected, outputs, TOLERANCES[subject.quantization])
    except DamagedTensorsError as error:
        said = f"TensorFlow.js left no readable predictions: {error}"
        return replace(outcome, failure=Failure(Stage.PREDICT, said))
    return replace(outcome, parity=parity)


def check_artifact(folder: Path, web: Web, tfjs: str, stop: threading.Event | None = None) -> tuple[Finding, ...]:
    """Everything that a static look at an artifact finds, for a TensorFlow.js release."""
    vocabulary = read_vocabulary(get_bundle(tfjs, web.store, web.node, stop=stop), web.node)
    return tuple(dict.fromkeys(examine(folder, vocabulary)))


def _check_failure(errors: Sequence[Finding]) -> Failure:
    kinds = list(dict.fromkeys(finding.id for finding in errors))
    first = errors[0]
    more = f" (and {len(errors) - 1} more: {', '.join(kinds[:6])})" if len(errors) > 1 else ""
    return Failure(Stage.CHECK, f"{first.path}: {first.message}{more}", findings=tuple(errors))


def why_no_inputs(events: Sequence[Mapping[str, Any]]) -> str | None:
    """Why a worker took no sample of the model's predictions, as its record says; None where it did."""
    for event in events:
        if event.get("event") == "no-sample":
            chain = event.get("chain")
            outer = chain[0] if isinstance(chain, list) and chain and isinstance(chain[0], dict) else {}
            return f"{outer.get('type', 'error')}: {str(outer.get('message', ''))[:300]}"
    return None


def _run(subject: Subject, outcome: Outcome, web: Web, stop: threading.Event, *, load_only: bool) -> Outcome:
    folder = subject.folder
    task = Task(
        model=folder / "artifact",
        format=subject.format,
        inputs=None if load_only else folder / "inputs",
        outputs=folder / "outputs",
        record=folder / "tfjs.jsonl",
        expected=None if load_only else folder / "expected",
    )
    task.record.unlink(missing_ok=True)
    remove_tree(task.outputs)
    bundle = get_bundle(subject.tfjs, web.store, web.node, stop=stop)
    log = folder / "tfjs-log.txt"
    if web.browser is not None:
        ended = run_in_browser(task, bundle, web.browser, scratch=folder, log=log, limits=web.limits, stop=stop)
    else:
        spare = web.standby.take(folder, bundle)
        ended = run_in_node(task, bundle, web.node, scratch=folder, log=log, limits=web.limits, stop=stop, spare=spare)
    return _read_run(read_record(task.record), ended, outcome, web.runtime)


def _read_run(events: Sequence[Mapping[str, Any]], ended: Ended, outcome: Outcome, runtime: str) -> Outcome:
    """What the JavaScript record says, added to the outcome."""
    seconds = dict(outcome.seconds)
    stage, failure = Stage.LOAD, None
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
    if not events and ended.killed_by is None and ended.exit_code >= 0:
        raise MachineryError(f"TensorFlow.js did not start: it {ended.describe()}; see tfjs-log.txt")
    if failure is None and not ended.ok:
        failure = Failure(stage, f"TensorFlow.js {ended.describe()} during {stage}")
    limited = ended.killed_by is not None
    return msgspec.structs.replace(
        outcome, stage=stage, failure=failure, seconds=seconds, runtime=runtime, limited=limited
    )
