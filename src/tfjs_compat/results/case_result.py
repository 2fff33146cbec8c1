"""The types of results.json, and how an outcome becomes a case's result."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from tfjs_compat.diagnosis.applying import applicable
from tfjs_compat.diagnosis.diagnose import diagnose
from tfjs_compat.matrix.axes import Combination
from tfjs_compat.matrix.cases import Case, Expectation, requested_versions
from tfjs_compat.matrix.permissions import Permissions
from tfjs_compat.matrix.source import Source
from tfjs_compat.outcomes.failures import Finding
from tfjs_compat.outcomes.interface import Interface
from tfjs_compat.outcomes.outcome import Applied, Outcome
from tfjs_compat.outcomes.parity import Parity
from tfjs_compat.outcomes.reference import Reference
from tfjs_compat.outcomes.rewriting import Rewriting
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.excerpt import excerpt
from tfjs_compat.results.expectations import as_expected
from tfjs_compat.results.remedies import RemedyResult
from tfjs_compat.system.decoding import Reader

SCHEMA = 1


class Attempt(msgspec.Struct, frozen=True):
    """How one run of a case ended that was run more than once; ``log`` is that run's, relative to the output folder."""

    verdict: Verdict
    stage: Stage
    issue: str | None
    signature: str | None
    message: str
    log: str | None


class CaseResult(msgspec.Struct, frozen=True):
    """One case's result. The fields up to ``log`` are a contract (docs/results.schema.json).

    ``combination`` is what was requested, ``resolved`` the versions of the lock by package, ``stage`` the last one
    reached, ``issue`` the known issue that decided and ``issues`` all that were found, ``remedies`` what may help this
    case of it, ``signature`` the normalised first cause, ``seconds`` the wall time of each stage, ``log`` a path
    relative to the output folder, ``repairs`` what was repaired in the artifact, ``cure`` the result of its remedies
    where they were run, ``keras_in_use`` the version of the Keras that the model was built with (or, before it was, of
    tf.keras), ``trial`` the name of what was run (the case's id and its lock), whose files are in OUTPUT/cases/TRIAL,
    ``model_digest`` the SHA-256 of the model's content, ``reference`` the Python model's own predictions: with a
    ``no_proof``, no version can prove anything. ``interface`` says which input and output of the artifact is which of
    the model. ``rewritable`` are the rewrites that fit layers of the model on the route's format, ``rewriting`` is what
    was replaced in it before it was converted. ``unrepairable`` are the ids of errors that a look at the artifact found
    and that its repair leaves. ``keras_alone``: all code that built the model takes Keras by ``import keras``, which no
    process variable changes.

    ``process_variables`` are what the combination's ``process_env`` stands for; None in older files.

    ``attempts``: of a case that was run more than once (``--retries``), every run in order; the result itself is that
    of the one that ended worst. Empty for a case that was run once. ``excerpt``: the lines of the log that say why it
    failed.
    """

    id: str
    combination: Combination
    resolved: dict[str, str]
    lock: str | None
    model: str
    route: str
    verdict: Verdict
    stage: Stage
    issue: str | None
    issues: tuple[str, ...]
    signature: str | None
    message: str
    remedies: tuple[str, ...]
    expected: Expectation | None
    as_expected: bool
    seconds: dict[str, float]
    parity: Parity | None
    findings: tuple[Finding, ...]
    log: str | None
    cached: bool
    tfjs: str | None = None
    process_variables: dict[str, str] | None = None
    runtime: str | None = None
    keras_in_use: str | None = None
    repairs: tuple[Applied, ...] = ()
    cure: RemedyResult | None = None
    explanation: str | None = None
    trial: str = ""
    model_digest: str = ""
    attempts: tuple[Attempt, ...] = ()
    excerpt: str = ""
    reference: Reference | None = None
    interface: Interface | None = None
    rewritable: tuple[str, ...] = ()
    rewriting: Rewriting | None = None
    unrepairable: tuple[str, ...] = ()
    keras_alone: bool = False

    @property
    def flaky(self) -> bool:
        """Whether the same trial ended in two ways. A fault of the machinery is none of them."""
        ends = {(end.verdict, end.stage, end.issue or end.signature) for end in self.attempts}
        return len([end for end in ends if end[0] is not Verdict.ERROR]) > 1

    def ended_as(self, attempt: Attempt) -> CaseResult:
        """The same case as if that attempt had been its only run; its numbers are not known any more."""
        ended = {name: getattr(attempt, name) for name in Attempt.__struct_fields__}
        return msgspec.structs.replace(self, **ended, parity=None, attempts=())


CASE_READER = Reader[CaseResult](CaseResult)


def case_result(
    case: Case, outcome: Outcome, until: Stage, *, cached: bool = False, variables: dict[str, str] | None = None
) -> CaseResult:
    """What a case came to: its outcome, what is made of it, and whether the matrix expected that.

    ``until`` is the stage that was to be reached, ``cached`` whether the outcome is that of an earlier run,
    ``variables`` are the process variables of the trial.
    """
    versions = outcome.resolved or requested_versions(case)
    found = diagnose(outcome, until, versions)
    keras = outcome.resolved.get("keras")
    trial = trial_id(case.id, outcome.lock)
    return CaseResult(
        id=case.id,
        combination=case.combination,
        resolved=outcome.resolved,
        lock=outcome.lock,
        model=case.model.ref,
        route=case.route.name,
        verdict=found.verdict,
        stage=outcome.stage,
        issue=found.issues[0] if found.issues else None,
        issues=found.issues,
        signature=found.signature,
        message=found.message,
        remedies=applicable(found.issues, case, outcome, found.message, versions),
        expected=case.expected,
        as_expected=as_expected(case.expected, until, found.verdict, outcome.stage, found.issues, keras),
        seconds=outcome.seconds,
        parity=outcome.parity,
        findings=outcome.findings,
        log=f"cases/{trial}/{outcome.log}" if outcome.log is not None else None,
        cached=cached,
        tfjs=outcome.tfjs,
        process_variables=variables,
        runtime=outcome.runtime,
        keras_in_use=outcome.keras_in_use,
        repairs=outcome.repairs,
        trial=trial,
        model_digest=case.model.digest,
        excerpt=excerpt(outcome.failure.text) if outcome.failure is not None else "",
        reference=outcome.reference,
        interface=outcome.interface,
        rewritable=outcome.rewritable,
        rewriting=outcome.rewriting,
        unrepairable=outcome.unrepairable,
        keras_alone=outcome.keras_alone,
    )


def trial_id(case_id: str, lock_id: str | None) -> str:
    """The name of a trial: its case's key and its lock. Two locks of one case (another day) are two trials.

    The lock is shortened: paths are read by people.

    >>> trial_id("mlp-layers-tf2.16.1-0a1b2c3d", "77ab51e09c02d4f8")
    'mlp-layers-tf2.16.1-0a1b2c3d/77ab51e0'
    """
    return f"{case_id}/{lock_id[:8] if lock_id else 'unresolved'}"


class Results(msgspec.Struct, frozen=True):
    """results.json: tool, machine and time, and every case in the order of the matrix.

    ``tool`` is the version of tfjs-compat, ``started`` an ISO time in UTC, ``seconds`` the wall time of the run,
    ``until`` the last stage of it, ``left_out`` a line ``CASE: REASON`` for each case that cannot exist.

    ``complete`` is false where the run did not come to its end: ``planned`` is then the number of cases that it was to
    run, of which ``cases`` holds those that ended. ``locks`` says what each lock of the cases pins: package → version.
    ``source`` says where the matrix stands, if it is a file of the user's. ``stopped`` says what ended a run that is
    not complete: ``time`` is its own limit (``--time``). ``permissions`` are what the models of the run were allowed.
    """

    schema: int
    tool: str
    started: str
    seconds: float
    matrix: str
    until: Stage
    complete: bool
    machine: dict[str, str]
    left_out: tuple[str, ...]
    cases: tuple[CaseResult, ...]
    planned: int | None = None
    locks: dict[str, dict[str, str]] = {}
    source: Source | None = None
    stopped: Literal["", "time"] = ""
    permissions: Permissions = Permissions()


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of results.json, derived from the types."""
    schema = msgspec.json.schema(Results)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "tfjs-compat results", **schema}
