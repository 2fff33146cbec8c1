"""What a run found: the values of results.json, whether they are as expected, and how they are written."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from tfjs_compat.cases import Combination, Expectation
from tfjs_compat.errors import RequestError
from tfjs_compat.outcomes import Finding, Stage, Verdict
from tfjs_compat.parity import Parity
from tfjs_compat.repairs import Applied
from tfjs_compat.store import write_whole
from tfjs_compat.versions import version_fits

SCHEMA = 1


class Step(msgspec.Struct, frozen=True):
    """One remedy that was applied: for which issue (empty: none was known), which, and what it changed."""

    issue: str
    remedy: str
    changes: tuple[str, ...]


class Cure(msgspec.Struct, frozen=True):
    """What running the remedies of a failing case came to.

    ``works``: the ``steps``, one after another, led to a case that works: ``case``, with its combination and route and
    the largest difference of its predictions. ``trials``: how many changed cases were run.
    """

    works: bool
    trials: int
    steps: tuple[Step, ...] = ()
    case: str | None = None
    combination: Combination | None = None
    route: str | None = None
    keras_in_use: str | None = None
    max_abs: float | None = None


class CaseResult(msgspec.Struct, frozen=True):
    """One case's result. The fields up to ``log`` are a contract (docs/results.schema.json).

    ``combination`` is what was asked, ``resolved`` the versions that the lock gave, ``stage`` the last one reached,
    ``issue`` the known issue that decided and ``issues`` all that were found, ``signature`` the normalised first
    cause, ``seconds`` the time of each stage, ``log`` a path relative to the output folder,
    ``repairs`` what was repaired in the artifact,
    ``cure`` what its remedies came to where they were run,
    ``keras_in_use`` the version of the Keras that the model was built with (or, before it was, of tf.keras).
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
    runtime: str | None = None
    keras_in_use: str | None = None
    repairs: tuple[Applied, ...] = ()
    cure: Cure | None = None


class Results(msgspec.Struct, frozen=True):
    """results.json: which tool and machine, when, and every case in the order of the matrix."""

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


def exit_code(results: Results) -> int:
    """3 where the machinery failed, else 1 where a case did not end as expected, else 0."""
    if any(case.verdict is Verdict.ERROR for case in results.cases):
        return 3
    return 0 if all(case.as_expected for case in results.cases) else 1


def as_expected(
    expected: Expectation | None,
    until: Stage,
    verdict: Verdict,
    stage: Stage,
    issues: Iterable[str],
    keras: str | None,
) -> bool:
    """Whether a case ended as its matrix says; where it says nothing, the case has to reach the end.

    A run that was asked to stop early is held to nothing beyond the stage it stops at.
    """
    rule = expected or Expectation(verdict=Verdict.WORKS)
    wanted = rule.verdict or (Verdict.FAILS if rule.stage or rule.issue else Verdict.WORKS)
    if rule.keras is not None and keras is not None and not version_fits(keras, rule.keras):
        return False
    beyond = until is not Stage.PREDICT and (wanted in (Verdict.WORKS, Verdict.MISMATCH) or _later(rule.stage, until))
    somewhere = until is not Stage.PREDICT and wanted is Verdict.FAILS and rule.stage is None
    if beyond or (somewhere and verdict is Verdict.CONVERTS):
        return verdict is Verdict.CONVERTS
    if verdict is not wanted or (rule.stage is not None and stage is not rule.stage):
        return False
    return rule.issue is None or rule.issue in issues


def _later(stage: Stage | None, until: Stage) -> bool:
    return stage is not None and stage.rank > until.rank


def machine_facts() -> dict[str, str]:
    """What of the machine can decide a conversion: grappler fuses by the CPU's instruction sets (FACTS of oneDNN)."""
    facts = {"system": platform.system(), "machine": platform.machine(), "python": platform.python_version()}
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return facts
    flags = next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), [])
    told = [flag for flag in flags if flag in ("avx", "avx2", "fma", "avx512f", "avx512_vnni", "amx_tile")]
    return {**facts, "cpu": " ".join(told)}


def write_results(results: Results, output: Path) -> Path:
    """Write OUTPUT/results.json, whole or not at all."""
    path = output / "results.json"
    write_whole(path, msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")
    return path


class _Head(msgspec.Struct):
    schema: int


def read_results(path: Path) -> Results:
    """The results of a run: ``path`` is its output folder or the file itself. Raises RequestError."""
    file = path / "results.json" if path.is_dir() else path
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        hint = "`tfjs-compat run` writes one when it ends" if file != path else "give the output folder of a run"
        raise RequestError(f"{file}: there is no such file or folder; {hint}") from None
    except OSError as error:
        raise RequestError(f"{file}: cannot be read: {error.strerror or error}") from None
    try:
        schema = msgspec.json.decode(content, type=_Head).schema
        if schema != SCHEMA:
            older = schema < SCHEMA
            hint = "run the matrix again" if older else "a newer tfjs-compat wrote it; upgrade this one"
            raise RequestError(f"{file}: key 'schema': is {schema}, this tfjs-compat reads {SCHEMA}; {hint}")
        return msgspec.json.decode(content, type=Results)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(f"{file}: damaged, or no results.json of tfjs-compat: {error}") from None


def json_schema() -> dict[str, Any]:
    """The JSON Schema of results.json, out of the types."""
    schema = msgspec.json.schema(Results)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "tfjs-compat results", **schema}
