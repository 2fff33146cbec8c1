"""What the Python half of a trial recorded, read without trust."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from tfjs_compat.errors import MachineryError
from tfjs_compat.outcomes.failures import Failure, Lacking, Raised, is_machinery
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.reference import NoProof, Reference
from tfjs_compat.outcomes.rewriting import Rewriting
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.outcomes.wrong_inputs import WrongInputs
from tfjs_compat.system.decoding import Reader
from tfjs_compat.system.process import ExitStatus

_T = TypeVar("_T")

_LACKING = Reader[tuple[Lacking, ...]](tuple[Lacking, ...])
_CHAINS = Reader[tuple[Raised, ...]](tuple[Raised, ...])
_REFERENCES = Reader[Reference](Reference)
_REWRITINGS = Reader[Rewriting](Rewriting)
_WRONG_INPUTS = Reader[WrongInputs](WrongInputs)

_MOST_LINE = 400

_OURS = "tfjs_case."
"""What the types of this package's own exceptions begin with."""

TAMPERED = "tampered"
"""Among the events of a case whose record is not any more the one that was begun for it: only its model can do that."""


def read_outcome(events: Sequence[Mapping[str, Any]], ended: ExitStatus, log_tail: str, until: Stage) -> Outcome:
    """What a worker's record and its end say. A record is written by code that runs a user's model: nothing in it is
    believed beyond its form.

    An end that says nothing about the case (``ExitStatus.fault``) is the machinery's. Raises MachineryError where the
    worker did not start.
    """
    stages = [(_stage(event), event) for event in events if event.get("event") == "stage"]
    seconds = {
        str(stage): _seconds(event) for stage, event in stages if stage is not None and event.get("status") == "done"
    }
    tampered = any(event.get("event") == TAMPERED for event in events)
    if not stages and not tampered and ended.limit_exceeded is None and ended.exit_code >= 0:
        last = (log_tail.strip() or "it printed nothing").splitlines()[-1]
        raise MachineryError(f"the worker did not start ({ended.describe()}): {last}")
    reached = [stage for stage, _ in stages if stage is not None]
    stage = max(reached, key=lambda stage: stage.rank) if reached else Stage.IMPORT
    if ended.ok and any(event.get("event") == "done" for event in events):
        return Outcome(stage=until, machinery=_lost_sample(events), seconds=seconds)
    failed = next((event for event in events if event.get("event") == "failure"), None)
    if failed is not None and ended.limit_exceeded is None:
        failure = Failure(_stage(failed) or stage, "", _chain(failed.get("chain")), text=log_tail)
        lacking, split = _lacking(events)
        failure = msgspec.structs.replace(failure, message=_headline(failure), lacking=lacking, split=split)
        machinery = failure.message if is_machinery(failure) else None
        return Outcome(stage=failure.stage, failure=failure, machinery=machinery, seconds=seconds)
    # What a stage that did not end took is known of none but the one that a limit ended.
    if ended.limit_exceeded is not None and str(stage) not in seconds:
        seconds[str(stage)] = round(max(0.0, ended.seconds - sum(seconds.values())), 4)
    if ended.fault is not None:
        return Outcome(stage=stage, machinery=f"the case {ended.fault} during {stage}", seconds=seconds)
    without = "" if ended.limit_exceeded is not None or ended.exit_code < 0 else ", without an exception,"
    failure = Failure(stage, f"the case {ended.describe()}{without} during {stage}", text=log_tail)
    return Outcome(stage=stage, failure=failure, seconds=seconds, limited=ended.limit_exceeded is not None)


def stage_now(record: bytes) -> str:
    """The stage that the end of a record says has begun last; empty where it says none."""
    found = re.findall(rb'"stage": "([a-z]{1,12})", "status": "start"', record)
    return found[-1].decode() if found else ""


def _lost_sample(events: Sequence[Mapping[str, Any]]) -> str | None:
    """The fault of the machine that kept a case from taking its inputs and predictions, or None."""
    chains = [_chain(event.get("chain")) for event in events if event.get("event") == "no-sample"]
    failures = [Failure(Stage.BUILD, "", chain) for chain in chains]
    return next((_headline(failure) for failure in failures if is_machinery(failure)), None)


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
        return _CHAINS.convert(value)
    except msgspec.ValidationError:
        return ()


def _lacking(events: Sequence[Mapping[str, Any]]) -> tuple[tuple[Lacking, ...], str]:
    """What a graph has that TensorFlow.js has not, and the line of Python that makes the model behind that."""
    event = next((event for event in events if event.get("event") == "lacking"), {})
    try:
        lacking = _LACKING.convert(event.get("lacking", ()))
    except msgspec.ValidationError:
        return (), ""
    return lacking, str(event.get("split", ""))[:_MOST_LINE]


def _headline(failure: Failure) -> str:
    outer = failure.chain[0] if failure.chain else None
    if outer is None:
        return "the case failed and left no readable account of it"
    if outer.type.startswith(_OURS) and outer.message:
        # The sentence says it; the name is one of this package's.
        return outer.message
    return f"{outer.type}: {outer.message}".strip().removesuffix(":")


def why_no_inputs(events: Sequence[Mapping[str, Any]]) -> str | None:
    """Why a worker took no sample of the model's predictions, as its record says; None where it did."""
    if (wrong := read_wrong_inputs(events)) is not None:
        return wrong.reason("the model")
    for event in events:
        if event.get("event") == "no-sample":
            chain = event.get("chain")
            outer = chain[0] if isinstance(chain, list) and chain and isinstance(chain[0], dict) else {}
            return f"{outer.get('type', 'error')}: {str(outer.get('message', ''))[:300]}"
    return None


def _said(events: Sequence[Mapping[str, Any]], name: str, field: str, reader: Reader[_T]) -> _T | None:
    """What the first event of a name says in a field; None where there is none, or where that cannot be read."""
    said = next((event for event in events if event.get("event") == name), None)
    if said is None:
        return None
    try:
        return reader.convert(said.get(field))
    except msgspec.ValidationError:
        return None


def read_wrong_inputs(events: Sequence[Mapping[str, Any]]) -> WrongInputs | None:
    """What of the inputs that were given is not the model's; None where they fit, or where that cannot be read."""
    return _said(events, "wrong-inputs", "inputs", _WRONG_INPUTS)


def read_reference(events: Sequence[Mapping[str, Any]]) -> Reference | None:
    """What was taken of the Python model's own predictions; None where the case did not come so far, or says nothing
    that can be read."""
    if (wrong := read_wrong_inputs(events)) is not None:
        return Reference(source="user", no_proof=NoProof.WRONG_INPUTS, why=wrong.reason("the model"))
    if (why := why_no_inputs(events)) is not None:
        return Reference(no_proof=NoProof.NO_REFERENCE, why=why)
    return _said(events, "sample", "reference", _REFERENCES)


def read_rewriting(events: Sequence[Mapping[str, Any]]) -> Rewriting | None:
    """What of the model was rewritten; None where nothing was, or where that cannot be read."""
    return _said(events, "rewritten", "rewriting", _REWRITINGS)


def read_rewritable(events: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The rewrites that fit layers of the model."""
    said = next((event.get("rewrites") for event in events if event.get("event") == "rewritable"), None)
    return tuple(str(each)[:60] for each in said[:60]) if isinstance(said, list) else ()
